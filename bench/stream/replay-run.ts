/**
 * Replays a synthetic log through the whole stream on LMDB in a temporary directory, and says what it
 * cost: events per second of process CPU time, and how long recovery from the last state takes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FoldIn } from '../../algorithms/factors/fold-in.ts';
import { DEFAULT_IMPLICIT_ALS_OPTIONS } from '../../algorithms/factors/implicit-als-options.ts';
import { inlineEngine } from '../../algorithms/kernels/kernel-engine.ts';
import { systemClock } from '../../runtime/clock.ts';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import { type EpochMs, type PartitionIndex, statePartition } from '../../schemas/ids.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import type { InteractionRecord } from '../../schemas/records.ts';
import { decodeSubjectState } from '../../schemas/state/subject-codec.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { DEFAULT_SERVING_OPTIONS } from '../../serving/options.ts';
import type { AppendRecord, EventLog } from '../../storage/event-log/event-log.ts';
import { openLmdbEventLog } from '../../storage/event-log/lmdb-event-log.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import { openLmdbStateStore } from '../../storage/state-store/lmdb-state-store.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import { cachesFor, DEFAULT_STREAM_OPTIONS } from '../../stream/options.ts';
import { createStream, type Stream, type StreamDependencies } from '../../stream/stream.ts';
import { VectorView } from '../../stream/vectors/vector-view.ts';
import { factorsLikeTrained } from '../algorithms/timing.ts';
import {
  LAST_EVENT,
  SIX_WEEKS_MS,
  type SyntheticOptions,
  seededRandom,
  syntheticInteractions,
} from './synthetic-interactions.ts';

export interface ReplayPlan extends SyntheticOptions {
  readonly userPartitions: number;
  readonly itemPartitions: number;
  /** Whether people's vectors are kept, of 64 numbers. */
  readonly hasVectors?: boolean;
}

export interface Replay {
  readonly deps: StreamDependencies;
  close(): Promise<void>;
}

const encoder = new TextEncoder();
const APPEND_RECORDS = 2_000;

/** Called before the plan's events are logged. */
export type Preparation = (eventLog: EventLog, stateStore: StateStore) => Promise<void>;

/** A temporary instance whose log holds the plan's events; its state is empty, or as prepared. */
export const prepareReplay = async (
  plan: ReplayPlan,
  prepare: Preparation = async () => {},
): Promise<Replay> => {
  const directory = await mkdtemp(join(tmpdir(), 'freshet-replay-'));
  const eventLog = await openLmdbEventLog({
    directory: join(directory, 'log'),
    topics: topicsOf(plan),
    clock: systemClock,
    random: seededRandom(plan.seed),
  });
  const stateStore = await openLmdbStateStore({ directory: join(directory, 'state') });
  await prepare(eventLog, stateStore);
  await fillLog(eventLog, plan);
  return {
    deps: streamDependencies(plan, eventLog, stateStore),
    close: async () => {
      await stateStore.close();
      await eventLog.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
};

const topicsOf = ({ userPartitions, itemPartitions }: ReplayPlan) =>
  Object.values(TOPICS).map((spec) => ({
    spec,
    partitionCount: { user: userPartitions, item: itemPartitions, one: 1 }[spec.partitionsBy],
  }));

/** When the plan's six weeks are to have been. */
export interface Span {
  readonly endsAt: EpochMs;
  /** Six weeks when left out. */
  readonly lastsMs?: number;
}

/** Appends the plan's events, in the time span that is asked for. */
export const fillLog = async (
  eventLog: EventLog,
  plan: ReplayPlan,
  span: Span = { endsAt: LAST_EVENT },
): Promise<void> => {
  const waiting: AppendRecord[][] = Array.from({ length: plan.userPartitions }, () => []);
  const flush = async (index: number): Promise<void> => {
    const records = waiting[index]!.splice(0);
    if (records.length === 0) return;
    await eventLog.append(TOPICS.interactions.name, index as PartitionIndex, records);
  };
  for (const made of syntheticInteractions(plan)) {
    const record = movedInto(span, made);
    const key = encoder.encode(`u:${record.userId}`);
    const index = partitionOf(key, plan.userPartitions);
    const value = encodeRecord('Interaction', record);
    waiting[index]!.push({ key, value, timestamp: record.receivedAt });
    if (waiting[index]!.length >= APPEND_RECORDS) await flush(index);
  }
  for (let index = 0; index < plan.userPartitions; index++) await flush(index);
};

const movedInto = (
  { endsAt, lastsMs = SIX_WEEKS_MS }: Span,
  record: InteractionRecord,
): InteractionRecord => {
  const { receivedAt, occurredAt } = record;
  const moved = endsAt - Math.floor(((LAST_EVENT - receivedAt) * lastsMs) / SIX_WEEKS_MS);
  return {
    ...record,
    occurredAt: (moved - (receivedAt - occurredAt)) as EpochMs,
    receivedAt: moved as EpochMs,
  };
};

const indexes = (count: number): readonly PartitionIndex[] =>
  Array.from({ length: count }, (_, index) => index as PartitionIndex);

const { ladder } = DEFAULT_SERVING_OPTIONS;
const DIMENSIONS = 64;

/** Over a release that knows all items of the plan. */
const vectorsFor = ({ items, seed }: ReplayPlan): VectorView => {
  const factors = factorsLikeTrained(items, DIMENSIONS, seed);
  const options = { ...DEFAULT_IMPLICIT_ALS_OPTIONS, dimensions: DIMENSIONS };
  const numbers = new Map(Array.from({ length: items }, (_, item) => [`film-${item}`, item]));
  const model = {
    release: '20260131T030000Z-bench0',
    foldIn: new FoldIn(inlineEngine(), { itemCount: items, factors, options }),
    itemOf: (itemId: string) => numbers.get(itemId),
  };
  return new VectorView({
    model: () => model,
    kinds: kindTable(DEFAULT_KINDS),
    ownMeanPrior: { mean: ladder.ownMeanPrior, strength: ladder.ownMeanPriorStrength },
    limits: { positives: ladder.eventsMax, negatives: ladder.negativesMax },
  });
};

/** What a stream that owns all partitions needs beside a log and a state. */
export const streamDependencies = (
  plan: ReplayPlan,
  eventLog: EventLog,
  stateStore: StateStore,
): StreamDependencies => ({
  eventLog,
  stateStore,
  liveBus: {
    publish: () => {},
    subscribe: () => ({ close: () => {} }),
    counters: () => ({ published: 0, delivered: 0, dropped: 0 }),
    close: async () => {},
  },
  clock: systemClock,
  logger: { debug: () => {}, info: () => {}, warn: () => {}, error: console.error },
  crashPoint: () => {},
  options: {
    ...DEFAULT_STREAM_OPTIONS,
    runner: { ...DEFAULT_STREAM_OPTIONS.runner, ...cachesFor(plan) },
  },
  kinds: kindTable(DEFAULT_KINDS),
  ...(plan.hasVectors ? { vectors: vectorsFor(plan) } : {}),
  partitions: {
    interactions: indexes(plan.userPartitions),
    itemSignals: indexes(plan.itemPartitions),
    catalogue: indexes(plan.itemPartitions),
    control: indexes(1),
  },
});

export interface Cost {
  readonly wallMs: number;
  /** User and system time of the whole process, all its threads. */
  readonly cpuMs: number;
}

export const measure = async (work: () => Promise<void>): Promise<Cost> => {
  const cost = stopwatch();
  await work();
  return cost();
};

/** Runs the stream until it has covered the log; the stream that did it is stopped again. */
export const replayOnce = async (deps: StreamDependencies): Promise<Cost> => {
  const stream: Stream = createStream(deps);
  const cost = await measure(async () => {
    await stream.start();
    await stream.caughtUp();
  });
  await stream.stop();
  return cost;
};

/**
 * The cost of the events after the first share of them, whose part it is to fill the caches: what an
 * event costs once a stream has run for a while.
 */
export const replayWarm = async (
  deps: StreamDependencies,
  { events, warmShare }: { readonly events: number; readonly warmShare: number },
): Promise<{ readonly whole: Cost; readonly warm: Cost; readonly warmEvents: number }> => {
  const stream: Stream = createStream(deps);
  const cpuMs = stopwatch();
  await stream.start();
  const caughtUp = stream.caughtUp();
  let received = 0;
  while (received < events * warmShare) {
    await new Promise((resolve) => setTimeout(resolve, STATUS_EVERY_MS));
    received = (await stream.status()).interactions.received;
  }
  const before = cpuMs();
  await caughtUp;
  const whole = cpuMs();
  await stream.stop();
  const warm = { wallMs: whole.wallMs - before.wallMs, cpuMs: whole.cpuMs - before.cpuMs };
  return { whole, warm, warmEvents: events - received };
};

const STATUS_EVERY_MS = 20;

const stopwatch = (): (() => Cost) => {
  const cpu = process.cpuUsage();
  const start = performance.now();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { wallMs: performance.now() - start, cpuMs: (user + system) / 1000 };
  };
};

export interface StateSizes {
  readonly subjectBytesMean: number;
  readonly subjectBytesMax: number;
  /** Of people with a history of at most 50 events, all of them at hand. */
  readonly fullBytesMax: number;
  readonly itemBytesMean: number;
  readonly itemBytesMax: number;
}

/** Bytes of the values as stored, without what the store itself adds. */
export const stateSizes = async ({
  stateStore,
  partitions,
}: StreamDependencies): Promise<StateSizes> => {
  const subjects = new SizeTally();
  const full = new SizeTally();
  const items = new SizeTally();
  await scanValues(stateStore, 'interactions', partitions.interactions, 'subject:', (value) => {
    subjects.add(value.length);
    if (decodeSubjectState(value).evictedCount === 0) full.add(value.length);
  });
  await scanValues(stateStore, 'item-signals', partitions.itemSignals, 'item:', (value) => {
    items.add(value.length);
  });
  return {
    subjectBytesMean: subjects.mean,
    subjectBytesMax: subjects.max,
    fullBytesMax: full.max,
    itemBytesMean: items.mean,
    itemBytesMax: items.max,
  };
};

class SizeTally {
  #sum = 0;
  #count = 0;
  max = 0;

  add(bytes: number): void {
    this.#sum += bytes;
    this.#count++;
    this.max = Math.max(this.max, bytes);
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }
}

const PAGE = 1_000;

export const scanValues = async (
  store: StateStore,
  topic: string,
  partitions: readonly PartitionIndex[],
  prefix: string,
  receive: (value: Uint8Array) => void,
): Promise<void> => {
  for (const index of partitions) {
    const partition = statePartition(topic, index);
    let after: string | undefined;
    for (;;) {
      const page = await store.scan(partition, {
        prefix,
        limit: PAGE,
        ...(after === undefined ? {} : { after }),
      });
      for (const { value } of page) receive(value);
      if (page.length < PAGE) break;
      after = page.at(-1)!.key;
    }
  }
};
