/** A protocol of the quality table: what it needs, and how it is run. */
import type { ProtocolReport } from '../report.ts';

/**
 * Settings are chosen on `validation`, a part held out of the training data, and measured once on
 * `test`.
 */
export type Part = 'test' | 'validation';

export interface Extent {
  /** Also what takes minutes to train. */
  readonly isNeural: boolean;
}

export interface Protocol {
  readonly id: string;
  readonly title: string;
  /** The data file without which it cannot run; left out where it needs none. */
  readonly file?: string;
  readonly alsoNeeds?: readonly string[];
  /** Whether it has rows that only a run with `--neural` shows. */
  readonly hasNeural?: true;
  run(part: Part, extent: Extent): Promise<Omit<ProtocolReport, 'id' | 'title' | 'command'>>;
}
