/**
 * State as it is when many people and items have been there for long, written at once instead of by
 * millions of events: each person with a history, each item with a full list of neighbours. The log
 * gets one record for each apply, so that state and log stand where they would, and the stream goes on
 * from there. People and items have the ids that the synthetic interactions use.
 */
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import {
  type EpochMs,
  epochMs,
  eventId,
  itemId,
  offset,
  type PartitionIndex,
  partitionIndex,
  statePartition,
  userId,
} from '../../schemas/ids.ts';
import { itemKey, PARTITION_KEY } from '../../schemas/state/item-state.ts';
import {
  decodeItemPartition,
  emptyItemPartition,
  emptyUserPartition,
  encodePartitionState,
} from '../../schemas/state/partition-state.ts';
import { encodeSubjectState } from '../../schemas/state/subject-codec.ts';
import { subjectKey } from '../../schemas/state/subject-state.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { AppendRecord, EventLog } from '../../storage/event-log/event-log.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import type { StateChange, StateStore } from '../../storage/state-store/state-store.ts';
import { hashOf } from '../../stream/record-hash.ts';
import { seededRandom } from './synthetic-interactions.ts';
import { type Draws, syntheticItemState } from './synthetic-item-state.ts';

export interface Population {
  readonly seed: number;
  readonly people: number;
  readonly items: number;
  readonly historyEvents: number;
  readonly neighbours: number;
  readonly userPartitions: number;
  readonly itemPartitions: number;
  /** When the newest of it happened. */
  readonly now: number;
}

/** So many different histories are handed out in turn: a stored one does not name its person. */
const HISTORIES = 5_000;
const APPLY_KEYS = 4_000;
const HOUR_MS = 3_600_000;
const encoder = new TextEncoder();

const drawsOf = ({ seed, items }: Population): Draws => {
  const random = seededRandom(seed);
  return {
    below: (count) => Math.floor(random() * count),
    popular: () => Math.floor(items * random() ** 3),
  };
};

export const populateState = async (
  eventLog: EventLog,
  stateStore: StateStore,
  population: Population,
): Promise<void> => {
  const draws = drawsOf(population);
  const { userPartitions, itemPartitions, people, items, now } = population;
  const clock = epochMs(now);
  const write = { eventLog, stateStore };
  const histories = Array.from({ length: HISTORIES }, () => personValue(population, draws));
  for (let index = 0; index < userPartitions; index++) {
    const facts = encodePartitionState({ ...emptyUserPartition(), clock });
    await writePartition(write, {
      topic: TOPICS.interactions.name,
      index: partitionIndex(index),
      record: placeholderInteraction(now),
      facts,
      changes: numbered(people, (n) => partitionOf(`u:person-${n}`, userPartitions) === index, {
        key: (n) => subjectKey(`u:person-${n}`),
        value: (n) => histories[n % HISTORIES]!,
      }),
    });
  }
  const neighbours = Math.min(population.neighbours, items / 2);
  const item = { prefix: 'film-', neighbours, lastEventAt: clock };
  for (let index = 0; index < itemPartitions; index++) {
    const landmark = await landmarkOf(stateStore, partitionIndex(index), now);
    const facts = encodePartitionState({ ...emptyItemPartition(), clock, landmark });
    await writePartition(write, {
      topic: TOPICS.itemSignals.name,
      index: partitionIndex(index),
      record: placeholderSignals(now),
      facts,
      changes: numbered(items, (n) => partitionOf(`film-${n}`, itemPartitions) === index, {
        key: (n) => itemKey(itemId(`film-${n}`)),
        value: (number) => syntheticItemState({ ...item, landmark, number }, draws),
      }),
    });
  }
};

/** What the partition's counters decay from, where it has begun to count. */
const landmarkOf = async (
  stateStore: StateStore,
  index: PartitionIndex,
  now: number,
): Promise<EpochMs> => {
  const partition = statePartition(TOPICS.itemSignals.name, index);
  const [stored] = await stateStore.getMany(partition, [PARTITION_KEY]);
  return stored === undefined ? epochMs(now) : decodeItemPartition(stored).landmark;
};

/** Made one after another: a million values at once would be what is measured. */
const numbered = function* (
  count: number,
  isWanted: (number: number) => boolean,
  make: { key: (number: number) => string; value: (number: number) => Uint8Array },
): Generator<StateChange> {
  for (let number = 0; number < count; number++) {
    if (isWanted(number)) yield { key: make.key(number), value: make.value(number) };
  }
};

const writePartition = async (
  { eventLog, stateStore }: { eventLog: EventLog; stateStore: StateStore },
  plan: {
    readonly topic: string;
    readonly index: PartitionIndex;
    readonly record: AppendRecord;
    readonly facts: Uint8Array;
    readonly changes: Iterable<StateChange>;
  },
): Promise<void> => {
  const { topic, index } = plan;
  const partition = statePartition(topic, index);
  const { logId } = await eventLog.topic(topic);
  const { epoch, coveredOffset: stored } = await stateStore.claim(partition);
  let expectedOffset = stored;
  const apply = async (changes: readonly StateChange[]): Promise<void> => {
    const coveredOffset = (await eventLog.append(topic, index, [plan.record])).firstOffset;
    const [record] = await eventLog.read(topic, index, coveredOffset, ONE);
    const recordHash = hashOf(record!);
    const request = { epoch, expectedOffset, coveredOffset, logId, recordHash, changes };
    const { outcome } = await stateStore.apply(partition, request);
    if (outcome !== 'applied') throw new Error(`Expected an apply, got ${outcome}.`);
    expectedOffset = coveredOffset;
  };
  const [facts] = await stateStore.getMany(partition, [PARTITION_KEY]);
  let changes: StateChange[] = [{ key: PARTITION_KEY, value: facts ?? plan.facts }];
  for (const change of plan.changes) {
    changes.push(change);
    if (changes.length < APPLY_KEYS) continue;
    await apply(changes);
    changes = [];
  }
  await apply(changes);
};

const ONE = { recordsMax: 1, bytesMax: 1 };

const placeholderInteraction = (now: number): AppendRecord => ({
  key: encoder.encode('u:nobody'),
  value: encodeRecord('Interaction', {
    source: 'bench',
    eventId: eventId('placeholder'),
    userId: userId('nobody'),
    sessionId: null,
    itemId: itemId('film-0'),
    kind: 'click',
    value: null,
    occurredAt: epochMs(now),
    receivedAt: epochMs(now),
    backfill: null,
    sequence: null,
    context: null,
  }),
  timestamp: epochMs(now),
});

const placeholderSignals = (now: number): AppendRecord => ({
  key: null,
  value: encodeRecord('ItemSignals', {
    sourceLogId: 'bench' as never,
    sourceTopic: TOPICS.interactions.name,
    sourcePartition: partitionIndex(0),
    firstOffset: offset(0),
    lastOffset: offset(0),
    clock: epochMs(now),
    landmark: null,
    itemIds: [],
    signals: [],
  }),
  timestamp: epochMs(now),
});

const KINDS = ['click', 'view', 'watch', 'like', 'rating'] as const;

const personValue = ({ historyEvents, now }: Population, { below, popular }: Draws): Uint8Array => {
  const history = Array.from({ length: historyEvents }, (_, at) => {
    const kind = KINDS[below(KINDS.length)]!;
    return {
      eventId: eventId(uuidOf(below)),
      itemId: itemId(`film-${popular()}`),
      kind,
      value: kind === 'rating' ? 1 + below(9) / 2 : null,
      occurredAt: epochMs(now - (historyEvents - at) * HOUR_MS),
      isCounted: true,
      busy: 1,
    };
  });
  const ratings = history.flatMap(({ value }) => (value === null ? [] : [value]));
  return encodeSubjectState({
    lastOffset: offset(0),
    lastEventAt: history.at(-1)!.occurredAt,
    eventCount: historyEvents,
    history,
    evictedCount: 0,
    ownValueSumThousandths: ratings.reduce((sum, rating) => sum + rating * 1_000, 0),
    ownValueCount: ratings.length,
    evictedSeen: [],
    evictedCounts: [],
    pendingUndos: [],
    sessions: [],
  });
};

const uuidOf = (below: (count: number) => number): string => {
  const hex = Array.from({ length: 4 }, () =>
    below(2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-9${hex.slice(17, 20)}-${hex.slice(20)}`;
};
