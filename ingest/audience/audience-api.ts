/** What the live audience needs of the program that it visits. */
import type { EpochMs, ItemId, ListId, UserId } from '../../schemas/ids.ts';
import type { AudienceEvent } from './history.ts';

export interface ServedList {
  readonly listId: ListId;
  readonly placement: string | null;
  /** By rank, the first has rank 1. */
  readonly itemIds: readonly ItemId[];
  readonly models: Readonly<Record<string, string>>;
}

/** A list as a person saw it: only as far as they looked. */
export interface ShownList extends ServedList {
  readonly userId: UserId;
  readonly occurredAt: EpochMs;
}

export interface AudienceApi {
  recommendations(user: UserId, limit: number, signal: AbortSignal): Promise<ServedList>;
  /** Resolves once the events are durable; answers how many were refused. */
  postEvents(events: readonly AudienceEvent[], signal: AbortSignal): Promise<number>;
  postImpressions(lists: readonly ShownList[], signal: AbortSignal): Promise<void>;
}
