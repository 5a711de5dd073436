/**
 * P3, P10 and P11: what a replay of the whole stream path costs, how long recovery takes, and how
 * many bytes a person and an item are. The events are synthetic and seeded; the log and the state
 * are LMDB in a temporary directory.
 */
import type { Benchmark, BenchResult } from './result.ts';
import { prepareReplay, type ReplayPlan, replayOnce, stateSizes } from './stream/replay-run.ts';

const PLAN: ReplayPlan = {
  seed: 20_260_101,
  events: 400_000,
  people: 20_000,
  items: 10_000,
  userPartitions: 4,
  itemPartitions: 4,
};
const RECOVERY_EVENTS = 1_000_000;
const REPETITIONS = 3;
const EVENTS_PER_SECOND = 50_000;

const replayCost = async (): Promise<BenchResult> => {
  const perCore: number[] = [];
  const perSecond: number[] = [];
  let sizes = { subjectBytesMean: 0, subjectBytesMax: 0, itemBytesMean: 0, itemBytesMax: 0 };
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const replay = await prepareReplay(PLAN);
    const { cpuMs, wallMs } = await replayOnce(replay.deps);
    perCore.push((PLAN.events / cpuMs) * 1000);
    perSecond.push((PLAN.events / wallMs) * 1000);
    sizes = await stateSizes(replay.deps);
    await replay.close();
  }
  return {
    id: 'P3',
    title: 'Replay of the whole stream path: decode to state, signals and items, on LMDB',
    seed: PLAN.seed,
    figures: [
      {
        name: 'events per second of CPU time, all threads',
        value: median(perCore),
        unit: '1/s',
        reach: { atLeast: EVENTS_PER_SECOND },
        spread: [Math.min(...perCore), Math.max(...perCore)],
      },
      {
        name: 'events per second of wall time, one thread',
        value: median(perSecond),
        unit: '1/s',
        spread: [Math.min(...perSecond), Math.max(...perSecond)],
      },
      { name: 'bytes of a person, mean', value: sizes.subjectBytesMean, unit: 'B' },
      { name: 'bytes of a person, most', value: sizes.subjectBytesMax, unit: 'B' },
      {
        name: 'bytes of an item, mean',
        value: sizes.itemBytesMean,
        unit: 'B',
        reach: { atMost: 2_048 },
      },
      {
        name: 'bytes of an item, most',
        value: sizes.itemBytesMax,
        unit: 'B',
        reach: { atMost: 2_048 },
      },
    ],
    notes: [
      `${PLAN.events} events of ${PLAN.people} people on ${PLAN.items} items, 1 % repeated, 0.5 % late.`,
      'The people with most bytes have thousands of events: seen items and counts beside the history.',
    ],
  };
};

const recovery = async (): Promise<BenchResult> => {
  const replay = await prepareReplay({ ...PLAN, events: RECOVERY_EVENTS });
  const { wallMs } = await replayOnce(replay.deps);
  await replay.close();
  return {
    id: 'P10',
    title: 'Recovery with a million events behind the last state',
    seed: PLAN.seed,
    figures: [
      {
        name: 'seconds until everything is covered',
        value: wallMs / 1000,
        unit: 's',
        reach: { atMost: 2 + RECOVERY_EVENTS / (1.5 * EVENTS_PER_SECOND) },
      },
    ],
  };
};

const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)]!;

export const STREAM_BENCHMARKS: readonly Benchmark[] = [
  { id: 'P3', title: 'Replay of the whole stream path', run: replayCost },
  { id: 'P10', title: 'Recovery with a million events behind', run: recovery },
];
