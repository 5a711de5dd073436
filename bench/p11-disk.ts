/**
 * P11, the disk: events for many times what the limits keep, into the real program with its limits at a
 * quarter of their defaults. State is as large as people and items make it; what log and warehouse take at
 * their fullest must fit four times beside it into what is promised.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataPathsOf } from '../runtime/data-directory.ts';
import { allocatedBytesOf } from '../runtime/disk-usage.ts';
import { SETTINGS } from '../runtime/settings.ts';
import { seededRandom } from '../test/faults/seeded-random.ts';
import { runImport } from './import-process.ts';
import {
  EMPTY_INSTANCE,
  makeDataDirectory,
  removeDataDirectory,
  startInstanceProcess,
} from './instance-process.ts';
import type { Benchmark, BenchResult, Figure } from './result.ts';

const SEED = 19;
const SCALE = 4;
const FILES = 6;
const FILE_EVENTS = 200_000;
const PEOPLE = 5_000;
const ITEMS = 2_000;
const FIRST_EVENT = 1_700_000_000_000;
const LOOK_MS = 500;
const MIB = 1_024 ** 2;
/** What the defaults promise: two gigabytes. */
const PROMISED_BYTES = 2_000_000_000;
const OWNERS = ['log', 'state', 'warehouse'] as const;

type Owner = (typeof OWNERS)[number];
type Peaks = Record<Owner | 'all' | 'withoutState', number>;

export const diskGrowth: Benchmark = {
  id: 'P11-disk',
  title: 'The data directory while events come for many times its limits',
  async run(): Promise<BenchResult> {
    const directory = makeDataDirectory();
    const limits = (['logBytesMax', 'warehouseBytesMax'] as const).map((name) =>
      String(SETTINGS[name].default / SCALE),
    );
    const flags = ['--log-bytes-max', limits[0]!, '--warehouse-bytes-max', limits[1]!];
    const instance = await startInstanceProcess(directory, [...EMPTY_INSTANCE, ...flags]);
    const watch = watchPeaks(directory);
    try {
      const random = seededRandom(SEED);
      for (let number = 0; number < FILES; number += 1) {
        await importFile(directory, { number, random });
        await instance.caughtUp();
      }
      // Retention has its last look, and merged parts of the warehouse go.
      await sleep(75_000);
      const { counters } = await instance.system();
      return resultOf(watch.peaks, counters);
    } finally {
      watch.stop();
      await instance.stop();
      removeDataDirectory(directory);
    }
  },
};

const importFile = async (
  directory: string,
  given: { readonly number: number; readonly random: () => number },
): Promise<void> => {
  const { number, random } = given;
  const path = join(directory, '..', `freshet-bench-events-${process.pid}.csv`);
  const rows = Array.from({ length: FILE_EVENTS }, (_, at) => {
    const time = new Date(FIRST_EVENT + (number * FILE_EVENTS + at) * 10_000).toISOString();
    const skewed = (count: number): number => Math.floor(random() ** 2 * count);
    return `person-${skewed(PEOPLE)},item-${skewed(ITEMS)},${time}`;
  });
  writeFileSync(path, `user,item,date\n${rows.join('\n')}\n`);
  try {
    await runImport(path, directory);
  } finally {
    removeDataDirectory(path);
  }
};

/** Looks at the disk again and again; the most that each owner, and all together, took. */
const watchPeaks = (directory: string) => {
  const paths = dataPathsOf(directory);
  const peaks: Peaks = { log: 0, state: 0, warehouse: 0, all: 0, withoutState: 0 };
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const sizes = { log: 0, state: 0, warehouse: 0 };
      for (const owner of OWNERS) sizes[owner] = await allocatedBytesOf(paths[owner]);
      const all = await allocatedBytesOf(directory);
      const now: Peaks = { ...sizes, all, withoutState: all - sizes.state };
      for (const owner of [...OWNERS, 'all', 'withoutState'] as const) {
        peaks[owner] = Math.max(peaks[owner], now[owner]);
      }
      await sleep(LOOK_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  void run();
  return { peaks, stop: () => stopping.abort() };
};

const resultOf = (
  peaks: Peaks,
  counters: Readonly<Record<string, Readonly<Record<string, number>>>>,
): BenchResult => ({
  id: diskGrowth.id,
  title: diskGrowth.title,
  seed: SEED,
  figures: [
    {
      name: 'the whole data directory at its fullest, were the limits the defaults',
      value: (peaks.withoutState * SCALE + peaks.state) / MIB,
      unit: 'MiB',
      reach: { atMost: PROMISED_BYTES / MIB },
    },
    { name: 'the whole data directory at its fullest', value: peaks.all / MIB, unit: 'MiB' },
    ...OWNERS.map(
      (owner): Figure => ({
        name: `${owner} at its fullest`,
        value: peaks[owner] / MIB,
        unit: 'MiB',
      }),
    ),
    {
      name: 'records that retention removed',
      value: counters.retention?.removedRecords ?? 0,
      unit: '',
      reach: { atLeast: FILE_EVENTS },
    },
    {
      name: 'records that the warehouse had not copied by then',
      value: counters.warehouse?.lost ?? 0,
      unit: '',
      reach: { atMost: 0 },
    },
  ],
  notes: [
    `${(FILES * FILE_EVENTS).toLocaleString('en')} events of ${PEOPLE.toLocaleString('en')} people and ${ITEMS.toLocaleString('en')} items, imported as fast as they are taken, with the limits of log and warehouse at a quarter of their defaults; what is allocated on the disk, looked at twice a second.`,
    'State is not bounded by these limits but by people and items (P11); models are some megabytes a release.',
  ],
});
