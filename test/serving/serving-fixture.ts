/**
 * A serving with its routes over a log and a state in memory, for tests. The state is written by
 * hand, key by key, as the stream would write it; nothing listens and no time passes by itself.
 */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { DEFAULT_HALF_LIVES, DecayScale } from '../../algorithms/popularity/decayed-counter.ts';
import { seededRandom } from '../../algorithms/random/seeded-random.ts';
import { planTopics } from '../../runtime/topic-plan.ts';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import { catalogueItem } from '../../schemas/catalogue-item.fixture.ts';
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { itemHashHex } from '../../schemas/hash.ts';
import {
  type DurationMs,
  type EpochMs,
  epochMs,
  eventId,
  type ItemId,
  itemId,
  NO_OFFSET,
  type Offset,
  offset,
  type PartitionIndex,
  partitionIndex,
  type StatePartition,
  type SubjectId,
  statePartition,
} from '../../schemas/ids.ts';
import { DEFAULT_KINDS } from '../../schemas/kinds.ts';
import type { CatalogueItemRecord, InteractionRecord } from '../../schemas/records.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { encodeItemState } from '../../schemas/state/item-codec.ts';
import { type ItemState, itemKey, PARTITION_KEY } from '../../schemas/state/item-state.ts';
import { emptyItemPartition, encodePartitionState } from '../../schemas/state/partition-state.ts';
import { encodeSubjectState } from '../../schemas/state/subject-codec.ts';
import {
  type HistoryEntry,
  type SubjectState,
  subjectKey,
} from '../../schemas/state/subject-state.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { ServingOptions } from '../../serving/options.ts';
import { createServing, type Serving, type ServingDependencies } from '../../serving/serving.ts';
import { MemoryArtifactStore } from '../../storage/artifact-store/memory-artifact-store.ts';
import { MemoryEventLog } from '../../storage/event-log/memory-event-log.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import type { LiveBus } from '../../storage/live-bus/live-bus.ts';
import { STATE_HINTS } from '../../storage/live-bus/live-bus.ts';
import { MemoryStateStore } from '../../storage/state-store/memory-state-store.ts';
import type { StateChange, StatePosition } from '../../storage/state-store/state-store.ts';
import { unguardedHttpServer } from '../unguarded-http-server.ts';

export const FIXTURE_NOW = epochMs(Date.UTC(2026, 0, 31, 12));
export const PARTITIONS = { userPartitions: 4, itemPartitions: 2 } as const;

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** Time stands still until `advance` moves it; then whoever slept long enough wakes. */
export class ManualClock implements Clock {
  time: number = FIXTURE_NOW;
  #sleepers: Sleeper[] = [];

  now = (): EpochMs => epochMs(Math.floor(this.time));
  monotonicMs = (): number => this.time;

  sleep = (duration: DurationMs, signal?: AbortSignal): Promise<void> =>
    new Promise((wake, refuse) => {
      if (signal?.aborted) return refuse(signal.reason);
      const sleeper = { until: this.time + duration, wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        refuse(signal.reason);
      });
    });

  /** Moves time and lets everything that this sets going come to rest. */
  async advance(ms: number): Promise<void> {
    this.time += ms;
    const woken = this.#sleepers.filter(({ until }) => until <= this.time);
    this.#sleepers = this.#sleepers.filter(({ until }) => until > this.time);
    for (const { wake } of woken) wake();
    await settled();
  }
}

/** Everything that is ready to run has run. */
export const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((done) => setImmediate(done));
};

/** A bus that delivers at once, or drops everything. */
export class TestLiveBus implements LiveBus {
  isDropping = false;
  readonly #receivers = new Map<string, Set<(message: unknown) => void>>();

  publish(channel: string, message: unknown): void {
    if (this.isDropping) return;
    for (const receive of this.#receivers.get(channel) ?? []) receive(structuredClone(message));
  }

  subscribe(channel: string, receive: (message: unknown) => void) {
    const receivers = this.#receivers.get(channel) ?? new Set();
    this.#receivers.set(channel, receivers.add(receive));
    return { close: () => void receivers.delete(receive) };
  }

  counters = () => ({ published: 0, delivered: 0, dropped: 0 });
  close = async (): Promise<void> => this.#receivers.clear();
}

/** A store that can be away. */
export class TestStateStore extends MemoryStateStore {
  isAway = false;

  override async position(partition: StatePartition): Promise<StatePosition | undefined> {
    this.#mustBeThere();
    return super.position(partition);
  }

  override async getMany(
    partition: StatePartition,
    keys: readonly string[],
  ): Promise<readonly (Uint8Array | undefined)[]> {
    this.#mustBeThere();
    return super.getMany(partition, keys);
  }

  #mustBeThere(): void {
    if (this.isAway) throw new FreshetError('state_unavailable', { problem: 'it is away' });
  }
}

export const item = (id: string, record: Partial<CatalogueItemRecord> = {}): CatalogueItemRecord =>
  catalogueItem(id, { updatedAt: epochMs(FIXTURE_NOW - 1_000), ...record });

export interface PairInput {
  readonly to: string;
  readonly forward?: number;
  readonly backward?: number;
  readonly people?: 1 | 2 | 3;
}

export interface ItemInput {
  readonly interactions?: number;
  readonly popularity?: number;
  readonly fast?: number;
  readonly slow?: number;
  readonly ratings?: readonly number[];
  readonly pairs?: readonly PairInput[];
}

/** An item's state with the landmark at the fixture's now, so that counters are what they say. */
export const itemState = (id: string, input: ItemInput): ItemState => {
  const ratings = input.ratings ?? [];
  const halfLives = DEFAULT_HALF_LIVES;
  return {
    itemId: itemId(id),
    categories: [],
    deleted: false,
    lastEventAt: FIXTURE_NOW,
    landmark: FIXTURE_NOW,
    interactionCount: input.interactions ?? Math.ceil(input.popularity ?? 0),
    popularity: shareOf(input.popularity, halfLives.popularity),
    trendFast: shareOf(input.fast, halfLives.trendFast),
    trendSlow: shareOf(input.slow, halfLives.trendSlow),
    ratingCount: ratings.length,
    ratingSumTenths: ratings.reduce((sum, value) => sum + Math.round(value * 10), 0),
    ratingHistogram: Array.from(
      { length: 10 },
      (_, bucket) => ratings.filter((value) => value * 2 - 1 === bucket).length,
    ),
    neighbours: (input.pairs ?? [])
      .map(neighbourOf)
      .sort((left, right) => (left.itemHash < right.itemHash ? -1 : 1)),
  };
};

/** What a counter of that half-life holds so that it is worth `value` at the fixture's now. */
const shareOf = (value: number | undefined, halfLife: DurationMs): bigint =>
  BigInt(new DecayScale(halfLife).shareOf(value ?? 0, FIXTURE_NOW, FIXTURE_NOW));

const neighbourOf = (pair: PairInput) => {
  const { covisitation } = DEFAULT_HALF_LIVES;
  const people = pair.people ?? 3;
  const person = (subjectHash: number) => ({ subjectHash, deltas: 1 });
  return {
    itemHash: itemHashHex(pair.to),
    forward: shareOf(pair.forward ?? 1, covisitation),
    backward: shareOf(pair.backward ?? 1, covisitation),
    people,
    firstPeople: people === 3 ? [] : [person(1), person(2)].slice(0, people),
  };
};

export interface EventInput {
  readonly item: string;
  readonly kind?: string;
  readonly value?: number | null;
  readonly at?: number;
  readonly id?: string;
}

export class World {
  readonly clock = new ManualClock();
  readonly liveBus = new TestLiveBus();
  readonly stateStore = new TestStateStore();
  readonly artifactStore = new MemoryArtifactStore();
  readonly eventLog = new MemoryEventLog({
    topics: planTopics(PARTITIONS),
    random: drawsOf(1),
  });
  readonly #subjects = new Map<SubjectId, SubjectState>();
  readonly #covered = new Map<StatePartition, Offset>();
  readonly #epochs = new Map<StatePartition, number>();
  #events = 0;

  async putItems(
    ...records: readonly CatalogueItemRecord[]
  ): Promise<readonly { partition: PartitionIndex; offset: Offset }[]> {
    const positions = [];
    for (const record of records) {
      const value = encodeRecord('CatalogueItem', record);
      positions.push(await this.#appendItem(record.itemId, value));
    }
    return positions;
  }

  removeItem(id: string): Promise<{ partition: PartitionIndex; offset: Offset }> {
    return this.#appendItem(itemId(id), null);
  }

  async #appendItem(id: ItemId, value: Uint8Array | null) {
    const partition = partitionOf(id, PARTITIONS.itemPartitions);
    const { lastOffset } = await this.eventLog.append(TOPICS.catalogue.name, partition, [
      { key: new TextEncoder().encode(id), value, timestamp: this.clock.now() },
    ]);
    return { partition, offset: lastOffset };
  }

  /** Writes items' state, as one apply for each partition. */
  async putItemStates(inputs: Readonly<Record<string, ItemInput>>): Promise<void> {
    const states = Object.entries(inputs).map(([id, input]) => itemState(id, input));
    for (let index = 0; index < PARTITIONS.itemPartitions; index++) {
      const own = states.filter(
        ({ itemId: id }) => partitionOf(id, PARTITIONS.itemPartitions) === index,
      );
      if (own.length === 0) continue;
      const ratings = states.flatMap(({ ratingCount, ratingSumTenths }) => [
        { ratingCount, ratingSumTenths },
      ]);
      const facts = {
        ...emptyItemPartition(),
        clock: this.clock.now(),
        ratingCount: ratings.reduce((sum, { ratingCount }) => sum + ratingCount, 0),
        ratingSumTenths: ratings.reduce((sum, rating) => sum + rating.ratingSumTenths, 0),
      };
      const partition = partitionIndex(index);
      await this.eventLog.append(TOPICS.itemSignals.name, partition, [
        { key: null, value: new Uint8Array([0]), timestamp: this.clock.now() },
      ]);
      await this.#apply(statePartition(TOPICS.itemSignals.name, partition), [
        { key: PARTITION_KEY, value: encodePartitionState(facts) },
        ...own.map((state) => ({ key: itemKey(state.itemId), value: encodeItemState(state) })),
      ]);
    }
  }

  /** What somebody does, taken in by the stream at once. `subject` is `u:ada` or `s:7`. */
  async act(
    subject: string,
    ...inputs: readonly EventInput[]
  ): Promise<{ partition: PartitionIndex; offset: Offset }> {
    const { partition, offset: at } = await this.append(subject, ...inputs);
    await this.cover(subject, ...inputs);
    return { partition, offset: at };
  }

  /** Only into the log: the stream has not come to it yet. */
  async append(subject: string, ...inputs: readonly EventInput[]) {
    const partition = partitionOf(subject, PARTITIONS.userPartitions);
    const { lastOffset } = await this.eventLog.append(
      TOPICS.interactions.name,
      partition,
      inputs.map((input) => ({
        key: new TextEncoder().encode(subject),
        value: encodeRecord('Interaction', this.#interaction(subject, input)),
        timestamp: this.clock.now(),
      })),
    );
    return { partition, offset: lastOffset };
  }

  /** The stream takes in what was appended. */
  async cover(subject: string, ...inputs: readonly EventInput[]): Promise<void> {
    const id = subject as SubjectId;
    const partition = partitionOf(subject, PARTITIONS.userPartitions);
    const name = statePartition(TOPICS.interactions.name, partition);
    const covered = offset((this.#covered.get(name) ?? NO_OFFSET) + inputs.length);
    const state = withEvents(
      this.#subjects.get(id),
      covered,
      inputs.map((input) => this.#entry(input)),
    );
    this.#subjects.set(id, state);
    await this.#apply(
      name,
      [{ key: subjectKey(id), value: encodeSubjectState(state) }],
      inputs.length,
    );
  }

  /** Replaces a subject's state by hand. */
  async putSubject(subject: string, change: Partial<SubjectState>): Promise<void> {
    const id = subject as SubjectId;
    const partition = partitionOf(subject, PARTITIONS.userPartitions);
    const state = { ...(this.#subjects.get(id) ?? EMPTY_SUBJECT), ...change };
    this.#subjects.set(id, state);
    await this.#apply(statePartition(TOPICS.interactions.name, partition), [
      { key: subjectKey(id), value: encodeSubjectState(state) },
    ]);
  }

  /** As if nobody had ever heard of them. */
  async removeSubject(subject: string): Promise<void> {
    const id = subject as SubjectId;
    this.#subjects.delete(id);
    const partition = partitionOf(subject, PARTITIONS.userPartitions);
    const name = statePartition(TOPICS.interactions.name, partition);
    await this.#apply(name, [{ key: subjectKey(id), value: undefined }]);
  }

  /** The store loses a partition, as an emptied server does; what is put afterwards makes it again. */
  async loseState(partition: StatePartition): Promise<void> {
    await this.stateStore.clear(partition);
    this.#covered.delete(partition);
    this.#epochs.delete(partition);
  }

  #entry(input: EventInput): HistoryEntry {
    this.#events++;
    return {
      eventId: eventId(input.id ?? `e-${this.#events}`),
      itemId: itemId(input.item),
      kind: input.kind ?? 'like',
      value: input.value ?? null,
      occurredAt: epochMs(input.at ?? this.clock.now()),
      isCounted: true,
      busy: 0,
    };
  }

  #interaction(subject: string, input: EventInput): InteractionRecord {
    const isUser = subject.startsWith('u:');
    return {
      source: 'test',
      sequence: null,
      eventId: eventId(input.id ?? `log-${this.#events}-${input.item}`),
      userId: isUser ? (subject.slice(2) as InteractionRecord['userId']) : null,
      sessionId: isUser ? null : (subject.slice(2) as InteractionRecord['sessionId']),
      itemId: itemId(input.item),
      kind: input.kind ?? 'like',
      value: input.value ?? null,
      occurredAt: epochMs(input.at ?? this.clock.now()),
      receivedAt: this.clock.now(),
      backfill: null,
      context: null,
    };
  }

  async #apply(
    partition: StatePartition,
    changes: readonly StateChange[],
    records = 1,
  ): Promise<void> {
    let epoch = this.#epochs.get(partition);
    if (epoch === undefined) {
      ({ epoch } = await this.stateStore.claim(partition));
      this.#epochs.set(partition, epoch);
    }
    const from = this.#covered.get(partition) ?? NO_OFFSET;
    const to = offset(from + records);
    const topic = partition.slice(0, partition.lastIndexOf('.'));
    const { logId } = await this.eventLog.topic(topic);
    const result = await this.stateStore.apply(partition, {
      epoch,
      expectedOffset: from,
      coveredOffset: to,
      logId,
      recordHash: 1,
      changes,
    });
    if (result.outcome !== 'applied') throw new Error(`apply: ${result.outcome}`);
    this.#covered.set(partition, to);
    this.liveBus.publish(STATE_HINTS, { partition, from, to, keys: changes.map(({ key }) => key) });
    await settled();
  }
}

const EMPTY_SUBJECT: SubjectState = {
  lastOffset: NO_OFFSET,
  lastEventAt: epochMs(0),
  eventCount: 0,
  history: [],
  evictedCount: 0,
  ownValueSumThousandths: 0,
  ownValueCount: 0,
  evictedSeen: [],
  evictedCounts: [],
  pendingUndos: [],
  sessions: [],
};

const withEvents = (
  state: SubjectState = EMPTY_SUBJECT,
  lastOffset: Offset,
  entries: readonly HistoryEntry[],
): SubjectState => {
  const history = [...state.history, ...entries].sort(
    (left, right) => left.occurredAt - right.occurredAt || (left.eventId < right.eventId ? -1 : 1),
  );
  const ratings = entries.flatMap(({ kind, value }) =>
    kind === 'rating' && value !== null ? [value] : [],
  );
  return {
    ...state,
    lastOffset,
    lastEventAt: history.at(-1)!.occurredAt,
    eventCount: state.eventCount + entries.length,
    history,
    ownValueSumThousandths:
      state.ownValueSumThousandths +
      ratings.reduce((sum, value) => sum + Math.round(value * 1000), 0),
    ownValueCount: state.ownValueCount + ratings.length,
  };
};

const drawsOf = (seed: number): (() => number) => {
  const random = seededRandom(seed);
  return () => random.next();
};

export interface TestServing {
  readonly world: World;
  readonly serving: Serving;
  readonly app: FastifyInstance;
  /** Port of the server once it listens: for tests that need real sockets. */
  listen(): Promise<number>;
  get<Answer = Record<string, unknown>>(url: string): Promise<{ status: number; body: Answer }>;
  close(): Promise<void>;
}

export const openTestServing = async (
  world: World,
  given: Partial<ServingOptions> & Pick<ServingDependencies, 'listsFor' | 'trustsProxy'> = {},
): Promise<TestServing> => {
  const { listsFor = 'people', trustsProxy, ...options } = given;
  const { clock } = world;
  const serving = createServing({
    eventLog: world.eventLog,
    stateStore: world.stateStore,
    artifactStore: world.artifactStore,
    liveBus: world.liveBus,
    clock,
    random: drawsOf(2),
    logger: silentLogger,
    kinds: DEFAULT_KINDS,
    partitions: PARTITIONS,
    options,
    listsFor,
    ...(trustsProxy ? { trustsProxy } : {}),
  });
  const app = await unguardedHttpServer(clock.monotonicMs);
  serving.registerRoutes(app);
  serving.attachLive(app.server);
  await app.ready();
  await serving.start();
  return {
    world,
    serving,
    app,
    async listen() {
      await app.listen({ host: '127.0.0.1', port: 0 });
      return (app.server.address() as AddressInfo).port;
    },
    async get<Answer>(url: string) {
      const response = await app.inject({ method: 'GET', url });
      return { status: response.statusCode, body: response.json() as Answer };
    },
    async close() {
      await serving.stop();
      await app.close();
    },
  };
};
