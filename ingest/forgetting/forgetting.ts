/** What the rest of the instance does to forget people, for the desk that sees to the order. */
import type { Offset, PartitionIndex, SubjectId } from '../../schemas/ids.ts';
import type { PartitionOwnership } from '../../storage/event-log/partition-ownership.ts';
import type { ForgetEvidence } from './forget-evidence.ts';
import type { ForgottenPlace } from './warehouse-forgetting.ts';

/** The keys of people; an address names one. */
export interface PersonKeeper {
  addressOf(subject: SubjectId): string;
  seal(
    address: string,
    record: { readonly key: Uint8Array; readonly value: Uint8Array },
  ): Uint8Array;
  /** The key of a sealed record; undefined once it cannot be opened. */
  keyIn(sealed: Uint8Array): Uint8Array | undefined;
  /** Whether the key was destroyed; where it was not, and yet opens nothing, it is another site's. */
  isDestroyed(address: string): boolean;
  retire(address: string): void;
  /** Resolves once nobody has these keys any more, on any disk and in memory; doing it again does no harm. */
  destroy(addresses: readonly string[], signal: AbortSignal): Promise<void>;
}

/** Where the event stands that forgets somebody. */
export interface ForgottenEvent {
  readonly subject: SubjectId;
  readonly partition: PartitionIndex;
  readonly offset: Offset;
  /** Of the key that the event is sealed under. */
  readonly address: string;
}

export interface Forgetting {
  readonly keeper: PersonKeeper;
  evidenceOf(subject: SubjectId): Promise<ForgetEvidence>;
  /** Takings-back, over all items, that met what had been pruned. */
  missedTakingsBack(): Promise<number>;
  /** Resolves once the stream has taken in whatever the log holds now, items included. */
  untilTakenIn(): Promise<void>;
  /** Resolves once the state holds nothing of these, and no state of before them can come back. */
  settleState(events: readonly ForgottenEvent[], signal: AbortSignal): Promise<void>;
  /** What this process still has in memory of somebody whose state is settled goes. */
  letGoOf?(subject: SubjectId): void;
  /** Resolves to the rows deleted of each; left out where no warehouse holds anything. */
  readonly deleteRows?: (
    places: readonly ForgottenPlace[],
    signal: AbortSignal,
  ) => Promise<number[]>;
  /** Whether the log of this partition still holds what was written before records were sealed. */
  hasUnsealedRecords(partition: PartitionIndex): Promise<boolean>;
  /** Absent where one process has the log to itself. */
  readonly shared?: SharedForgetting;
}

/** What it takes beside that where several processes write to one log. */
export interface SharedForgetting {
  /** Who of them forgets: the owner of its only unit. Absent where this process only looks on. */
  readonly ownership?: PartitionOwnership;
  /** Resolves once every key is known to be destroyed that was by the time of the call. */
  untilKeysKnown(): Promise<void>;
  /** Tells the others that nothing more is to be sealed under the keys of these. */
  announce(events: readonly ForgottenEvent[]): Promise<void>;
  /** Resolves once nothing that was acknowledged lies behind the events under the keys that go. */
  settleSeals(events: readonly ForgottenEvent[], signal: AbortSignal): Promise<void>;
}
