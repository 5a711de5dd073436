/**
 * What the stream keeps of a subject (a person or an anonymous session), and serving reads: one
 * value under `subject:<subjectId>` in the state partition of the subject's log partition.
 */
import type { EpochMs, EventId, ItemId, Offset } from '../ids.ts';

export interface HistoryEntry {
  readonly eventId: EventId;
  readonly itemId: ItemId;
  readonly kind: string;
  readonly value: number | null;
  readonly occurredAt: EpochMs;
  /**
   * Whether it is among the subject's shared counts: positive, the first of its (item, kind, day),
   * and within the day's limit. Only such events are paired.
   */
  readonly isCounted: boolean;
  /** Events of the subject in the 24 hours before it. */
  readonly busy: number;
}

/** An item that left the hot history but still counts as seen. */
export interface EvictedSeen {
  /** `itemHashLow` of the item: one false match in 4·10^9 per comparison. */
  readonly itemHash: number;
  /** Days since 1970 until which it counts; 65,535 is for ever. */
  readonly untilDay: number;
}

/** An evicted event that still occupies its place among the once-a-day popularity counts. */
export interface EvictedCount {
  /** Days since 1970. */
  readonly day: number;
  /** 32-bit hash of (item, kind). */
  readonly hash: number;
}

/** An undo that came before the event it takes back. */
export interface PendingUndo {
  readonly eventId: EventId;
  readonly occurredAt: EpochMs;
}

export interface SessionWindow {
  readonly firstAt: EpochMs;
  readonly lastAt: EpochMs;
  readonly events: number;
}

export interface SubjectState {
  /** Offset of the subject's last interaction that was taken in: the subject's version. */
  readonly lastOffset: Offset;
  /** Time of the subject's newest event. */
  readonly lastEventAt: EpochMs;
  /** Interactions ever taken in, those that were undone later included, undos themselves not. */
  readonly eventCount: number;
  /** Ordered by (occurredAt, eventId), oldest first; at most the configured number. */
  readonly history: readonly HistoryEntry[];
  /** Entries that the cap pushed out. */
  readonly evictedCount: number;
  /**
   * Sum (in thousandths, so that it is exact) and count of all `by-own-mean` values taken in and
   * not undone, evicted ones included: the subject's own mean.
   */
  readonly ownValueSumThousandths: number;
  readonly ownValueCount: number;
  readonly evictedSeen: readonly EvictedSeen[];
  /** Of the days that a live event may still fall on; by (day, hash). */
  readonly evictedCounts: readonly EvictedCount[];
  readonly pendingUndos: readonly PendingUndo[];
  /** The newest sessions, oldest first. */
  readonly sessions: readonly SessionWindow[];
}

export const subjectKey = (subject: string): string => `subject:${subject}`;
