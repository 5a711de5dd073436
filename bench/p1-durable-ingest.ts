/**
 * P1: durable ingest over HTTP into the running program, stream and warehouse at work behind it. The
 * load runs in a process of its own: first as fast as answers come, then open-model at 70 % of that.
 * A rate counts for little while what must follow it falls behind, so the lag is measured with it.
 */
import {
  type InstanceProcess,
  makeDataDirectory,
  recordsBehind,
  removeDataDirectory,
  startInstanceProcess,
} from './instance-process.ts';
import { measureBareServer, measureFlush, runIngestLoad, spreadOf } from './machine-base.ts';
import type { ProcessUse } from './program.ts';
import type { Benchmark, BenchResult, Figure } from './result.ts';

const SEED = 11;
const SECONDS = 4;
const REPETITIONS = 3;
const SHARE = 0.7;
/** Two chunks for each of four partitions: one that is being copied, one that fills. */
const SINK_BEHIND_MAX = 2 * 4 * 4_096;
const SHAPES = [
  { name: 'single events', batch: 1, connections: 128, atLeast: 10_000 },
  { name: 'batches of 100', batch: 100, connections: 16, atLeast: 50_000 },
] as const;
type Shape = (typeof SHAPES)[number];

export const durableIngest: Benchmark = {
  id: 'P1',
  title: 'Durable ingest over HTTP, embedded, stream and warehouse running',
  async run(): Promise<BenchResult> {
    const directory = makeDataDirectory();
    try {
      const instance = await startInstanceProcess(directory);
      try {
        return await measure(instance, directory);
      } finally {
        await instance.stop();
      }
    } finally {
      removeDataDirectory(directory);
    }
  },
};

const measure = async (instance: InstanceProcess, directory: string): Promise<BenchResult> => {
  const flush = measureFlush(directory);
  const load = { seed: SEED, port: instance.port };
  // Code is compiled and caches are filled before anything counts.
  for (const { batch, connections } of SHAPES) {
    await runIngestLoad({ ...load, batch, connections, rate: 0, seconds: 2 });
  }
  await instance.caughtUp();
  const figures: Figure[] = [];
  for (const shape of SHAPES) figures.push(...(await measureShape(instance, shape, flush.p50Ms)));
  return {
    id: 'P1',
    title: durableIngest.title,
    seed: SEED,
    figures: [
      { name: 'fdatasync of a page, p50', value: flush.p50Ms, unit: 'ms' },
      { name: 'fdatasync of a page, p99', value: flush.p99Ms, unit: 'ms' },
      ...figures,
    ],
    notes: [
      `${REPETITIONS} × ${SECONDS} s as fast as answers come, then ${2 * SECONDS} s at ${SHARE * 100} % of it, open-model;`,
      'an answer is given once its events are flushed.',
    ],
  };
};

const measureShape = async (
  instance: InstanceProcess,
  { name, batch, connections, atLeast }: Shape,
  flushMs: number,
): Promise<readonly Figure[]> => {
  const load = { seed: SEED, port: instance.port, batch, connections };
  const bare = await measureBareServer({ ...load, rate: 0, seconds: SECONDS });
  const rates: number[] = [];
  const followed: number[] = [];
  let failures = 0;
  let events = 0;
  const before = instance.use();
  for (let run = 0; run < REPETITIONS; run++) {
    const begun = performance.now();
    const result = await runIngestLoad({ ...load, seed: SEED + run, rate: 0, seconds: SECONDS });
    const followedAt = await instance.caughtUp();
    rates.push(result.eventsPerSecond);
    followed.push((1_000 * result.events) / (followedAt - begun));
    failures += result.failures;
    events += result.events;
  }
  const after = instance.use();
  const { median, spread } = spreadOf(rates);
  const steady = await measureSteady(instance, load, (SHARE * median) / batch);
  return [
    { name: `${name}: bare node:http`, value: bare.eventsPerSecond, unit: 'events/s' },
    { name: `${name}: durable`, value: median, unit: 'events/s', reach: { atLeast }, spread },
    {
      name: `${name}: durable ÷ bare`,
      value: median / bare.eventsPerSecond,
      unit: '×',
      isRatio: true,
    },
    {
      name: `${name}: durable events per fdatasync time`,
      value: (median * flushMs) / 1_000,
      unit: 'events',
      isRatio: true,
    },
    ...processorFigures(name, { before, after, events }),
    {
      name: `${name}: until stream and warehouse followed`,
      value: spreadOf(followed).median,
      unit: 'events/s',
      spread: spreadOf(followed).spread,
    },
    { name: `${name}: at 70 %, p50`, value: steady.p50, unit: 'ms' },
    { name: `${name}: at 70 %, p99`, value: steady.p99, unit: 'ms', reach: { atMost: 50 } },
    {
      name: `${name}: at 70 %, stream behind at the end`,
      value: steady.streamBehindSeconds,
      unit: 's of load',
      reach: { atMost: 1 },
    },
    {
      name: `${name}: at 70 %, warehouse behind at the end`,
      value: steady.sinkBehind,
      unit: 'events',
      reach: { atMost: SINK_BEHIND_MAX },
    },
    {
      name: `${name}: requests failed`,
      value: failures + steady.failures,
      unit: '',
      reach: { atMost: 0 },
    },
  ];
};

/** What an event costs the processor: a figure that busy neighbours hardly move. */
const processorFigures = (
  name: string,
  use: { before: ProcessUse | undefined; after: ProcessUse | undefined; events: number },
): readonly Figure[] => {
  const { before, after, events } = use;
  if (before === undefined || after === undefined) return [];
  const unit = 'µs/event';
  return [
    {
      name: `${name}: processor time, all threads and children`,
      value: (1_000 * (after.cpuMs - before.cpuMs)) / events,
      unit,
    },
    {
      name: `${name}: processor time, main thread`,
      value: (1_000 * (after.mainThreadMs - before.mainThreadMs)) / events,
      unit,
    },
  ];
};

const measureSteady = async (
  instance: InstanceProcess,
  load: Readonly<Record<string, number>>,
  rate: number,
) => {
  const result = await runIngestLoad({ ...load, seed: SEED + 9, rate, seconds: 2 * SECONDS });
  const behind = recordsBehind(await instance.system());
  await instance.caughtUp();
  return {
    p50: result.latencyMs.p50,
    p99: result.latencyMs.p99,
    streamBehindSeconds: behind.stream / result.eventsPerSecond,
    sinkBehind: behind.sink,
    failures: result.failures,
  };
};
