/**
 * P2: from an event to the changed list, read and pushed, while 5,000 other events a second are taken in
 * durably, streamed and copied to the warehouse. Times count from when an event was due. The program
 * notes when which hop was passed, so the table also says where the time goes.
 */
import type { FreshnessResult } from './freshness-probe.ts';
import type { ThreadRecord } from './hop-recorder.ts';
import { hopFigures, readHops, recordingHops, threadFigures } from './hop-times.ts';
import type { LoadResult } from './ingest-load.ts';
import {
  EMPTY_INSTANCE,
  type InstanceProcess,
  makeDataDirectory,
  postCatalogue,
  recordsBehind,
  removeDataDirectory,
  startInstanceProcess,
} from './instance-process.ts';
import {
  type FlushTime,
  measureBareServer,
  measureFlush,
  runIngestLoad,
  spreadOf,
} from './machine-base.ts';
import { runProgram } from './program.ts';
import type { Benchmark, BenchResult, Figure } from './result.ts';

const SEED = 12;
const ITEMS = 2_000;
const REPETITIONS = 3;
const PROBE = { rate: 20, seconds: 12, people: 40 };
/** 5,000 events a second, in requests of ten. */
const BACKGROUND = { rate: 500, batch: 10, connections: 32, items: ITEMS, users: 10_000 };

export const freshness: Benchmark = {
  id: 'P2',
  title: 'Event to changed list, embedded, at 5,000 events/s',
  async run(): Promise<BenchResult> {
    const directory = makeDataDirectory();
    const hops = makeDataDirectory();
    try {
      const instance = await startInstanceProcess(directory, EMPTY_INSTANCE, recordingHops(hops));
      let measured: Measured;
      try {
        measured = await measure(instance, directory);
      } finally {
        await instance.stop();
      }
      return resultOf(measured, readHops(hops));
    } finally {
      removeDataDirectory(directory);
      removeDataDirectory(hops);
    }
  },
};

interface Measured {
  readonly flush: FlushTime;
  readonly bare: LoadResult;
  readonly rounds: readonly FreshnessResult[];
  readonly eventsPerSecond: number;
  readonly behind: number;
}

const measure = async (instance: InstanceProcess, directory: string): Promise<Measured> => {
  const { port } = instance;
  const flush = measureFlush(directory);
  const bare = await measureBareServer({ ...BACKGROUND, seed: SEED, seconds: 3 });
  await postCatalogue(instance, ITEMS);
  await runIngestLoad({ ...BACKGROUND, port, seed: SEED, seconds: 4 });
  await instance.caughtUp();
  const rounds: FreshnessResult[] = [];
  let events = 0;
  let seconds = 0;
  let behind = 0;
  for (let round = 0; round < REPETITIONS; round++) {
    const load = { ...BACKGROUND, port, seed: SEED + 1 + round, seconds: PROBE.seconds + 2 };
    const probing = runProgram<FreshnessResult>('bench/freshness-probe.ts', { ...PROBE, port });
    const [loaded, probed] = await Promise.all([runIngestLoad(load), probing]);
    behind = Math.max(behind, recordsBehind(await instance.system()).stream);
    events += loaded.events;
    seconds += loaded.seconds;
    rounds.push(probed);
    await instance.caughtUp();
  }
  return { flush, bare, rounds, eventsPerSecond: events / seconds, behind };
};

const resultOf = (
  { flush, bare, rounds, eventsPerSecond, behind }: Measured,
  threads: readonly ThreadRecord[],
): BenchResult => {
  const quantiles = (way: 'acknowledged' | 'pushed' | 'read', name: string) =>
    figuresOf(name, rounds, way);
  return {
    id: 'P2',
    title: freshness.title,
    seed: SEED,
    figures: [
      { name: 'fdatasync of a page, p50', value: flush.p50Ms, unit: 'ms' },
      { name: 'bare node:http under that load, p50', value: bare.latencyMs.p50, unit: 'ms' },
      { name: 'bare node:http under that load, p99', value: bare.latencyMs.p99, unit: 'ms' },
      ...quantiles('acknowledged', 'acknowledged as durable'),
      ...quantiles('pushed', 'changed list pushed'),
      ...quantiles('read', 'changed list read'),
      {
        name: 'pushed, p99 ÷ bare node:http, p99',
        value: spreadOf(rounds.map(({ pushed }) => pushed.p99)).median / bare.latencyMs.p99,
        unit: '×',
        isRatio: true,
      },
      { name: 'events beside it', value: eventsPerSecond, unit: 'events/s' },
      { name: 'stream behind at the end, at most', value: behind, unit: 'records' },
      {
        name: 'changes that did not come within 5 s',
        value: rounds.reduce((sum, { unanswered }) => sum + unanswered, 0),
        unit: '',
        reach: { atMost: 0 },
      },
      ...hopFigures(
        threads,
        rounds.flatMap(({ journeys }) => journeys),
      ),
      ...threadFigures(
        threads,
        rounds.map(({ journeys }) => journeys),
      ),
    ],
    notes: [
      `${REPETITIONS} × ${PROBE.seconds} s of ${PROBE.rate} probes a second, half pushed, half read in a loop; ${ITEMS} items, ${BACKGROUND.users} people`,
    ],
  };
};

const figuresOf = (
  name: string,
  rounds: readonly FreshnessResult[],
  way: 'acknowledged' | 'pushed' | 'read',
): readonly Figure[] => {
  const hasTarget = way !== 'acknowledged';
  return (['p50', 'p99'] as const).map((quantile): Figure => {
    const { median, spread } = spreadOf(rounds.map((round) => round[way][quantile]));
    const atMost = quantile === 'p50' ? 5 : 25;
    return {
      name: `${name}, ${quantile}`,
      value: median,
      unit: 'ms',
      spread,
      ...(hasTarget ? { reach: { atMost } } : {}),
    };
  });
};
