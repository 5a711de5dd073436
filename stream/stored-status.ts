/**
 * What the stream has done, as the stores tell it: for partitions that another process runs. What only
 * their runner knows (how often it started over, how full its memory is) is not among it, and a
 * partition that stands still shows by its lag. While a store is away, what it told last is told again:
 * counters that fell back to nothing would look like a stream that began anew.
 */
import type { Clock } from '../schemas/environment.ts';
import { FreshetError } from '../schemas/errors.ts';
import {
  NO_OFFSET,
  type Offset,
  type PartitionIndex,
  type StatePartition,
  statePartition,
} from '../schemas/ids.ts';
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
import type { StatePosition, StateStore } from '../storage/state-store/state-store.ts';
import type { Warehouse } from '../storage/warehouse/warehouse.ts';
import { LastKnown } from './last-known.ts';
import type { OwnedPartitions } from './stream.ts';
import { type PartitionStatus, type StreamStatus, statusOf } from './stream-status.ts';
import { type SinkPlace, type SinkStatus, sinkPlacesOf } from './warehouse-sink.ts';

export interface StoredStatusParts {
  readonly eventLog: Pick<EventLog, 'watermarks'>;
  readonly stateStore: Pick<StateStore, 'position' | 'getMany'>;
  readonly warehouse?: Pick<Warehouse, 'coveredOffset'>;
  readonly clock: Pick<Clock, 'sleep'>;
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

export class StoredStatus {
  readonly #parts: StoredStatusParts;
  readonly #ends = new Map<string, LastKnown<Offset>>();
  readonly #states = new Map<string, LastKnown<StoredPartition>>();
  readonly #sinks = new Map<string, LastKnown<SinkStatus | undefined>>();

  constructor(parts: StoredStatusParts) {
    this.#parts = parts;
  }

  async of(owned: OwnedPartitions): Promise<StreamStatus> {
    const [partitions, sinks] = await Promise.all([
      Promise.all(placesOf(owned).map((place) => this.#partition(place))),
      Promise.all(sinkPlacesOf(owned).map((place) => this.#sink(place))),
    ]);
    return statusOf(
      partitions,
      sinks.filter((sink) => sink !== undefined),
    );
  }

  /** Where the state never told, nothing is said at all: a part would be taken for the whole. */
  async #partition({ topic, index }: Place): Promise<PartitionStatus> {
    const { eventLog, stateStore } = this.#parts;
    const partition = statePartition(topic, index);
    const ends = kept(this.#ends, partition, () =>
      this.#lastKnown(async () => (await eventLog.watermarks(topic, index)).end),
    );
    const states = kept(this.#states, partition, () =>
      this.#lastKnown(() => storedPartition(stateStore, partition)),
    );
    const [end, state] = await Promise.all([ends.tell(), states.tell()]);
    if (state.answer === undefined || end.answer === undefined) {
      const why = `how ${partition} stands is not known: ${state.problem ?? end.problem}`;
      throw new FreshetError('unavailable', { why });
    }
    return partitionStatus({ topic, partition }, state.answer, end.answer);
  }

  async #sink(place: SinkPlace): Promise<SinkStatus | undefined> {
    const known = kept(this.#sinks, `${place.table} ${place.partition}`, () =>
      this.#lastKnown(() => sinkStatus(this.#parts, place)),
    );
    return (await known.tell()).answer;
  }

  #lastKnown<Answer>(ask: () => Promise<Answer>): LastKnown<Answer> {
    return new LastKnown(this.#parts.clock, ask);
  }
}

const kept = <Value>(values: Map<string, Value>, key: string, make: () => Value): Value => {
  const value = values.get(key) ?? make();
  values.set(key, value);
  return value;
};

const placesOf = ({
  control,
  catalogue,
  interactions,
  itemSignals,
}: OwnedPartitions): readonly Place[] => [
  ...control.map((index) => ({ topic: TOPICS.control.name, index })),
  ...catalogue.map((index) => ({ topic: TOPICS.catalogue.name, index })),
  ...interactions.map((index) => ({ topic: TOPICS.interactions.name, index })),
  ...itemSignals.map((index) => ({ topic: TOPICS.itemSignals.name, index })),
];

interface Place {
  readonly topic: string;
  readonly index: PartitionIndex;
}

interface StoredPartition {
  readonly position: StatePosition | undefined;
  readonly own: Uint8Array | undefined;
}

const storedPartition = async (
  stateStore: StoredStatusParts['stateStore'],
  partition: StatePartition,
): Promise<StoredPartition> => {
  const [position, [own]] = await Promise.all([
    stateStore.position(partition),
    stateStore.getMany(partition, [PARTITION_KEY]),
  ]);
  return { position, own };
};

const partitionStatus = (
  { topic, partition }: { readonly topic: string; readonly partition: StatePartition },
  { position, own }: StoredPartition,
  end: Offset,
): PartitionStatus => {
  const coveredOffset = position?.coveredOffset ?? NO_OFFSET;
  const state = stateOf(topic, own);
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
