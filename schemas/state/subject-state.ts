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
}

/** An item that left the hot history but still counts as seen. */
export interface EvictedSeen {
  /** Low 32 bits of the item's hash: one false match in 4·10^9 per comparison. */
  readonly itemHash: number;
  /** Days since 1970 until which it counts; 65,535 is for ever. */
  readonly untilDay: number;
}

export interface SessionWindow {
  readonly firstAt: EpochMs;
  readonly lastAt: EpochMs;
  readonly events: number;
}

export interface SubjectState {
  /** Offset of the subject's last interaction that was taken in: the subject's version. */
  readonly lastOffset: Offset;
  readonly lastEventAt: EpochMs;
  /** Interactions ever taken in, undone ones included. */
  readonly eventCount: number;
  /** Ordered by (occurredAt, eventId), oldest first; at most the configured number. */
  readonly history: readonly HistoryEntry[];
  /** Entries that the cap pushed out. */
  readonly evictedCount: number;
  /** Sum and count of `by-own-mean` values that were evicted: they still shape the mean. */
  readonly evictedValueSum: number;
  readonly evictedValueCount: number;
  readonly evictedSeen: readonly EvictedSeen[];
  /** The newest sessions, oldest first. */
  readonly sessions: readonly SessionWindow[];
}

export const subjectKey = (subject: string): string => `subject:${subject}`;
