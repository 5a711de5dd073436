/** A protocol of the quality table: what it needs, and how it is run. */
import type { ProtocolReport } from '../report.ts';

/**
 * Settings are chosen on `validation`, a part held out of the training data, and measured once on
 * `test`.
 */
export type Part = 'test' | 'validation';

export interface Protocol {
  readonly id: string;
  readonly title: string;
  /** The data file without which it cannot run. */
  readonly file: string;
  readonly alsoNeeds?: readonly string[];
  run(part: Part): Promise<Omit<ProtocolReport, 'id' | 'title' | 'command'>>;
}
