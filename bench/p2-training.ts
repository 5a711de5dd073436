/**
 * P2's probes while lists go by a release: calm, while the next training runs in its own process, and with
 * items whose vectors follow what people do. The same load beside each, so compare the rows of one run.
 * What was trained on is learnable; the load beside the probes is not, so the second training is ended.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../algorithms/random/seeded-random.ts';
import type { ModelsAnswer } from '../schemas/api/models.ts';
import type { FreshnessResult } from './freshness-probe.ts';
import {
  EMPTY_INSTANCE,
  type InstanceProcess,
  makeDataDirectory,
  postCatalogue,
  removeDataDirectory,
  startInstanceProcess,
} from './instance-process.ts';
import { runIngestLoad } from './machine-base.ts';
import { runProgram } from './program.ts';
import type { Benchmark, BenchResult, Figure } from './result.ts';

const SEED = 21;
const ITEMS = 2_000;
/** People who like items of one of so many kinds, so that there is something to learn. */
const TASTES = { people: 1_500, kinds: 20, each: 30 } as const;
const BATCH = 100;
const PROBE = { rate: 20, seconds: 8, people: 40 };
const BACKGROUND = { rate: 500, batch: 10, connections: 32, items: ITEMS, users: 10_000 };
const LOOK_MS = 250;
const TRAINING_LIMIT_MS = 300_000;
const DAY_MS = 86_400_000;

interface Measured {
  readonly probed: FreshnessResult;
  readonly eventsPerSecond: number;
  /** Of the main thread, for each event. */
  readonly mainThreadUs: number;
  /** Share of the time in which a training ran. */
  readonly trainedShare: number;
}

export const freshnessBesideTraining: Benchmark = {
  id: 'P2-training',
  title: 'Event to changed list, embedded, with a release, beside a training',
  async run(): Promise<BenchResult> {
    const directory = makeDataDirectory();
    try {
      const [calm, training] = await withInstance(directory, [], async (instance) => {
        await postCatalogue(instance, ITEMS);
        await postTastes(instance);
        await instance.caughtUp();
        await train(instance);
        const before = await measure(instance);
        const beside = await measure(instance, { trains: true });
        await instance.post('/v1/models/all/cancel', {});
        return [before, beside] as const;
      });
      const following = await withInstance(
        directory,
        ['--items-follow-people'],
        async (instance) => {
          // After a restart the log is read again from the training on, which is not what is measured.
          await measure(instance);
          return measure(instance);
        },
      );
      return {
        id: 'P2-training',
        title: freshnessBesideTraining.title,
        seed: SEED,
        figures: [
          ...figuresOf('with a release', calm),
          ...figuresOf('while a training runs', training, true),
          {
            name: 'share of that time in which it ran',
            value: training.trainedShare,
            unit: '',
            reach: { atLeast: 0.9 },
          },
          ...figuresOf('items following people', following),
          {
            name: 'main thread, an event, with items following people ÷ without',
            value: following.mainThreadUs / calm.mainThreadUs,
            unit: '×',
            isRatio: true,
          },
        ],
        notes: [
          `${PROBE.seconds} s each of ${PROBE.rate} probes a second, half pushed, half read in a loop; ${ITEMS} items`,
        ],
      };
    } finally {
      removeDataDirectory(directory);
    }
  },
};

const withInstance = async <Result>(
  directory: string,
  args: readonly string[],
  work: (instance: InstanceProcess) => Promise<Result>,
): Promise<Result> => {
  const instance = await startInstanceProcess(directory, [...EMPTY_INSTANCE, ...args]);
  try {
    return await work(instance);
  } finally {
    await instance.stop();
  }
};

let rounds = 0;

const measure = async (
  instance: InstanceProcess,
  { trains = false }: { readonly trains?: boolean } = {},
): Promise<Measured> => {
  const { port } = instance;
  const load = { ...BACKGROUND, port, seed: SEED + rounds++, seconds: PROBE.seconds + 2 };
  await instance.caughtUp();
  const before = instance.use();
  const probing = runProgram<FreshnessResult>('bench/freshness-probe.ts', { ...PROBE, port });
  let isOver = false;
  const watching = trains ? trainUntil(instance, () => isOver) : Promise.resolve(0);
  const [loaded, probed] = await Promise.all([runIngestLoad(load), probing]);
  isOver = true;
  const trainedShare = await watching;
  await instance.caughtUp();
  const mainThreadMs = (instance.use()?.mainThreadMs ?? 0) - (before?.mainThreadMs ?? 0);
  return {
    probed,
    eventsPerSecond: loaded.events / loaded.seconds,
    mainThreadUs: (1_000 * mainThreadMs) / loaded.events,
    trainedShare,
  };
};

/** Trains, again where one ended before it is over; the share of looks that found one running. */
const trainUntil = async (instance: InstanceProcess, isOver: () => boolean): Promise<number> => {
  let looks = 0;
  let running = 0;
  await instance.post('/v1/models/all/train', {});
  while (!isOver()) {
    const { training } = await instance.get<ModelsAnswer>('/v1/models');
    looks++;
    if (training === null) await instance.post('/v1/models/all/train', {});
    else running++;
    await sleep(LOOK_MS);
  }
  return running / Math.max(1, looks);
};

/** Until there is a release in use. */
const train = async (instance: InstanceProcess): Promise<void> => {
  await instance.post('/v1/models/all/train', {});
  const until = performance.now() + TRAINING_LIMIT_MS;
  while (performance.now() < until) {
    const { training, inUse, runs } = await instance.get<ModelsAnswer>('/v1/models');
    if (training === null && inUse !== null) return;
    if (training === null) {
      throw new Error(`Expected a release in use, got ${JSON.stringify(runs[0]?.reasons)}.`);
    }
    await sleep(LOOK_MS);
  }
  throw new Error(`Expected the training to end within ${TRAINING_LIMIT_MS} ms.`);
};

/** Each person likes what is of their kind, over the last days. */
const postTastes = async (instance: InstanceProcess): Promise<void> => {
  const random = seededRandom(SEED);
  const events: object[] = [];
  const now = Date.now();
  for (let person = 0; person < TASTES.people; person++) {
    for (let at = 0; at < TASTES.each; at++) {
      const item = (person % TASTES.kinds) + TASTES.kinds * random.below(ITEMS / TASTES.kinds);
      const occurredAt = new Date(now - 5 * DAY_MS * random.next()).toISOString();
      events.push({ userId: `taste-${person}`, itemId: `item-${item}`, kind: 'like', occurredAt });
    }
  }
  for (let from = 0; from < events.length; from += BATCH) {
    await instance.post('/v1/events', { events: events.slice(from, from + BATCH) });
  }
};

const figuresOf = (name: string, measured: Measured, hasTarget = false): readonly Figure[] => {
  const { probed, eventsPerSecond, mainThreadUs } = measured;
  const times = (['pushed', 'read'] as const).flatMap((way) =>
    (['p50', 'p99'] as const).map(
      (quantile): Figure => ({
        name: `${name}: ${way}, ${quantile}`,
        value: probed[way][quantile],
        unit: 'ms',
        ...(hasTarget ? { reach: { atMost: quantile === 'p50' ? 5 : 25 } } : {}),
      }),
    ),
  );
  return [
    ...times,
    { name: `${name}: events beside it`, value: eventsPerSecond, unit: 'events/s' },
    { name: `${name}: main thread, an event`, value: mainThreadUs, unit: 'µs' },
    {
      name: `${name}: changes that did not come within 5 s`,
      value: probed.unanswered,
      unit: '',
      reach: { atMost: 0 },
    },
  ];
};
