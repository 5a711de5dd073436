/**
 * Makes the owned state anew: from the log alone where that reaches back to its beginning, and then the
 * same, bit for bit; otherwise from the warehouse's copy of what retention has removed and the log from
 * there on (I1).
 */
import { FreshetError } from '../schemas/errors.ts';
import { type PartitionIndex, statePartition } from '../schemas/ids.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { EventLog } from '../storage/event-log/event-log.ts';
import type { Warehouse } from '../storage/warehouse/warehouse.ts';
import { withArchive } from './archived-log.ts';
import { createStream, type StreamDependencies } from './stream.ts';

/** Item partitions come first: from what they take in, sources learn what not to send again. */
export const rebuildState = async (deps: StreamDependencies): Promise<void> => {
  await checkReachesBack(deps);
  await clearAndCatchUp(deps);
};

/**
 * For a log whose beginning has expired. What was derived from it has expired too, so it is derived
 * again: `item-signals` must be a new, empty log, with an id of its own.
 */
export const rebuildFromArchive = async (
  deps: StreamDependencies & { readonly warehouse: Warehouse },
): Promise<void> => {
  const { name } = TOPICS.itemSignals;
  for (const index of deps.partitions.itemSignals) {
    const { end } = await deps.eventLog.watermarks(name, index);
    if (end > 0) throw new Error(`Expected ${name} to be empty, partition ${index} ends at ${end}`);
  }
  await clearAndCatchUp({ ...deps, eventLog: withArchive(deps.eventLog, deps.warehouse) });
};

const clearAndCatchUp = async (deps: StreamDependencies): Promise<void> => {
  const { interactions, itemSignals, catalogue, control } = deps.partitions;
  // Item partitions last: a crash in between must not leave them empty beside full sources.
  for (const [topic, indexes] of [
    [TOPICS.interactions.name, interactions],
    [TOPICS.catalogue.name, catalogue],
    [TOPICS.control.name, control],
    [TOPICS.itemSignals.name, itemSignals],
  ] as const) {
    for (const index of indexes) {
      await deps.stateStore.clear(statePartition(topic, index));
      deps.crashPoint('stream.rebuild.between-clears');
    }
  }
  const { warehouse: _, ...withoutWarehouse } = deps;
  const stream = createStream(withoutWarehouse);
  await stream.start();
  try {
    await stream.caughtUp();
  } finally {
    await stream.stop();
  }
};

type Reach = Pick<StreamDependencies, 'eventLog' | 'partitions'>;

/** Nothing is thrown away that the log can no longer make: compacted topics lose nothing needed. */
export const checkReachesBack = async ({ eventLog, partitions }: Reach): Promise<void> => {
  const { interactions, itemSignals } = TOPICS;
  const [expired] = [
    ...(await expiredIn(eventLog, interactions.name, partitions.interactions)),
    ...(await expiredIn(eventLog, itemSignals.name, partitions.itemSignals)),
  ];
  if (expired) throw new FreshetError('log_expired', { ...expired });
};

export interface ExpiredPartition {
  readonly topic: string;
  readonly partition: PartitionIndex;
  /** The oldest offset that is left. */
  readonly low: number;
}

export const expiredIn = async (
  eventLog: EventLog,
  topic: string,
  partitions: readonly PartitionIndex[],
): Promise<readonly ExpiredPartition[]> => {
  const found: ExpiredPartition[] = [];
  for (const partition of partitions) {
    const { low } = await eventLog.watermarks(topic, partition);
    if (low > 0) found.push({ topic, partition, low });
  }
  return found;
};
