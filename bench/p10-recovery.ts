/**
 * P10: the real program, started with a million events behind its last state, until it says that it is
 * ready; then started with no state at all, which it rebuilds from the log.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { dataPathsOf } from '../runtime/data-directory.ts';
import { openEmbeddedLog } from '../runtime/embedded/stores.ts';
import { providePersonKeys } from '../runtime/person-keys.ts';
import { INGEST_TOPICS } from '../runtime/topic-plan.ts';
import type { HealthReadyAnswer } from '../schemas/api/system.ts';
import {
  makeDataDirectory,
  recordsBehind,
  removeDataDirectory,
  startInstanceProcess,
} from './instance-process.ts';
import { runIngestLoad } from './machine-base.ts';
import { streamRate } from './p3-stream-replay.ts';
import type { Benchmark, BenchResult } from './result.ts';
import { fillLog } from './stream/replay-run.ts';

const SEED = 10;
const EVENTS = 1_000_000;
/** As the program makes them for one stream worker. */
const PARTITIONS = { userPartitions: 1, itemPartitions: 1 };
/** How much faster than live the target wants it to be; and what a start may cost. */
const TIMES_LIVE = 1.5;
const START_SECONDS = 2;

export const recovery: Benchmark = {
  id: 'P10',
  title: 'Recovery with 1,000,000 events behind the state, and rebuild',
  async run(): Promise<BenchResult> {
    const directory = makeDataDirectory();
    try {
      return await measure(directory);
    } finally {
      removeDataDirectory(directory);
    }
  },
};

const measure = async (directory: string): Promise<BenchResult> => {
  const live = await streamRate(100_000);
  const first = await startInstanceProcess(directory);
  const load = { port: first.port, seed: SEED, batch: 100, rate: 50, seconds: 2 };
  await runIngestLoad(load);
  await first.caughtUp();
  await first.stop();
  await logEvents(directory);
  const recovered = await secondsUntilReady(directory);
  rmSync(join(directory, 'state'), { recursive: true });
  const rebuilt = await secondsUntilReady(directory);
  const limit = START_SECONDS + EVENTS / (TIMES_LIVE * live);
  return {
    id: 'P10',
    title: recovery.title,
    seed: SEED,
    figures: [
      { name: 'P3 in this run', value: live, unit: 'events/s' },
      {
        name: 'until ready, 1,000,000 events behind',
        value: recovered.ready,
        unit: 's',
        reach: { atMost: limit },
      },
      { name: 'until nothing was behind', value: recovered.covered, unit: 's' },
      {
        name: 'until ready ÷ what the target allows',
        value: recovered.ready / limit,
        unit: '×',
        isRatio: true,
      },
      {
        name: 'rebuild without any state',
        value: EVENTS / rebuilt.covered,
        unit: 'events/s',
        reach: { atLeast: TIMES_LIVE * live },
      },
      { name: 'rebuild ÷ P3', value: EVENTS / rebuilt.covered / live, unit: '×', isRatio: true },
    ],
    notes: [
      'the process is started anew each time; its start and the warehouse copying beside it are in the times.',
    ],
  };
};

const logEvents = async (directory: string): Promise<void> => {
  const log = await openEmbeddedLog({
    directory: join(directory, 'log'),
    keys: providePersonKeys(dataPathsOf(directory)),
    counts: PARTITIONS,
    writableTopics: INGEST_TOPICS,
    clock: systemClock,
  });
  const plan = { seed: SEED, events: EVENTS, people: 20_000, items: 3_700, ...PARTITIONS };
  await fillLog(log, plan, { endsAt: systemClock.now() });
  await log.close();
};

const LIMIT_MS = 400_000;

const secondsUntilReady = async (directory: string) => {
  const begun = performance.now();
  const seconds = (): number => (performance.now() - begun) / 1_000;
  const instance = await startInstanceProcess(directory);
  try {
    while ((await instance.get<HealthReadyAnswer>('/health/ready')).status !== 'ready') {
      if (performance.now() > begun + LIMIT_MS) throw new Error('Expected it to become ready.');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const ready = seconds();
    while (recordsBehind(await instance.system()).stream > 0) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return { ready, covered: seconds() };
  } finally {
    await instance.stop();
  }
};
