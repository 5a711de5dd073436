/**
 * A thousand dashboards of which a hundred never read: the others must be told soon of what happens, and
 * what waits for who does not read must stay small. The same without those that never read, in the same
 * run, tells what they cost.
 */
import type { DashboardsResult } from './dashboards-load.ts';
import {
  EMPTY_INSTANCE,
  type InstanceProcess,
  makeDataDirectory,
  postCatalogue,
  removeDataDirectory,
  startInstanceProcess,
} from './instance-process.ts';
import { runProgram } from './program.ts';
import type { Benchmark, BenchResult, BenchSize, Figure } from './result.ts';

const ITEMS = 2_000;
const READING = 900;
const STUCK = 100;
const MIB = 1_024 ** 2;
const SECONDS: Readonly<Record<BenchSize, number>> = { full: 60, small: 8 };

export const dashboards: Benchmark = {
  id: 'dashboards',
  title: 'A thousand dashboards of which a hundred never read',
  async run(size: BenchSize): Promise<BenchResult> {
    const directory = makeDataDirectory();
    const flags = [...EMPTY_INSTANCE, '--trusted-proxies', 'loopback'];
    const instance = await startInstanceProcess(directory, flags);
    try {
      await postCatalogue(instance, ITEMS);
      return {
        id: dashboards.id,
        title: dashboards.title,
        figures: await measure(instance, SECONDS[size]),
        notes: [
          'Ten deeds a second of ninety people, each told to ten pages; every page also watches how the instance is doing.',
        ],
      };
    } finally {
      await instance.stop();
      removeDataDirectory(directory);
    }
  },
};

const measure = async (instance: InstanceProcess, seconds: number): Promise<readonly Figure[]> => {
  const watched = async (stuck: number) => {
    let residentBytes = 0;
    const looking = setInterval(() => {
      residentBytes = Math.max(residentBytes, instance.use()?.residentBytes ?? 0);
    }, 500);
    const options = { port: instance.port, reading: READING, stuck, seconds };
    const result = await runProgram<DashboardsResult>('bench/dashboards-load.ts', options);
    clearInterval(looking);
    const { liveCoalesced = 0, liveEnded = 0 } = (await instance.system()).counters.serving ?? {};
    return { ...result, residentBytes, liveCoalesced, liveEnded };
  };
  // The first run warms the program up as well.
  await watched(0);
  const without = await watched(0);
  const having = await watched(STUCK);
  return [
    { name: 'without: told, p50', value: without.toldMs.p50, unit: 'ms' },
    { name: 'without: told, p99', value: without.toldMs.p99, unit: 'ms' },
    { name: 'with: told, p50', value: having.toldMs.p50, unit: 'ms' },
    { name: 'with: told, p99', value: having.toldMs.p99, unit: 'ms', reach: { atMost: 250 } },
    {
      name: 'with ÷ without: told, p99',
      value: having.toldMs.p99 / without.toldMs.p99,
      unit: '×',
      isRatio: true,
    },
    {
      name: 'pages that were not told within 5 s',
      value: without.untold + having.untold,
      unit: '',
      reach: { atMost: 0 },
    },
    { name: 'of pages', value: without.due + having.due, unit: '' },
    { name: 'closed by the server', value: having.closed, unit: 'pages', reach: { atMost: 0 } },
    {
      name: 'diffs merged for those that never read',
      value: having.liveCoalesced - without.liveCoalesced,
      unit: '',
      reach: { atLeast: 1 },
    },
    {
      name: 'memory for each that never reads',
      value: Math.max(0, having.residentBytes - without.residentBytes) / STUCK / MIB,
      unit: 'MiB',
      reach: { atMost: 1 },
    },
  ];
};
