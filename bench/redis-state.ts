/**
 * The state on Redis: what an apply of five hundred keys takes beside one bare command that writes the
 * same bytes, what a full apply takes, what readers wait for, beside either too, and what a key costs in
 * memory. How long Redis' own thread works hardly depends on what else the machine does; how long callers
 * wait does. A server of its own, on loopback, with its append-only file as in production.
 */
import { performance } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import { type LogId, NO_OFFSET, offset, partitionIndex, statePartition } from '../schemas/ids.ts';
import { openRedisStateStore } from '../storage/state-store/redis-state-store.ts';
import { DEFAULT_STATE_STORE_LIMITS } from '../storage/state-store/state-changes.ts';
import type { StateStore } from '../storage/state-store/state-store.ts';
import { RedisServer } from '../test/services/redis-server.ts';
import type { Benchmark, Figure } from './result.ts';

const POPULATION = 100_000;
const KEYS_PER_APPLY = 500;
/** What the stream fills an apply to while it has much to write. */
const KEYS_OF_FULL = DEFAULT_STATE_STORE_LIMITS.keysPerApply;
const APPLIES = 400;
const READS = 2_000;
const PARTITION = statePartition('interactions', partitionIndex(0));
const SIZES = [256, 1_000];

export const redisState: Benchmark = {
  id: 'redis-state',
  title: `state on Redis: ${POPULATION / 1_000} k keys, applies of ${KEYS_PER_APPLY}`,
  run: async () => {
    const figures: Figure[] = [];
    for (const valueBytes of SIZES) figures.push(...(await measureSize(valueBytes)));
    return { id: redisState.id, title: redisState.title, figures };
  },
};

const measureSize = async (valueBytes: number): Promise<readonly Figure[]> => {
  const server = await RedisServer.start();
  const client = new Redis({ host: '127.0.0.1', port: server.port });
  const store = await openRedisStateStore({ servers: { urls: [server.url] }, namespace: 'bench' });
  try {
    const writer = new Writer(store, valueBytes);
    const before = await usedBytes(client);
    await writer.fill();
    const perKey = ((await usedBytes(client)) - before) / POPULATION;
    const size = `${valueBytes} B`;
    const [applies, applyCpu] = await timedOnServer(client, () => writer.apply());
    const [bare, bareCpu] = await timedOnServer(client, (at) => bareWrite(client, at, valueBytes));
    const reads = await readerFigures(store, size);
    const meanwhile = await readsBeside(store, () => writer.apply());
    const [full, fullCpu] = await timedOnServer(client, () => writer.apply(KEYS_OF_FULL));
    const besideFull = await readsBeside(store, () => writer.apply(KEYS_OF_FULL));
    return [
      ...spread(`apply, ${size}`, applies),
      rate(`values applied, ${size}`, applies),
      rate(`values in one bare HSET, ${size}`, bare),
      { name: `Redis' processor, an apply of ${size}`, value: applyCpu, unit: 'ms' },
      { name: `Redis' processor, a bare HSET, ${size}`, value: bareCpu, unit: 'ms' },
      {
        name: `processor, bare / apply, ${size}`,
        value: bareCpu / applyCpu,
        unit: '×',
        isRatio: true,
      },
      ...reads,
      ...spread(`one key while applies run, ${size}`, meanwhile),
      ...spread(`apply of ${KEYS_OF_FULL}, ${size}`, full),
      {
        name: `Redis' processor, an apply of ${KEYS_OF_FULL}, ${size}`,
        value: fullCpu,
        unit: 'ms',
      },
      ...spread(`one key while applies of ${KEYS_OF_FULL} run, ${size}`, besideFull),
      { name: `memory of a key beside its ${size}`, value: perKey - valueBytes, unit: 'B' },
    ];
  } finally {
    await store.close();
    client.disconnect();
    await server.remove();
  }
};

const keyOf = (number: number): string => `subject:u:user-${number}`;

/** Steps of a large odd number visit the population as if at random. */
const chosen = (number: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => keyOf(((number * count + at) * 7_919) % POPULATION));

class Writer {
  readonly #store: StateStore;
  readonly #valueBytes: number;
  #epoch = 0;
  #covered = NO_OFFSET as number;

  constructor(store: StateStore, valueBytes: number) {
    this.#store = store;
    this.#valueBytes = valueBytes;
  }

  async fill(): Promise<void> {
    this.#epoch = (await this.#store.claim(PARTITION)).epoch;
    for (let first = 0; first < POPULATION; first += KEYS_PER_APPLY) {
      await this.#write(Array.from({ length: KEYS_PER_APPLY }, (_, at) => keyOf(first + at)));
    }
  }

  apply(keys = KEYS_PER_APPLY): Promise<void> {
    return this.#write(chosen(this.#covered, keys));
  }

  async #write(keys: readonly string[]): Promise<void> {
    const value = Buffer.alloc(this.#valueBytes, this.#covered & 0xff);
    const expectedOffset = offset(this.#covered);
    this.#covered += 1;
    const { outcome } = await this.#store.apply(PARTITION, {
      epoch: this.#epoch,
      expectedOffset,
      coveredOffset: offset(this.#covered),
      logId: 'bench' as LogId,
      recordHash: 0,
      changes: keys.map((key) => ({ key, value })),
    });
    if (outcome !== 'applied') throw new Error(`Expected an apply, got ${outcome}`);
  }
}

/** The same keys and bytes with nothing around them. */
const bareWrite = async (client: Redis, number: number, valueBytes: number): Promise<void> => {
  const value = Buffer.alloc(valueBytes + 4, number & 0xff);
  await client.hset('bare', ...chosen(number, KEYS_PER_APPLY).flatMap((key) => [key, value]));
};

const readerFigures = async (store: StateStore, size: string): Promise<readonly Figure[]> => {
  const figures: Figure[] = [];
  for (const count of [1, 100, KEYS_PER_APPLY]) {
    const times = await timesOf(count === 1 ? READS : READS / 10, async (at) => {
      await store.getMany(PARTITION, chosen(at, count));
    });
    figures.push(...spread(`getMany of ${count}, ${size}`, times));
  }
  const pages = await timesOf(READS / 20, async (at) => {
    await store.scan(PARTITION, { prefix: '', after: keyOf(at * 900), limit: 1_000 });
  });
  return [...figures, ...spread(`scan of 1000, ${size}`, pages)];
};

/** One reader after another, while one apply follows the other. */
const readsBeside = async (
  store: StateStore,
  apply: () => Promise<void>,
): Promise<readonly number[]> => {
  let isReading = true;
  const writing = (async () => {
    while (isReading) await apply();
  })();
  const times = await timesOf(READS / 2, async (at) => {
    await store.getMany(PARTITION, chosen(at, 1));
  });
  isReading = false;
  await writing;
  return times;
};

/** The times that callers waited, and what the server's own thread worked for each call. */
const timedOnServer = async (
  client: Redis,
  work: (number: number) => Promise<void>,
): Promise<readonly [times: readonly number[], cpuMs: number]> => {
  const before = await workedMs(client);
  const times = await timesOf(APPLIES, work);
  return [times, ((await workedMs(client)) - before) / (APPLIES + WARM_UP)];
};

const workedMs = async (client: Redis): Promise<number> => {
  const facts = await client.info('cpu');
  const secondsOf = (name: string): number =>
    Number(new RegExp(`used_cpu_${name}_main_thread:([\\d.]+)`).exec(facts)?.[1]);
  return (secondsOf('user') + secondsOf('sys')) * 1_000;
};

const WARM_UP = 20;

const timesOf = async (
  count: number,
  work: (number: number) => Promise<void>,
): Promise<readonly number[]> => {
  for (let warm = 0; warm < WARM_UP; warm += 1) await work(warm);
  const times: number[] = [];
  for (let number = 0; number < count; number += 1) {
    const began = performance.now();
    await work(number);
    times.push(performance.now() - began);
  }
  return times;
};

const quantileOf = (times: readonly number[], share: number): number =>
  [...times].sort((left, right) => left - right)[Math.floor(share * (times.length - 1))]!;

const medianOf = (times: readonly number[]): number => quantileOf(times, 0.5);

/** At the median: what else runs on the machine makes some of them late. */
const rate = (name: string, times: readonly number[]): Figure => ({
  name,
  value: (KEYS_PER_APPLY * 1_000) / medianOf(times),
  unit: 'values/s',
});

const spread = (name: string, times: readonly number[]): readonly Figure[] => [
  { name: `${name}: p50`, value: medianOf(times), unit: 'ms' },
  { name: `${name}: p99`, value: quantileOf(times, 0.99), unit: 'ms' },
];

const usedBytes = async (client: Redis): Promise<number> =>
  Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
