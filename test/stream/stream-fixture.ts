/**
 * A stream over memory ports for tests: topics of few partitions, a clock that tests move, and the
 * appending of interactions as ingest would do it.
 */
import { createHash } from 'node:crypto';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import type { Clock } from '../../schemas/environment.ts';
import type {
  EpochMs,
  EventId,
  ItemId,
  Offset,
  PartitionIndex,
  SessionId,
  StatePartition,
  UserId,
} from '../../schemas/ids.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import type { InteractionRecord, RecordName, RecordTypes } from '../../schemas/records.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { decodeItemState } from '../../schemas/state/item-codec.ts';
import { type ItemState, itemKey } from '../../schemas/state/item-state.ts';
import { decodeSubjectState } from '../../schemas/state/subject-codec.ts';
import { type SubjectState, subjectKey } from '../../schemas/state/subject-state.ts';
import { TOPICS, type TopicName } from '../../schemas/topics.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { openMemoryEventLog } from '../../storage/event-log/memory-event-log.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import type { LiveBus } from '../../storage/live-bus/live-bus.ts';
import { openMemoryStateStore } from '../../storage/state-store/memory-state-store.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import { DEFAULT_STREAM_OPTIONS, type StreamOptions } from '../../stream/options.ts';
import type { OwnedPartitions, StreamDependencies } from '../../stream/stream.ts';

export const T0 = 1_760_000_000_000 as EpochMs;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

export const partitionsOf = (count: number): readonly PartitionIndex[] =>
  Array.from({ length: count }, (_, index) => index as PartitionIndex);

/** Real turns of the event loop, but no waiting: time in tests does not pass. */
export const stillClock: Clock = {
  now: () => T0,
  monotonicMs: () => 0,
  sleep: (_, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) reject(signal.reason);
      else setImmediate(resolve);
    }),
};

export interface HintCollector extends LiveBus {
  readonly messages: unknown[];
}

export const collectingBus = (): HintCollector => {
  const messages: unknown[] = [];
  return {
    messages,
    publish: (_, message) => void messages.push(message),
    subscribe: () => ({ close: () => {} }),
    counters: () => ({ published: messages.length, delivered: 0, dropped: 0 }),
    close: async () => {},
  };
};

export interface StreamFixtureOptions {
  readonly userPartitions?: number;
  readonly itemPartitions?: number;
  readonly options?: StreamOptions;
  readonly eventLog?: EventLog;
  readonly stateStore?: StateStore;
}

export interface StreamFixture {
  readonly deps: StreamDependencies;
  readonly bus: HintCollector;
  append<N extends RecordName>(
    topic: TopicName,
    name: N,
    records: readonly { readonly key: string; readonly record: RecordTypes[N] }[],
  ): Promise<void>;
  interact(...records: readonly InteractionRecord[]): Promise<void>;
  subject(id: string): Promise<SubjectState | undefined>;
  item(id: string): Promise<ItemState | undefined>;
  /** Every key and value of every state partition, as text. */
  dump(options?: { readonly without?: RegExp }): Promise<Map<string, string>>;
  signalsEnd(): Promise<readonly Offset[]>;
}

const encoder = new TextEncoder();
const noRandom = (): (() => number) => {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
};

export const topicsOf = (userPartitions: number, itemPartitions: number) =>
  Object.values(TOPICS).map((spec) => ({
    spec,
    partitionCount:
      spec.partitionsBy === 'user'
        ? userPartitions
        : spec.partitionsBy === 'item'
          ? itemPartitions
          : 1,
  }));

export const createStreamFixture = (given: StreamFixtureOptions = {}): StreamFixture => {
  const { userPartitions = 2, itemPartitions = 2 } = given;
  const eventLog =
    given.eventLog ??
    openMemoryEventLog({ topics: topicsOf(userPartitions, itemPartitions), random: noRandom() });
  const stateStore = given.stateStore ?? openMemoryStateStore();
  const bus = collectingBus();
  const partitions: OwnedPartitions = {
    interactions: partitionsOf(userPartitions),
    itemSignals: partitionsOf(itemPartitions),
    catalogue: partitionsOf(itemPartitions),
    control: partitionsOf(1),
  };
  const deps: StreamDependencies = {
    eventLog,
    stateStore,
    liveBus: bus,
    clock: stillClock,
    logger: silentLogger,
    crashPoint: () => {},
    options: given.options ?? DEFAULT_STREAM_OPTIONS,
    kinds: kindTable(DEFAULT_KINDS),
    partitions,
  };
  const statePartitions = [
    ...partitions.interactions.map((index) => `interactions.${index}`),
    ...partitions.itemSignals.map((index) => `item-signals.${index}`),
    ...partitions.catalogue.map((index) => `catalogue.${index}`),
    'control.0',
  ] as StatePartition[];
  const storedValue = async (partition: string, key: string): Promise<Uint8Array | undefined> =>
    (await stateStore.getMany(partition as StatePartition, [key]))[0];

  const append: StreamFixture['append'] = async (topic, name, records) => {
    const { partitionCount } = await eventLog.topic(topic);
    for (const { key, record } of records) {
      const received = 'receivedAt' in record ? (record.receivedAt as EpochMs) : T0;
      await eventLog.append(topic, partitionOf(key, partitionCount), [
        { key: encoder.encode(key), value: encodeRecord(name, record), timestamp: received },
      ]);
    }
  };
  return {
    deps,
    bus,
    append,
    interact: (...records) =>
      append(
        'interactions',
        'Interaction',
        records.map((record) => ({ key: subjectOf(record), record })),
      ),
    subject: async (id) => {
      const value = await storedValue(
        `interactions.${partitionOf(id, userPartitions)}`,
        subjectKey(id),
      );
      return value && decodeSubjectState(value);
    },
    item: async (id) => {
      const value = await storedValue(
        `item-signals.${partitionOf(id, itemPartitions)}`,
        itemKey(id),
      );
      return value && decodeItemState(value);
    },
    dump: async ({ without } = {}) => {
      const dump = new Map<string, string>();
      for (const partition of statePartitions) {
        const found = await stateStore.scan(partition, { prefix: '', limit: 1_000_000 });
        for (const { key, value } of found) {
          if (without?.test(key) === true) continue;
          dump.set(`${partition} ${key}`, createHash('md5').update(value).digest('hex'));
        }
      }
      return dump;
    },
    signalsEnd: () =>
      Promise.all(
        partitions.itemSignals.map(
          async (index) => (await eventLog.watermarks('item-signals', index)).end,
        ),
      ),
  };
};

const subjectOf = (record: InteractionRecord): string =>
  record.userId === null ? `s:${record.sessionId}` : `u:${record.userId}`;

let made = 0;

/** A click by default; times are given in minutes after T0. */
export const interaction = (given: {
  readonly id?: string;
  readonly user?: string;
  readonly session?: string;
  readonly item: string;
  readonly kind?: string;
  readonly value?: number;
  readonly minute?: number;
  readonly receivedMinute?: number;
  readonly undoes?: string;
  readonly backfill?: string;
  readonly sequence?: number;
  readonly source?: string;
}): InteractionRecord => {
  made++;
  const minute = given.minute ?? 0;
  return {
    source: given.source ?? 'test',
    eventId: (given.id ?? `made-${made}`) as EventId,
    userId: given.session === undefined ? ((given.user ?? 'ada') as UserId) : null,
    sessionId: (given.session ?? null) as SessionId | null,
    itemId: given.item as ItemId,
    kind: given.kind ?? 'click',
    value: given.value ?? null,
    occurredAt: (T0 + minute * 60_000) as EpochMs,
    receivedAt: (T0 + (given.receivedMinute ?? minute) * 60_000) as EpochMs,
    backfill: given.backfill ?? null,
    sequence: given.sequence ?? null,
    context:
      given.undoes === undefined
        ? null
        : { listId: null, rank: null, placement: null, undoes: given.undoes as EventId },
  };
};
