/** What can be set about an import, what it needs, and how it tells where it is. */
import type { Clock } from '../../schemas/environment.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import type { KindTable } from '../../schemas/kinds.ts';
import type { BackfillSink } from './backfill-sink.ts';

export type ImportPhase = 'counting' | 'reading' | 'items' | 'events';

export interface ImportProgress {
  readonly phase: ImportPhase;
  readonly done: number;
  readonly total: number;
  /** What is counted: bytes while reading, items or events while sending. */
  readonly unit: 'bytes' | 'items' | 'events';
  readonly perSecond: number;
}

export interface ImportOptions {
  /** Unreadable lines after which the import stops. */
  readonly brokenLinesMax: number;
  /** Only the so many items with the most events, and their events; null takes all. */
  readonly sampleItems: number | null;
  /** All times are moved so that the last event happens then; null keeps them. */
  readonly shiftTo: EpochMs | null;
  /** Events in memory at once, about 60 bytes each; more are sorted on the disk. */
  readonly memoryEventsMax: number;
  /** Events, and items, in one batch to the sink. */
  readonly batchEvents: number;
  readonly batchItems: number;
  /** After so many events the progress is recorded. */
  readonly recordEvery: number;
}

export const DEFAULT_IMPORT_OPTIONS: ImportOptions = {
  brokenLinesMax: 1_000,
  sampleItems: null,
  shiftTo: null,
  memoryEventsMax: 4_000_000,
  batchEvents: 8_192,
  batchItems: 500,
  recordEvery: 250_000,
};

export interface ImportDeps {
  readonly sink: BackfillSink;
  readonly kinds: KindTable;
  readonly clock: Clock;
  /** For sorting what does not fit into memory. */
  readonly temporaryDirectory: string;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** Stops between two batches; what is durable stays, and the same import goes on later. */
  readonly signal?: AbortSignal;
}

/** Counts up and tells, for one phase. */
export const meter = (
  { clock, onProgress }: Pick<ImportDeps, 'clock' | 'onProgress'>,
  of: Pick<ImportProgress, 'phase' | 'total' | 'unit'>,
): ((more: number) => void) => {
  const startedMs = clock.monotonicMs();
  let done = 0;
  return (more) => {
    done += more;
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    onProgress?.({ ...of, done, perSecond: seconds > 0 ? done / seconds : 0 });
  };
};
