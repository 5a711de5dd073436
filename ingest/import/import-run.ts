/**
 * An import from beginning to end: read the items, read and sort the events, name the whole by the
 * hash of its contents, then send the catalogue and after it the events in the order of their times.
 * It is a backfill: the events keep their own times and never move the clock of live traffic.
 *
 * The name makes it repeatable: a finished import is recognised, and one that was interrupted goes on
 * where the log ends. A shift of the times is decided once and recorded, so that going on later, or
 * repeating it, means the same events.
 */
import { type EpochMs, epochMs } from '../../schemas/ids.ts';
import type { Dataset } from './dataset.ts';
import { EventSorter } from './event-sorter.ts';
import { DEFAULT_IMPORT_OPTIONS, type ImportDeps, type ImportOptions } from './import-options.ts';
import { readContents } from './import-reading.ts';
import { type SentImport, sendContents } from './import-sending.ts';
import { ProblemLog, type ProblemSummary } from './problem-log.ts';

export interface ImportReport {
  readonly importId: string;
  readonly outcome: SentImport['outcome'];
  readonly format: string;
  readonly items: number;
  readonly events: number;
  /** People and sessions. */
  readonly subjects: number;
  /** As they stand in the source. */
  readonly firstEventAt: EpochMs | null;
  readonly lastEventAt: EpochMs | null;
  /** Added to every time. */
  readonly shiftMs: number;
  /** Lines left out because they could not be read. */
  readonly broken: readonly ProblemSummary[];
  /** What was put right, or left out on purpose. */
  readonly cleaned: readonly ProblemSummary[];
  readonly notes: readonly string[];
  readonly readMs: number;
  readonly sendMs: number;
}

export const runImport = async (
  dataset: Dataset,
  deps: ImportDeps,
  given: Partial<ImportOptions> = {},
): Promise<ImportReport> => {
  const options = { ...DEFAULT_IMPORT_OPTIONS, ...given };
  const { clock, temporaryDirectory } = deps;
  const sorter = new EventSorter({ runRowsMax: options.memoryEventsMax, temporaryDirectory });
  const problems = new ProblemLog(options.brokenLinesMax);
  try {
    const startedMs = clock.monotonicMs();
    const contents = await readContents(dataset, { deps, options, sorter, problems });
    const readMs = clock.monotonicMs() - startedMs;
    const source = dataset.format;
    const sent = await sendContents(contents, { deps, options, sorter, source });
    return {
      importId: contents.importId,
      ...sent,
      format: dataset.format,
      items: contents.items.length,
      events: sorter.count,
      subjects: sorter.subjectCount,
      firstEventAt: sorter.count > 0 ? epochMs(sorter.firstTime) : null,
      lastEventAt: sorter.count > 0 ? epochMs(sorter.lastTime) : null,
      broken: problems.brokenLines,
      cleaned: problems.cleanings,
      notes: dataset.notes,
      readMs,
      sendMs: clock.monotonicMs() - startedMs - readMs,
    };
  } finally {
    await sorter.close();
  }
};
