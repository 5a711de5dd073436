/** A protocol of the quality table: what it needs, and how it is run. */
import type { ProtocolReport } from '../report.ts';

export interface Protocol {
  readonly id: string;
  readonly title: string;
  /** The data file without which it cannot run. */
  readonly file: string;
  run(command: string): Promise<ProtocolReport>;
}
