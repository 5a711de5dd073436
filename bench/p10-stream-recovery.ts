/**
 * P10 and the stream's part of P11: how long it takes from an empty state to a million events
 * covered, and how many bytes a person and an item come to.
 */
import type { Benchmark, BenchResult } from './result.ts';
import { prepareReplay, type ReplayPlan, replayOnce, stateSizes } from './stream/replay-run.ts';

const PLAN: ReplayPlan = {
  seed: 10,
  events: 1_000_000,
  people: 20_000,
  items: 10_000,
  userPartitions: 4,
  itemPartitions: 4,
};
/** 2 s and the events at one and a half times P3's 50,000 a second. */
const SECONDS_MAX = 2 + PLAN.events / (1.5 * 50_000);
const BYTES_MAX = 2_048;

export const streamRecovery: Benchmark = {
  id: 'P10',
  title: 'Recovery with a million events behind the state, and the bytes of that state',
  async run(): Promise<BenchResult> {
    const replay = await prepareReplay(PLAN);
    try {
      const { wallMs } = await replayOnce(replay.deps);
      const sizes = await stateSizes(replay.deps);
      const bytes = (name: string, value: number) => ({ name, value, unit: 'B' });
      const reach = { atMost: BYTES_MAX };
      return {
        id: 'P10',
        title: streamRecovery.title,
        seed: PLAN.seed,
        figures: [
          {
            name: 'until everything is covered',
            value: wallMs / 1_000,
            unit: 's',
            reach: { atMost: SECONDS_MAX },
          },
          {
            ...bytes('of a person with full history and nothing evicted, most', sizes.fullBytesMax),
            reach,
          },
          bytes('of a person, mean', sizes.subjectBytesMean),
          bytes('of a person, most', sizes.subjectBytesMax),
          { ...bytes('of an item, mean', sizes.itemBytesMean), reach },
          { ...bytes('of an item, most', sizes.itemBytesMax), reach },
        ],
        notes: [
          `${PLAN.events} events of ${PLAN.people} people on ${PLAN.items} items.`,
          'Beyond 50 events a person also has evicted seen items and counts, 6 bytes each, capped.',
        ],
      };
    } finally {
      await replay.close();
    }
  },
};
