/**
 * P12: the first minute. The program is started as `npm start` starts it, on an empty directory, until a
 * new person's list has come and moved because of one event; then, the audience turned off, what it uses
 * while nobody asks for anything, the warehouse's process included.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ListAnswer } from '../schemas/api/lists.ts';
import {
  type InstanceProcess,
  makeDataDirectory,
  removeDataDirectory,
  startInstanceProcess,
  WITHOUT_TRAINING,
} from './instance-process.ts';
import type { Benchmark, BenchResult, Figure } from './result.ts';

const IDLE_SECONDS = 20;
const SETTLING_SECONDS = 5;
const LIMIT_MS = 120_000;

export const firstMinute: Benchmark = {
  id: 'P12',
  title: 'The first minute: to moving lists, and idle',
  async run(): Promise<BenchResult> {
    const directory = makeDataDirectory();
    try {
      const figures = [...(await movingFigures(directory)), ...(await idleFigures(directory))];
      return {
        id: 'P12',
        title: firstMinute.title,
        figures,
        notes: [
          'installed; the program, the demo films and six weeks of 200,000 events through log and stream included.',
        ],
      };
    } finally {
      removeDataDirectory(directory);
    }
  },
};

const movingFigures = async (directory: string): Promise<readonly Figure[]> => {
  const begun = performance.now();
  const seconds = (): number => (performance.now() - begun) / 1_000;
  const instance = await startInstanceProcess(directory, []);
  try {
    const before = await untilListed(instance);
    const listed = seconds();
    const [first] = before.items;
    const event = { userId: PERSON, itemId: first!.itemId, kind: 'rating', value: 5 };
    await instance.post('/v1/events', event);
    while ((await listOf(instance)).items.some(({ itemId }) => itemId === first!.itemId)) {
      if (seconds() > LIMIT_MS / 1_000) throw new Error('Expected the list to move.');
      await sleep(1);
    }
    const moved = seconds();
    return [
      { name: 'until a personal list was there', value: listed, unit: 's' },
      {
        name: 'until one event had moved it',
        value: moved,
        unit: 's',
        reach: { atMost: 10 },
      },
    ];
  } finally {
    await instance.stop();
  }
};

const PERSON = 'bench-person';

const listOf = (instance: InstanceProcess): Promise<ListAnswer> =>
  instance.get<ListAnswer>(`/v1/users/${PERSON}/recommendations`);

/** With the demo's whole history behind it, not the first films that happen to be there. */
const untilListed = async (instance: InstanceProcess): Promise<ListAnswer> => {
  const until = performance.now() + LIMIT_MS;
  while (performance.now() < until) {
    const { counters } = await instance.system();
    const isLoaded = (counters.interactions?.received ?? 0) >= DEMO_EVENTS_MIN;
    const list = await listOf(instance);
    if (isLoaded && list.items.length > 0) return list;
    await sleep(20);
  }
  throw new Error('Expected the demo to be there.');
};

const DEMO_EVENTS_MIN = 150_000;

const idleFigures = async (directory: string): Promise<readonly Figure[]> => {
  const instance = await startInstanceProcess(directory, [
    '--audience-per-second',
    '0',
    ...WITHOUT_TRAINING,
  ]);
  try {
    await instance.caughtUp();
    await sleep(SETTLING_SECONDS * 1_000);
    const before = instance.use();
    await sleep(IDLE_SECONDS * 1_000);
    const after = instance.use();
    if (before === undefined || after === undefined) return [];
    return [
      {
        name: 'idle, share of a core',
        value: (after.cpuMs - before.cpuMs) / (IDLE_SECONDS * 10),
        unit: '%',
        reach: { atMost: 5 },
      },
      { name: 'idle, resident', value: after.residentBytes / 1_024 ** 2, unit: 'MiB' },
    ];
  } finally {
    await instance.stop();
  }
};
