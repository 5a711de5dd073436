/**
 * The one clock of the operators: the running maximum of `receivedAt` over a partition's live
 * records. Imports never move it, and no wall clock is read, so a replay sees the same times.
 */
import type { EpochMs } from '../../schemas/ids.ts';
import type { HistoryOptions } from '../options.ts';

/** Before the first live record. */
export const NO_TIME = 0 as EpochMs;

export const clockAfter = (clock: EpochMs, receivedAt: EpochMs, isBackfill: boolean): EpochMs =>
  !isBackfill && receivedAt > clock ? receivedAt : clock;

/** When it happened, as far as we believe it: at most a little after it was received. */
export const settledTime = (
  occurredAt: EpochMs,
  receivedAt: EpochMs,
  options: Pick<HistoryOptions, 'aheadMs'>,
): EpochMs => Math.min(occurredAt, receivedAt + options.aheadMs) as EpochMs;

export interface Lateness {
  /** Too late for shared counts and histories: the warehouse alone gets it. */
  readonly forCounts: boolean;
  /** Too late for sessions. */
  readonly forSessions: boolean;
}

const IN_TIME: Lateness = { forCounts: false, forSessions: false };

/** Lateness by the partition clock; a backfill is never late. */
export const latenessOf = (
  occurredAt: EpochMs,
  clock: EpochMs,
  isBackfill: boolean,
  options: Pick<HistoryOptions, 'countLatenessMs' | 'sessionLatenessMs'>,
): Lateness => {
  if (isBackfill || occurredAt >= clock - options.sessionLatenessMs) return IN_TIME;
  return { forCounts: occurredAt < clock - options.countLatenessMs, forSessions: true };
};
