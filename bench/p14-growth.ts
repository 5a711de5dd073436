/**
 * P14: what an event costs the stream as people and items grow, each person with a history and each item
 * with a full list of neighbours before the measured events come; and what further stream workers bring.
 */
import { lineChartSvg } from './line-chart.ts';
import type { Benchmark, BenchResult, Figure } from './result.ts';
import { populateState } from './stream/populated-state.ts';
import { prepareReplay, replayWarm } from './stream/replay-run.ts';
import { measureWorkers, type WorkerTimes, workerFigures, workersNote } from './stream-workers.ts';

const SEED = 14;
const EVENTS = 240_000;
/** The first events find cold caches; what is measured comes after them. */
const WARM_SHARE = 1 / 3;
const HISTORY = 20;
const NEIGHBOURS = 48;
/** Hundreds of people for each ten items, and at the end the items alone. */
const CURVE = [
  { people: 10_000, items: 1_000 },
  { people: 50_000, items: 5_000 },
  { people: 200_000, items: 20_000 },
  { people: 1_000_000, items: 100_000 },
] as const;
const MANY_ITEMS = { people: 10_000, items: 100_000 } as const;
const FIRST_EVENT = 1_755_000_000_000;
const GROWTH_MAX = 1.6;

interface Point {
  readonly people: number;
  readonly items: number;
}

/** Microseconds of processor time an event. */
interface PointCost extends Point {
  readonly warm: number;
  readonly whole: number;
}

export const growth: Benchmark = {
  id: 'P14',
  title: 'Growth: the cost of an event as people and items grow, and more stream workers',
  async run(): Promise<BenchResult> {
    // The first one pays for compiling: it is thrown away.
    await costAt(CURVE[0]);
    const costs: PointCost[] = [];
    for (const point of CURVE) costs.push(await costAt(point));
    const manyItems = await costAt(MANY_ITEMS);
    const times = await measureWorkers();
    return {
      id: 'P14',
      title: growth.title,
      seed: SEED,
      figures: [...growthFigures(costs, manyItems), ...workerFigures(times)],
      notes: [
        `growth: processor time of the whole process over ${EVENTS} events in 4 + 4 partitions, after each person had ${HISTORY} events and each item ${NEIGHBOURS} neighbours; the first third of the events fills the caches.`,
        workersNote,
      ],
      drawings: {
        'stream-growth.svg': growthChart(costs),
        'stream-workers.svg': workersChart(times),
      },
    };
  },
};

const growthFigures = (costs: readonly PointCost[], manyItems: PointCost): Figure[] => {
  const [fewest, most] = [costs[0]!, costs.at(-1)!];
  return [
    ...[...costs, manyItems].map(
      ({ people, items, warm }): Figure => ({
        name: `${people.toLocaleString('en')} people, ${items.toLocaleString('en')} items`,
        value: warm,
        unit: 'µs/event',
      }),
    ),
    {
      name: 'most people and items ÷ fewest',
      value: most.warm / fewest.warm,
      unit: '×',
      reach: { atMost: GROWTH_MAX },
      isRatio: true,
    },
    {
      name: 'the same, from the first event on cold caches',
      value: most.whole / fewest.whole,
      unit: '×',
      isRatio: true,
    },
  ];
};

const growthChart = (costs: readonly PointCost[]): string =>
  lineChartSvg({
    title: 'What an event costs the stream',
    xLabel: 'people (items: a tenth of them)',
    yLabel: 'µs of processor time',
    isLogarithmic: true,
    series: [
      { name: 'caches filled', points: costs.map(({ people, warm }) => [people, warm] as const) },
      {
        name: 'with the start on cold caches',
        points: costs.map(({ people, whole }) => [people, whole] as const),
      },
    ],
  });

const workersChart = ({ live, rebuild }: WorkerTimes): string =>
  lineChartSvg({
    title: 'Stream workers and the time they take',
    xLabel: 'stream workers',
    yLabel: 'seconds',
    series: [
      { name: 'live, appending what follows', points: secondsOf(live) },
      { name: 'rebuild', points: secondsOf(rebuild) },
    ],
  });

const secondsOf = (runs: WorkerTimes['live']): readonly (readonly [number, number])[] =>
  [...runs].map(([workers, { seconds }]) => [workers, seconds] as const);

const costAt = async ({ people, items }: Point): Promise<PointCost> => {
  const plan = { seed: SEED, events: EVENTS, people, items, userPartitions: 4, itemPartitions: 4 };
  const { deps, close } = await prepareReplay(plan, (eventLog, stateStore) =>
    populateState(eventLog, stateStore, {
      ...plan,
      historyEvents: HISTORY,
      neighbours: NEIGHBOURS,
      now: FIRST_EVENT,
    }),
  );
  try {
    const { whole, warm, warmEvents } = await replayWarm(deps, {
      events: EVENTS,
      warmShare: WARM_SHARE,
    });
    return {
      people,
      items,
      warm: (1_000 * warm.cpuMs) / warmEvents,
      whole: (1_000 * whole.cpuMs) / EVENTS,
    };
  } finally {
    await close();
  }
};
