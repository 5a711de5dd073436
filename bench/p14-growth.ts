/**
 * P14: what an event costs the stream as people and items grow, each person with a history and each item
 * with a full list of neighbours before the measured events come.
 */
import type { Benchmark, BenchResult, Figure } from './result.ts';
import { populateState } from './stream/populated-state.ts';
import { prepareReplay, replayOnce } from './stream/replay-run.ts';

const SEED = 14;
const EVENTS = 120_000;
const HISTORY = 20;
const NEIGHBOURS = 48;
const POINTS = [
  { people: 10_000, items: 1_000 },
  { people: 10_000, items: 100_000 },
  { people: 100_000, items: 10_000 },
  { people: 1_000_000, items: 100_000 },
] as const;
const FIRST_EVENT = 1_755_000_000_000;
const GROWTH_MAX = 1.6;

export const growth: Benchmark = {
  id: 'P14',
  title: 'Cost per event as people and items grow, embedded',
  async run(): Promise<BenchResult> {
    const costs: number[] = [];
    // The first one pays for compiling: it is thrown away.
    await costAt(POINTS[0]);
    for (const point of POINTS) costs.push(await costAt(point));
    const figures = POINTS.map(
      ({ people, items }, at): Figure => ({
        name: `${people.toLocaleString('en')} people, ${items.toLocaleString('en')} items`,
        value: costs[at]!,
        unit: 'µs/event',
      }),
    );
    return {
      id: 'P14',
      title: growth.title,
      seed: SEED,
      figures: [
        ...figures,
        {
          name: 'most people and items ÷ fewest',
          value: costs.at(-1)! / costs[0]!,
          unit: '×',
          reach: { atMost: GROWTH_MAX },
          isRatio: true,
        },
      ],
      notes: [
        `processor time of the whole process over ${EVENTS} events, after each person had ${HISTORY} and each item ${NEIGHBOURS} neighbours;`,
        'not yet measured: 8 partitions on 2 stream workers, which the runtime does not start yet.',
      ],
    };
  },
};

const costAt = async ({ people, items }: (typeof POINTS)[number]): Promise<number> => {
  const plan = {
    seed: SEED,
    events: EVENTS,
    people,
    items,
    userPartitions: 4,
    itemPartitions: 4,
  };
  const { deps, close } = await prepareReplay(plan, (eventLog, stateStore) =>
    populateState(eventLog, stateStore, {
      ...plan,
      historyEvents: HISTORY,
      neighbours: NEIGHBOURS,
      now: FIRST_EVENT,
    }),
  );
  try {
    const { cpuMs } = await replayOnce(deps);
    return (1_000 * cpuMs) / EVENTS;
  } finally {
    await close();
  }
};
