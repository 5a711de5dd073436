/**
 * The measurement that P2 makes in either profile: rounds of a constant background of events with probes
 * beside it, and what they come to. Who takes events in and who makes lists may be two processes.
 */
import type { FreshnessResult } from './freshness-probe.ts';
import type { LoadResult } from './ingest-load.ts';
import { type InstanceProcess, postCatalogue, recordsBehind } from './instance-process.ts';
import { measureBareServer, runIngestLoad, spreadOf } from './machine-base.ts';
import { runProgram } from './program.ts';
import type { Figure } from './result.ts';

export const FRESHNESS_SEED = 12;
export const FRESHNESS_ITEMS = 2_000;
export const PROBE = { rate: 20, seconds: 12, people: 40 };
/** 5,000 events a second, in requests of ten. */
export const BACKGROUND = {
  rate: 500,
  batch: 10,
  connections: 32,
  items: FRESHNESS_ITEMS,
  users: 10_000,
};

export interface FreshnessRounds {
  readonly bare: LoadResult;
  readonly rounds: readonly FreshnessResult[];
  readonly eventsPerSecond: number;
  readonly behind: number;
  readonly failures: number;
}

/** The same process twice where one does both. */
export interface FreshnessProcesses {
  readonly ingest: InstanceProcess;
  readonly serving: InstanceProcess;
}

export const measureFreshness = async (
  { ingest, serving }: FreshnessProcesses,
  { repetitions, seconds }: { readonly repetitions: number; readonly seconds: number },
): Promise<FreshnessRounds> => {
  const { port } = ingest;
  const bare = await measureBareServer({ ...BACKGROUND, seed: FRESHNESS_SEED, seconds: 3 });
  await postCatalogue(ingest, FRESHNESS_ITEMS);
  await runIngestLoad({ ...BACKGROUND, port, seed: FRESHNESS_SEED, seconds: 4 });
  await serving.caughtUp();
  const rounds: FreshnessResult[] = [];
  let events = 0;
  let loadSeconds = 0;
  let behind = 0;
  let failures = 0;
  for (let round = 0; round < repetitions; round++) {
    const seed = FRESHNESS_SEED + 1 + round;
    const load = { ...BACKGROUND, port, seed, seconds: seconds + 2 };
    const probing = runProgram<FreshnessResult>('bench/freshness-probe.ts', {
      ...PROBE,
      seconds,
      port: serving.port,
      ingest: port,
    });
    const [loaded, probed] = await Promise.all([runIngestLoad(load), probing]);
    behind = Math.max(behind, recordsBehind(await serving.system()).stream);
    events += loaded.events;
    loadSeconds += loaded.seconds;
    failures += loaded.failures;
    rounds.push(probed);
    await serving.caughtUp();
  }
  return { bare, rounds, eventsPerSecond: events / loadSeconds, behind, failures };
};

/** What each quantile of a change may be, in milliseconds. */
export type FreshnessReach = Readonly<Partial<Record<'p50' | 'p99', number>>>;

export const freshnessFigures = (
  { bare, rounds, eventsPerSecond, behind, failures }: FreshnessRounds,
  reach: FreshnessReach,
): readonly Figure[] => [
  { name: 'bare node:http under that load, p50', value: bare.latencyMs.p50, unit: 'ms' },
  { name: 'bare node:http under that load, p99', value: bare.latencyMs.p99, unit: 'ms' },
  ...figuresOf('acknowledged as durable', rounds, { way: 'acknowledged', reach: {} }),
  ...figuresOf('changed list pushed', rounds, { way: 'pushed', reach }),
  ...figuresOf('changed list read', rounds, { way: 'read', reach }),
  {
    name: 'pushed, p99 ÷ bare node:http, p99',
    value: spreadOf(rounds.map(({ pushed }) => pushed.p99)).median / bare.latencyMs.p99,
    unit: '×',
    isRatio: true,
  },
  { name: 'events beside it', value: eventsPerSecond, unit: 'events/s' },
  { name: 'requests beside it that failed', value: failures, unit: '' },
  { name: 'stream behind at the end, at most', value: behind, unit: 'records' },
  {
    name: 'changes that did not come within 5 s',
    value: rounds.reduce((sum, { unanswered }) => sum + unanswered, 0),
    unit: '',
    reach: { atMost: 0 },
  },
];

const figuresOf = (
  name: string,
  rounds: readonly FreshnessResult[],
  {
    way,
    reach,
  }: { readonly way: 'acknowledged' | 'pushed' | 'read'; readonly reach: FreshnessReach },
): readonly Figure[] =>
  (['p50', 'p99'] as const).map((quantile): Figure => {
    const { median, spread } = spreadOf(rounds.map((round) => round[way][quantile]));
    const atMost = reach[quantile];
    return {
      name: `${name}, ${quantile}`,
      value: median,
      unit: 'ms',
      spread,
      ...(atMost === undefined ? {} : { reach: { atMost } }),
    };
  });
