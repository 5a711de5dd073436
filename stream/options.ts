/**
 * What can be set about the stream. Every cap names what it costs in bytes; at the defaults a person
 * with 50 events and an item with a full neighbour list stay within 2 KB each.
 */
import {
  type CounterHalfLives,
  DEFAULT_HALF_LIVES,
} from '../algorithms/popularity/decayed-counter.ts';
import type { DurationMs } from '../schemas/ids.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export interface HistoryOptions {
  /** Events in the hot history; about 40 bytes each. */
  readonly historyMax: number;
  /** Items remembered as seen after they left the history; 6 bytes each. */
  readonly evictedSeenMax: number;
  /** Once-a-day counts remembered of evicted events; 6 bytes each. */
  readonly evictedCountsMax: number;
  /** Undos that wait for their event; an id and 6 bytes each. */
  readonly pendingUndosMax: number;
  /** Sessions kept; about 10 bytes each. */
  readonly sessionsMax: number;
  /** A pause this long ends a session. */
  readonly sessionGapMs: DurationMs;
  /** Sessions accept live events at most this far behind the partition clock. */
  readonly sessionLatenessMs: DurationMs;
  /** Shared counts accept live events at most this far behind the partition clock. */
  readonly countLatenessMs: DurationMs;
  /** An event's time is cut to this far ahead of when it was received. */
  readonly aheadMs: DurationMs;
  /** Shared counts per subject and UTC day. */
  readonly countsPerDayMax: number;
  /** With how many earlier events an event is paired. */
  readonly pairReach: number;
  /** How far back those may lie. */
  readonly pairWindowMs: DurationMs;
  /** What a pair's weight is multiplied by for each event between. */
  readonly pairDecay: number;
  /** Events in 24 hours at which a person's pairs weigh 1/√2. */
  readonly busyScale: number;
  /** The own mean before anything is known, and how many values that belief is worth. */
  readonly ownMeanPrior: number;
  readonly ownMeanPriorStrength: number;
}

export interface DedupeOptions {
  /** How long an id is remembered, by the partition clock. */
  readonly windowMs: DurationMs;
  /** Ids remembered per partition; about 36 bytes of memory and 20 of state each. */
  readonly idsMax: number;
}

export interface ItemOptions {
  readonly halfLives: CounterHalfLives;
  /** A neighbour list longer than this is pruned; about 20 bytes a neighbour. */
  readonly neighboursMax: number;
  /** What pruning leaves. */
  readonly neighboursKept: number;
  /** Categories with counters of their own per partition; about 100 bytes each, in memory. */
  readonly categoriesMax: number;
}

export interface RunnerOptions {
  /** Records and bytes read at a time. */
  readonly readRecordsMax: number;
  readonly readBytesMax: number;
  /** Longest time between two applies of a user or item partition while events keep coming. */
  readonly userApplyEveryMs: DurationMs;
  readonly itemApplyEveryMs: DurationMs;
  /** Subjects (about 2 KB each) and items (about 3 KB each) kept in memory per owned partition. */
  readonly cachedSubjectsMax: number;
  readonly cachedItemsMax: number;
  /** Keys in one hint; a larger change is left to `changesSince`. */
  readonly hintKeysMax: number;
  /**
   * Changes of one flush that readers in the same process are told of before they are stored; a larger
   * one, and every one where this is 0, they learn of afterwards. About 2 KB each.
   */
  readonly foretoldKeysMax: number;
  /** How long a partition waits before it tries again after a failure that may pass. */
  readonly retryMs: DurationMs;
  /**
   * How often an idle partition looks whether the store still stands where it left it. For stores
   * that can lose writes while the stream lives on; 0 is never, for those that cannot.
   */
  readonly positionCheckMs: DurationMs;
}

export interface SinkOptions {
  /** Rows of one insert; a multiple of 256. */
  readonly chunkRecords: number;
  /** Chunks copied at once where so many are due; 4 MB of rows a partition at the defaults. */
  readonly chunksMax: number;
  /** How long the tail of the log may wait for a full chunk. */
  readonly flushAfterMs: DurationMs;
  /** How often a sink with nothing to copy asks the warehouse whether it still has everything. */
  readonly lookEveryMs: DurationMs;
  /** How long the sink waits before it tries again while the warehouse is away. */
  readonly retryMs: DurationMs;
}

export interface StreamOptions {
  readonly history: HistoryOptions;
  readonly dedupe: DedupeOptions;
  readonly item: ItemOptions;
  readonly runner: RunnerOptions;
  readonly sink: SinkOptions;
}

export const DEFAULT_STREAM_OPTIONS: StreamOptions = {
  history: {
    historyMax: 50,
    evictedSeenMax: 1_500,
    evictedCountsMax: 256,
    pendingUndosMax: 8,
    sessionsMax: 8,
    sessionGapMs: (30 * MINUTE_MS) as DurationMs,
    sessionLatenessMs: HOUR_MS as DurationMs,
    countLatenessMs: (7 * DAY_MS) as DurationMs,
    aheadMs: (5 * MINUTE_MS) as DurationMs,
    countsPerDayMax: 200,
    pairReach: 5,
    pairWindowMs: (30 * DAY_MS) as DurationMs,
    pairDecay: 0.8,
    busyScale: 20,
    ownMeanPrior: 3.5,
    ownMeanPriorStrength: 5,
  },
  dedupe: { windowMs: (7 * DAY_MS) as DurationMs, idsMax: 1_000_000 },
  item: {
    halfLives: DEFAULT_HALF_LIVES,
    neighboursMax: 64,
    neighboursKept: 48,
    categoriesMax: 4_096,
  },
  runner: {
    readRecordsMax: 4_096,
    readBytesMax: 1_048_576,
    userApplyEveryMs: 25 as DurationMs,
    itemApplyEveryMs: 250 as DurationMs,
    cachedSubjectsMax: 16_384,
    // Half of it is sure to stay: a quarter of 100,000 items, at four partitions.
    cachedItemsMax: 49_152,
    hintKeysMax: 2_000,
    foretoldKeysMax: 0,
    retryMs: 500 as DurationMs,
    positionCheckMs: 0 as DurationMs,
  },
  sink: {
    chunkRecords: 4_096,
    chunksMax: 4,
    flushAfterMs: 2_000 as DurationMs,
    lookEveryMs: 30_000 as DurationMs,
    retryMs: 5_000 as DurationMs,
  },
};

/** Of so many partitions the caches are what the defaults above say; of fewer, each has more. */
const PARTITIONS_BY_DEFAULT = 4;

/** What the partitions of a site keep in memory together is the same from one partition to four. */
export const cachesFor = (counts: {
  readonly userPartitions: number;
  readonly itemPartitions: number;
}): Pick<RunnerOptions, 'cachedSubjectsMax' | 'cachedItemsMax' | 'hintKeysMax'> => {
  const { cachedSubjectsMax, cachedItemsMax, hintKeysMax } = DEFAULT_STREAM_OPTIONS.runner;
  const timesOf = (partitions: number): number => Math.max(1, PARTITIONS_BY_DEFAULT / partitions);
  const items = timesOf(counts.itemPartitions);
  return {
    cachedSubjectsMax: Math.ceil(timesOf(counts.userPartitions) * cachedSubjectsMax),
    cachedItemsMax: Math.ceil(items * cachedItemsMax),
    hintKeysMax: Math.ceil(items * hintKeysMax),
  };
};
