/**
 * P1: durable ingest over HTTP into the running program, stream and warehouse at work behind it. The
 * load runs in a process of its own: first as fast as answers come, then open-model at 70 % of the
 * target and of what was reached. The program lets live events run only so far ahead of the stream, so
 * the first is a rate that lasts; how far stream and warehouse were behind at most is measured with it.
 */

import { DEFAULT_INGEST_OPTIONS } from '../ingest/options.ts';
import { DEFAULT_STREAM_OPTIONS } from '../stream/options.ts';
import {
  type InstanceProcess,
  type Lag,
  makeDataDirectory,
  peakLagDuring,
  removeDataDirectory,
  startInstanceProcess,
} from './instance-process.ts';
import { measureBareServer, measureFlush, runIngestLoad, spreadOf } from './machine-base.ts';
import type { ProcessUse } from './program.ts';
import type { Benchmark, BenchResult, Figure } from './result.ts';

const SEED = 11;
const SECONDS = 6;
const REPETITIONS = 3;
const SHARE = 0.7;
const PARTITIONS = 4;
/**
 * What the program lets pass, and again as much for what item partitions have to take in of it; so many
 * are seconds of load only where the load is light.
 */
const STREAM_BEHIND_MAX = 2 * DEFAULT_INGEST_OPTIONS.aheadOfStreamMax;
/** For each partition the chunks that may gather, and as many that are being copied. */
const SINK_BEHIND_MAX =
  2 * PARTITIONS * DEFAULT_STREAM_OPTIONS.sink.chunksMax * DEFAULT_STREAM_OPTIONS.sink.chunkRecords;
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
      `${REPETITIONS} × ${SECONDS} s as fast as answers come, then ${SECONDS} s each at ${SHARE * 100} % of the target and of that, open-model;`,
      'an answer is given once its events are flushed, and once the stream has followed far enough;',
      'the load generator shares the two cores at the same priority.',
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
  const full = await measureFull(instance, load);
  const { median, spread } = spreadOf(full.rates);
  const atTarget = await measureSteady(instance, load, SHARE * atLeast);
  const atReached = await measureSteady(instance, load, SHARE * median);
  return [
    { name: `${name}: bare node:http`, value: bare.eventsPerSecond, unit: 'events/s' },
    {
      name: `${name}: durable, the stream following`,
      value: median,
      unit: 'events/s',
      reach: { atLeast },
      spread,
    },
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
    ...processorFigures(name, full),
    {
      name: `${name}: until the warehouse had them too`,
      value: spreadOf(full.followed).median,
      unit: 'events/s',
      spread: spreadOf(full.followed).spread,
    },
    ...lagFigures(name, full.peak),
    ...steadyFigures(`${name}: at 70 % of the target`, atTarget),
    ...steadyFigures(`${name}: at 70 % of that`, atReached),
    {
      name: `${name}: requests failed`,
      value: full.failures + atTarget.failures + atReached.failures,
      unit: '',
      reach: { atMost: 0 },
    },
  ];
};

type LoadOptions = Readonly<Record<'seed' | 'port' | 'batch' | 'connections', number>>;

/** As fast as answers come. */
const measureFull = async (instance: InstanceProcess, load: LoadOptions) => {
  const rates: number[] = [];
  const followed: number[] = [];
  const total = { failures: 0, events: 0, loadCpuMs: 0 };
  let peak: Lag = { stream: 0, sink: 0 };
  const before = instance.use();
  for (let run = 0; run < REPETITIONS; run++) {
    const begun = performance.now();
    const sending = runIngestLoad({ ...load, seed: SEED + run, rate: 0, seconds: SECONDS });
    const { result, peak: lag } = await peakLagDuring(instance, sending);
    const followedAt = await instance.caughtUp();
    rates.push(result.eventsPerSecond);
    followed.push((1_000 * result.events) / (followedAt - begun));
    peak = { stream: Math.max(peak.stream, lag.stream), sink: Math.max(peak.sink, lag.sink) };
    total.failures += result.failures;
    total.events += result.events;
    total.loadCpuMs += result.cpuMs;
  }
  return { rates, followed, peak, before, after: instance.use(), ...total };
};

const lagFigures = (name: string, peak: Lag): readonly Figure[] => [
  {
    name: `${name}: stream behind at most`,
    value: peak.stream,
    unit: 'records',
    reach: { atMost: STREAM_BEHIND_MAX },
  },
  {
    name: `${name}: warehouse behind at most`,
    value: peak.sink,
    unit: 'records',
    reach: { atMost: SINK_BEHIND_MAX },
  },
];

/** What an event costs the processor: a figure that busy neighbours hardly move. */
const processorFigures = (
  name: string,
  use: {
    readonly before: ProcessUse | undefined;
    readonly after: ProcessUse | undefined;
    readonly events: number;
    readonly loadCpuMs: number;
  },
): readonly Figure[] => {
  const { before, after, events, loadCpuMs } = use;
  const unit = 'µs/event';
  const perEvent = (what: string, ms: number): Figure => ({
    name: `${name}: processor time, ${what}`,
    value: (1_000 * ms) / events,
    unit,
  });
  const generator = perEvent('load generator', loadCpuMs);
  if (before === undefined || after === undefined) return [generator];
  return [
    perEvent('all threads and children', after.cpuMs - before.cpuMs),
    perEvent('main thread', after.mainThreadMs - before.mainThreadMs),
    generator,
  ];
};

interface Steady {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly peak: Lag;
  readonly failures: number;
}

const steadyFigures = (name: string, { rate, p50, p99, peak }: Steady): readonly Figure[] => [
  { name: `${name}, p50`, value: p50, unit: 'ms' },
  { name: `${name}, p99`, value: p99, unit: 'ms', reach: { atMost: 50 } },
  {
    name: `${name}, stream behind at most`,
    value: peak.stream / rate,
    unit: 's of load',
    reach: { atMost: 1 },
  },
  {
    name: `${name}, warehouse behind at most`,
    value: peak.sink,
    unit: 'records',
    reach: { atMost: SINK_BEHIND_MAX },
  },
];

const measureSteady = async (
  instance: InstanceProcess,
  load: LoadOptions,
  rate: number,
): Promise<Steady> => {
  const sending = runIngestLoad({
    ...load,
    seed: SEED + 9,
    rate: rate / load.batch,
    seconds: SECONDS,
  });
  const { result, peak } = await peakLagDuring(instance, sending);
  await instance.caughtUp();
  const { p50, p99 } = result.latencyMs;
  return { rate, p50, p99, peak, failures: result.failures };
};
