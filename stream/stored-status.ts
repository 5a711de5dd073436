/**
 * What the stream has done, as the stores tell it: for partitions that another process runs. What only
 * their runner knows (how often it started over, how full its memory is) is not among it, and a
 * partition that stands still shows by its lag.
 */
import { NO_OFFSET, type PartitionIndex, statePartition } from '../schemas/ids.ts';
import { PARTITION_KEY } from '../schemas/state/item-state.ts';
import {
  decodeForwarder,
  decodeItemPartition,
  decodeUserPartition,
  emptyForwarder,
  emptyItemPartition,
  emptyUserPartition,
  type ForwarderState,
  type ItemPartitionState,
  type UserPartitionState,
} from '../schemas/state/partition-state.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { EventLog } from '../storage/event-log/event-log.ts';
import type { StateStore } from '../storage/state-store/state-store.ts';
import type { Warehouse } from '../storage/warehouse/warehouse.ts';
import type { OwnedPartitions } from './stream.ts';
import { type PartitionStatus, type StreamStatus, statusOf } from './stream-status.ts';
import { type SinkPlace, type SinkStatus, sinkPlacesOf } from './warehouse-sink.ts';

export interface StoredStatusParts {
  readonly eventLog: Pick<EventLog, 'watermarks'>;
  readonly stateStore: Pick<StateStore, 'position' | 'getMany'>;
  readonly warehouse?: Pick<Warehouse, 'coveredOffset'>;
}

type PartitionState = UserPartitionState | ItemPartitionState | ForwarderState;

/** What a partition keeps of itself, before its first apply as afterwards. */
const stateOf = (topic: string, stored: Uint8Array | undefined): PartitionState => {
  switch (topic) {
    case TOPICS.interactions.name:
      return stored === undefined ? emptyUserPartition() : decodeUserPartition(stored);
    case TOPICS.itemSignals.name:
      return stored === undefined ? emptyItemPartition() : decodeItemPartition(stored);
    default:
      return stored === undefined ? emptyForwarder() : decodeForwarder(stored);
  }
};

export const storedStatus = async (
  parts: StoredStatusParts,
  { interactions, itemSignals, catalogue, control }: OwnedPartitions,
): Promise<StreamStatus> => {
  const places = [
    ...control.map((index) => ({ topic: TOPICS.control.name, index })),
    ...catalogue.map((index) => ({ topic: TOPICS.catalogue.name, index })),
    ...interactions.map((index) => ({ topic: TOPICS.interactions.name, index })),
    ...itemSignals.map((index) => ({ topic: TOPICS.itemSignals.name, index })),
  ];
  const partitions = await Promise.all(places.map((place) => partitionStatus(parts, place)));
  const sinks = await Promise.all(
    sinkPlacesOf({ interactions, catalogue }).map((place) => sinkStatus(parts, place)),
  );
  return statusOf(
    partitions,
    sinks.filter((sink) => sink !== undefined),
  );
};

interface Place {
  readonly topic: string;
  readonly index: PartitionIndex;
}

const partitionStatus = async (
  { eventLog, stateStore }: StoredStatusParts,
  { topic, index }: Place,
): Promise<PartitionStatus> => {
  const partition = statePartition(topic, index);
  const [position, [stored], { end }] = await Promise.all([
    stateStore.position(partition),
    stateStore.getMany(partition, [PARTITION_KEY]),
    eventLog.watermarks(topic, index),
  ]);
  const coveredOffset = position?.coveredOffset ?? NO_OFFSET;
  const state = stateOf(topic, stored);
  return {
    partition,
    state: 'running',
    coveredOffset,
    problem: null,
    applies: 0,
    restarts: 0,
    end,
    lag: Math.max(0, end - 1 - coveredOffset),
    clock: 'clock' in state ? state.clock : null,
    counters: { ...state.counters },
    sizes: {},
  };
};

const sinkStatus = async (
  { eventLog, warehouse }: StoredStatusParts,
  { table, topic, partition }: SinkPlace,
): Promise<SinkStatus | undefined> => {
  if (warehouse === undefined) return undefined;
  const { end } = await eventLog.watermarks(topic, partition);
  let coveredOffset = NO_OFFSET;
  let problem: string | null = null;
  try {
    coveredOffset = await warehouse.coveredOffset({ table, topic, partition });
  } catch (error) {
    // A warehouse that is away is told; how the partitions stand is known all the same.
    problem = error instanceof Error ? error.message : String(error);
  }
  const lag = Math.max(0, end - 1 - coveredOffset);
  return {
    table,
    topic,
    partition,
    coveredOffset,
    lag,
    rows: 0,
    rejected: 0,
    lost: 0,
    problem,
  };
};
