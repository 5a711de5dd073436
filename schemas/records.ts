/**
 * The records of the log as TypeScript sees them. Their Avro twins live in `schemas/registry`, and
 * `schemas/avro` turns one into the other. Times are milliseconds since 1970 in UTC.
 */
import type {
  EpochMs,
  EventId,
  ItemId,
  ListId,
  LogId,
  Offset,
  PartitionIndex,
  SessionId,
  UserId,
} from './ids.ts';

export interface InteractionContext {
  readonly listId: ListId | null;
  readonly rank: number | null;
  readonly placement: string | null;
  /** The eventId that an `undo` takes back. */
  readonly undoes: EventId | null;
}

/** Something a person did to an item. */
export interface InteractionRecord {
  /** Who sent it. With eventId and subject it identifies the event for seven days. */
  readonly source: string;
  readonly eventId: EventId;
  /** Exactly one of userId and sessionId is set. */
  readonly userId: UserId | null;
  readonly sessionId: SessionId | null;
  readonly itemId: ItemId;
  readonly kind: string;
  readonly value: number | null;
  readonly occurredAt: EpochMs;
  /** Stamped at append. The partition clock is its running maximum over live records. */
  readonly receivedAt: EpochMs;
  /** Content hash of the import that it belongs to; null for live events. */
  readonly backfill: string | null;
  /**
   * Set by a source that numbers its events (an import numbers its sorted rows): within one log
   * partition the numbers of one source rise, so that one mark takes the place of all its ids, and
   * a repetition at any age changes nothing. Null for everyone else.
   */
  readonly sequence: number | null;
  readonly context: InteractionContext | null;
}

export interface ShownItem {
  readonly itemId: ItemId;
  readonly rank: number;
  readonly propensity: number | null;
}

/** A list that a person was really shown. */
export interface ImpressionRecord {
  readonly source: string;
  readonly listId: ListId;
  readonly placement: string | null;
  readonly userId: UserId | null;
  readonly sessionId: SessionId | null;
  readonly items: readonly ShownItem[];
  readonly models: Readonly<Record<string, string>>;
  readonly experiment: string | null;
  readonly variant: string | null;
  readonly occurredAt: EpochMs;
  readonly receivedAt: EpochMs;
}

export type AttributeValue = string | number | boolean;

/** The whole of an item as it now is. A deleted item is a tombstone (null value) in the log. */
export interface CatalogueItemRecord {
  readonly itemId: ItemId;
  readonly title: string;
  readonly categories: readonly string[];
  readonly tags: readonly string[];
  readonly people: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly publishedAt: EpochMs | null;
  readonly availableFrom: EpochMs | null;
  readonly expiresAt: EpochMs | null;
  readonly available: boolean;
  readonly price: number | null;
  readonly hidden: boolean;
  readonly image: string | null;
  readonly updatedAt: EpochMs;
}

/** A fact about the system itself; its kinds grow with later record versions. */
export interface ControlRecord {
  /** For example `import`, `dataset`, `configuration`, `rebase`, `promotion`. */
  readonly kind: string;
  /** What it is about within its kind: a content hash, a release, a version. */
  readonly subject: string;
  readonly at: EpochMs;
  /** JSON text whose shape the kind decides. */
  readonly body: string;
}

/** A change of the shared popularity count of an item. Removing is the same with sign −1. */
export interface CountDelta {
  readonly weight: number;
  readonly sign: 1 | -1;
  readonly at: EpochMs;
}

export interface RatingDelta {
  readonly value: number;
  readonly sign: 1 | -1;
  readonly at: EpochMs;
}

/** One side of a co-visited pair, addressed to the item whose neighbour list it changes. */
export interface PairDelta {
  /** Index of the neighbour in the envelope's `itemIds`. */
  readonly neighbour: number;
  /** True where the item addressed came first and the neighbour after it. */
  readonly forward: boolean;
  readonly weight: number;
  readonly sign: 1 | -1;
  readonly at: EpochMs;
}

/** What one source record means for one item. */
export interface ItemSignal {
  readonly sourceOffset: Offset;
  /** Index of the item in the envelope's `itemIds`. */
  readonly item: number;
  /** Signed 32-bit hash of the subject: pairs need three different people. */
  readonly subjectHash: number;
  readonly counts: readonly CountDelta[];
  readonly ratings: readonly RatingDelta[];
  readonly pairs: readonly PairDelta[];
  /** Set when the source is the catalogue: what item-side operators need of the item. */
  readonly catalogue: { readonly categories: readonly string[]; readonly deleted: boolean } | null;
}

/**
 * The derived envelope: everything that one micro-batch of one source partition means for one
 * partition of `item-signals`. The consumer keeps one mark per (sourceLogId, sourcePartition) and
 * drops every signal whose sourceOffset is at or below it. One source offset is never split over
 * two envelopes.
 */
export interface ItemSignalsRecord {
  readonly sourceLogId: LogId;
  readonly sourceTopic: string;
  readonly sourcePartition: PartitionIndex;
  readonly firstOffset: Offset;
  readonly lastOffset: Offset;
  /** The source partition's clock after lastOffset. */
  readonly clock: EpochMs;
  /** Set when the source is a `rebase` control record: the counters' new landmark. */
  readonly landmark: EpochMs | null;
  /** Every item named below, once: a micro-batch names the same items again and again. */
  readonly itemIds: readonly ItemId[];
  readonly signals: readonly ItemSignal[];
}

/** A dead letter keeps this much of what could not be read; one of exactly this length may have been cut. */
export const DEAD_LETTER_BYTES_MAX = 65_536;

export interface DeadLetterRecord {
  readonly topic: string;
  readonly partition: PartitionIndex;
  readonly offset: Offset;
  /** Code from the error table. */
  readonly reason: string;
  readonly message: string;
  readonly key: Uint8Array | null;
  /** The first DEAD_LETTER_BYTES_MAX of what could not be read. */
  readonly value: Uint8Array;
  readonly at: EpochMs;
}

/** A person asks to be forgotten; it travels in the person's own partition of `interactions`. */
export interface ForgetRecord {
  readonly userId: UserId;
  readonly requestId: string;
  readonly receivedAt: EpochMs;
}

export interface RecordTypes {
  Interaction: InteractionRecord;
  Impression: ImpressionRecord;
  CatalogueItem: CatalogueItemRecord;
  Control: ControlRecord;
  ItemSignals: ItemSignalsRecord;
  DeadLetter: DeadLetterRecord;
  Forget: ForgetRecord;
}

export type RecordName = keyof RecordTypes;

/** A decoded record together with its name: switch on `name`. */
export type NamedRecord = {
  [Name in RecordName]: { readonly name: Name; readonly record: RecordTypes[Name] };
}[RecordName];
