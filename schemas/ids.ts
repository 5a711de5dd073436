/**
 * The branded words of Freshet. What must not be mixed has a type of its own: a user is not an
 * item, an offset is not a count. Brands exist only for the compiler; at run time they are plain
 * strings and numbers.
 */
declare const brand: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

export type UserId = Branded<string, 'UserId'>;
export type SessionId = Branded<string, 'SessionId'>;
export type ItemId = Branded<string, 'ItemId'>;
export type EventId = Branded<string, 'EventId'>;
export type ListId = Branded<string, 'ListId'>;

/** `u:` + user id or `s:` + session id: whoever a history belongs to. */
export type SubjectId = Branded<string, 'SubjectId'>;

/** Identity of one incarnation of a topic; a re-created or truncated topic gets another. */
export type LogId = Branded<string, 'LogId'>;
/** Position of a record in one partition of a topic. Integers below 2^53; gaps are allowed. */
export type Offset = Branded<number, 'Offset'>;
/** Index of a partition within its topic, from 0. */
export type PartitionIndex = Branded<number, 'PartitionIndex'>;
/** Name of a state partition: `<input topic>.<partition index>`, for example `interactions.3`. */
export type StatePartition = Branded<string, 'StatePartition'>;
/** Milliseconds since 1970-01-01 UTC. */
export type EpochMs = Branded<number, 'EpochMs'>;
/** A length of time in milliseconds. */
export type DurationMs = Branded<number, 'DurationMs'>;

export const NO_OFFSET = -1 as Offset;

export const userId = (text: string): UserId => text as UserId;
export const sessionId = (text: string): SessionId => text as SessionId;
export const itemId = (text: string): ItemId => text as ItemId;
export const eventId = (text: string): EventId => text as EventId;
export const offset = (position: number): Offset => position as Offset;
export const partitionIndex = (index: number): PartitionIndex => index as PartitionIndex;
export const epochMs = (ms: number): EpochMs => ms as EpochMs;

export const subjectOfUser = (id: UserId): SubjectId => `u:${id}` as SubjectId;
export const subjectOfSession = (id: SessionId): SubjectId => `s:${id}` as SubjectId;

export const statePartition = (topic: string, index: PartitionIndex): StatePartition =>
  `${topic}.${index}` as StatePartition;
