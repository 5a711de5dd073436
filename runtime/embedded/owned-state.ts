/**
 * The state as one stream worker sees it: it writes the partitions that it owns, and reads those of the
 * others as any thread does that owns nothing. A store that may write would restore what it does not
 * trust, so what another worker owns must never be opened by it.
 */
import type { Clock, Logger } from '../../schemas/environment.ts';
import { type PartitionIndex, type StatePartition, statePartition } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { openLmdbStateStore } from '../../storage/state-store/lmdb-state-store.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import type { OwnedPartitions } from '../../stream/stream.ts';

export interface RemovedKeys {
  readonly name: StatePartition;
  readonly keys: readonly string[];
}

export interface OwnedState extends StateStore {
  /** Takes flushed snapshots of those partitions among these that are owned here. */
  snapshotOwn(partitions: readonly StatePartition[]): Promise<void>;
  /** Leaves on the disk nothing of removed keys, of those partitions that are owned here. */
  eraseOwn(removed: readonly RemovedKeys[]): Promise<void>;
}

export const openOwnedState = async (options: {
  readonly directory: string;
  readonly owned: OwnedPartitions;
  readonly clock: Clock;
  readonly logger: Logger;
}): Promise<OwnedState> => {
  const { directory, clock, logger } = options;
  const partitions = statePartitionsOf(options.owned);
  const own = await openLmdbStateStore({ directory, partitions, clock, logger });
  const others = await openLmdbStateStore({ directory, readOnly: true });
  const isOwn = new Set<StatePartition>(partitions);
  const storeOf = (name: StatePartition): StateStore => (isOwn.has(name) ? own : others);
  return {
    limits: own.limits,
    claim: (name) => own.claim(name),
    position: (name) => storeOf(name).position(name),
    getMany: (name, keys) => storeOf(name).getMany(name, keys),
    scan: (name, range) => storeOf(name).scan(name, range),
    apply: (name, request) => own.apply(name, request),
    changesSince: (name, offset) => storeOf(name).changesSince(name, offset),
    clear: (name) => own.clear(name),
    async snapshotOwn(names) {
      for (const name of names) if (isOwn.has(name)) await own.snapshot(name);
    },
    async eraseOwn(removed) {
      for (const { name, keys } of removed) if (isOwn.has(name)) await own.erase(name, keys);
    },
    sizeBytes: () => own.sizeBytes(),
    close: async () => {
      await others.close();
      await own.close();
    },
  };
};

const statePartitionsOf = (owned: OwnedPartitions): readonly StatePartition[] =>
  (
    [
      [TOPICS.interactions.name, owned.interactions],
      [TOPICS.itemSignals.name, owned.itemSignals],
      [TOPICS.catalogue.name, owned.catalogue],
      [TOPICS.control.name, owned.control],
    ] as readonly (readonly [string, readonly PartitionIndex[]])[]
  ).flatMap(([topic, indexes]) => indexes.map((index) => statePartition(topic, index)));
