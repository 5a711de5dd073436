/**
 * How long MovieLens takes into the real, running program: until everything is acknowledged, until lists
 * go by it and until the warehouse has it; and that a second time adds nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { runImport } from './import-process.ts';
import {
  EMPTY_INSTANCE,
  type InstanceProcess,
  makeDataDirectory,
  recordsBehind,
  removeDataDirectory,
  startInstanceProcess,
} from './instance-process.ts';
import { absenceOf, dataFile, isPresent } from './quality/datasets/location.ts';
import type { Benchmark, BenchResult, Figure } from './result.ts';

const LOOK_MS = 20;

/** What each archive must come to. */
const ARCHIVES = [
  { name: 'ml-latest-small', events: 100_836 },
  { name: 'ml-1m', events: 1_000_209 },
] as const;

export const imports: Benchmark = {
  id: 'import',
  title: 'MovieLens imported into the running program, embedded',
  async run(size): Promise<BenchResult> {
    const figures: Figure[] = [];
    const notes: string[] = [];
    for (const archive of size === 'small' ? ARCHIVES.slice(0, 1) : ARCHIVES) {
      const file = `${archive.name}.zip`;
      if (isPresent(file)) figures.push(...(await figuresOf(archive)));
      else notes.push(absenceOf(file, 'its import'));
    }
    return { id: imports.id, title: imports.title, figures, notes };
  },
};

const figuresOf = async ({ name, events }: (typeof ARCHIVES)[number]): Promise<Figure[]> => {
  const directory = makeDataDirectory();
  const instance = await startInstanceProcess(directory, EMPTY_INSTANCE);
  try {
    const begunMs = performance.now();
    await runImport(dataFile(`${name}.zip`), directory);
    const acknowledgedS = secondsSince(begunMs);
    await untilInLists(instance);
    const listsS = secondsSince(begunMs);
    const warehouseS = ((await instance.caughtUp()) - begunMs) / 1_000;
    const accepted = await acceptedBy(instance);
    const againMs = performance.now();
    await runImport(dataFile(`${name}.zip`), directory);
    await untilInLists(instance);
    const againS = secondsSince(againMs);
    const s = 's';
    return [
      {
        name: `${name}: events taken in`,
        value: accepted,
        unit: '',
        reach: { atLeast: events },
      },
      { name: `${name}: until all was acknowledged as durable`, value: acknowledgedS, unit: s },
      { name: `${name}: until lists went by all of it`, value: listsS, unit: s },
      { name: `${name}: until the warehouse had it`, value: warehouseS, unit: s },
      { name: `${name}: in lists, a second`, value: events / listsS, unit: 'events/s' },
      { name: `${name}: the same once more`, value: againS, unit: s },
      {
        name: `${name}: events that the second time added`,
        value: (await acceptedBy(instance)) - accepted,
        unit: '',
        reach: { atMost: 0 },
      },
    ];
  } finally {
    await instance.stop();
    removeDataDirectory(directory);
  }
};

const secondsSince = (begunMs: number): number => (performance.now() - begunMs) / 1_000;

const acceptedBy = async (instance: InstanceProcess): Promise<number> =>
  (await instance.system()).counters.interactions?.accepted ?? 0;

const untilInLists = async (instance: InstanceProcess): Promise<void> => {
  while (recordsBehind(await instance.system()).stream > 0) await sleep(LOOK_MS);
};
