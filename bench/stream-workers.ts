/**
 * P14's other half: how long the stream's real threads take over one log, one worker or several. The log
 * is filled once; each run works on its own copy of it, first live (it appends what follows from the
 * events), then, its state thrown away, as a rebuild.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../runtime/clock.ts';
import { loadConfiguration } from '../runtime/configuration.ts';
import { dataPathsOf } from '../runtime/data-directory.ts';
import { openEmbeddedLog } from '../runtime/embedded/stores.ts';
import { startStreamHost } from '../runtime/embedded/stream-host.ts';
import { providePersonKeys } from '../runtime/person-keys.ts';
import { INGEST_TOPICS } from '../runtime/topic-plan.ts';
import type { Figure } from './result.ts';
import { fillLog } from './stream/replay-run.ts';

const PARTITIONS = { userPartitions: 8, itemPartitions: 8 };
const PLAN = { seed: 14, events: 300_000, people: 20_000, items: 3_700, ...PARTITIONS };
const WORKERS = [1, 2, 3, 4] as const;
const TWO_WORKERS_MIN = 1.7;

interface Run {
  readonly seconds: number;
  /** Processor time of all threads, collections and commits included, for a second of the clock. */
  readonly cores: number;
}

/** By number of workers. */
export interface WorkerTimes {
  readonly live: ReadonlyMap<number, Run>;
  readonly rebuild: ReadonlyMap<number, Run>;
}

export const measureWorkers = async (): Promise<WorkerTimes> => {
  const root = mkdtempSync(join(tmpdir(), 'freshet-workers-'));
  try {
    const filled = join(root, 'filled');
    await fill(filled);
    const live = new Map<number, Run>();
    const rebuild = new Map<number, Run>();
    // The first run warms the disk's cache and the compiler's: it is thrown away.
    await run(copyOf(filled, join(root, 'warm')), 1);
    for (const workers of WORKERS) {
      const directory = copyOf(filled, join(root, String(workers)));
      live.set(workers, await run(directory, workers));
      rmSync(join(directory, 'state'), { recursive: true });
      rebuild.set(workers, await run(directory, workers));
      rmSync(directory, { recursive: true });
    }
    return { live, rebuild };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
};

export const workerFigures = ({ live, rebuild }: WorkerTimes): Figure[] => [
  ...WORKERS.flatMap((workers): Figure[] => {
    const name = `${workers} ${workers === 1 ? 'worker' : 'workers'}, 8 + 8 partitions`;
    return [
      { name: `${name}: live`, value: live.get(workers)!.seconds, unit: 's' },
      { name: `${name}: rebuild`, value: rebuild.get(workers)!.seconds, unit: 's' },
    ];
  }),
  {
    name: `two workers ÷ one, live (${availableParallelism()} cores)`,
    value: live.get(1)!.seconds / live.get(2)!.seconds,
    unit: '×',
    reach: { atLeast: TWO_WORKERS_MIN },
    isRatio: true,
  },
  {
    name: 'two workers ÷ one, rebuild',
    value: rebuild.get(1)!.seconds / rebuild.get(2)!.seconds,
    unit: '×',
    isRatio: true,
  },
  { name: 'cores that one worker keeps busy, live', value: live.get(1)!.cores, unit: 'cores' },
  {
    name: 'cores that one worker keeps busy, rebuild',
    value: rebuild.get(1)!.cores,
    unit: 'cores',
  },
  {
    name: 'two workers ÷ one, live, if two cost no more processor time and none is idle',
    value: availableParallelism() / live.get(1)!.cores,
    unit: '×',
    isRatio: true,
  },
];

export const workersNote = `workers: ${PLAN.events} events of ${PLAN.people} people and ${PLAN.items} items, seconds of the clock from the start of the sources until all is covered.`;

const fill = async (directory: string): Promise<void> => {
  const log = await openEmbeddedLog({
    directory: join(directory, 'log'),
    keys: providePersonKeys(dataPathsOf(directory)),
    counts: PARTITIONS,
    writableTopics: INGEST_TOPICS,
    clock: systemClock,
  });
  await fillLog(log, PLAN);
  await log.close();
};

const copyOf = (from: string, to: string): string => {
  cpSync(from, to, { recursive: true });
  return to;
};

const run = async (directory: string, workers: number): Promise<Run> => {
  const { settings } = loadConfiguration({ environment: {}, flags: new Map() });
  const host = await startStreamHost(
    {
      logDirectory: join(directory, 'log'),
      keysDirectory: dataPathsOf(directory).keys,
      stateDirectory: join(directory, 'state'),
      artifactsDirectory: join(directory, 'artifacts'),
      counts: PARTITIONS,
      busName: directory,
      settings,
      workers,
    },
    (error) => {
      throw error;
    },
  );
  const [begun, cpuBefore] = [performance.now(), process.cpuUsage()];
  await host.caughtUp();
  const seconds = (performance.now() - begun) / 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  await host.stop();
  return { seconds, cores: (user + system) / 1_000_000 / seconds };
};
