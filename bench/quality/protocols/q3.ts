/**
 * Q3: prequential (test, then learn) over MovieLens in time order. Positive is a rating of at least
 * 4; the first fifth warms up, then every event is ranked before it is learned: recall@10 and MRR.
 * Events of one person at one moment are all ranked before any is learned.
 *
 * The blend's weights and ISGD's settings (its best of six for each stream) were chosen on the
 * warm-up alone (`-- Q3 --validation`).
 */
import {
  bootstrapMean,
  type Clusters,
  pairedBootstrap,
} from '../../../algorithms/metrics/confidence.ts';
import { prequentialPlan } from '../../../algorithms/splits/prequential.ts';
import {
  ML_1M_FILE,
  ML_SMALL_FILE,
  type Ratings,
  readMovieLens1M,
  readMovieLensSmall,
} from '../datasets/movielens.ts';
import {
  onlineItemCosine,
  onlinePopularity,
  onlineRandom,
  onlineTransitions,
} from '../online/counting-models.ts';
import { type IncrementalSgdSettings, incrementalSgd } from '../online/incremental-sgd.ts';
import { clustersOf, PREQUENTIAL_METRICS as METRICS } from '../online/prequential-metrics.ts';
import { type OnlineEvent, runPrequential } from '../online/prequential-run.ts';
import { reSolvedEase } from '../online/re-solved-ease.ts';
import type { Comparison, ResultRow } from '../report.ts';
import type { Part, Protocol } from './protocol.ts';

const WARM_UP_SHARE = 0.2;
/** Solved again all day long, so at least as good as one that is solved each night. */
const BATCH_MODEL = 'EASE re-solved';

const BLENDS = [
  {
    name: 'blend',
    weights: { transitions: 3, 'item cosine': 0.5, 'EASE re-solved': 1 },
    coldStart: 'popularity',
  },
];

/** Positive events, users and items numbered anew. */
const positivesOf = ({ ratings }: Ratings): OnlineEvent[] => {
  const users = new Map<number, number>();
  const items = new Map<number, number>();
  const indexOf = (known: Map<number, number>, id: number): number => {
    if (!known.has(id)) known.set(id, known.size);
    return known.get(id)!;
  };
  return ratings
    .filter(({ value }) => value >= 4)
    .map(({ user, item, time }) => ({
      user: indexOf(users, user),
      item: indexOf(items, item),
      time,
    }));
};

interface Stream {
  readonly name: string;
  read(): Promise<Ratings>;
  readonly refreshEvents: number;
  readonly refreshShare: number;
  readonly sgd: IncrementalSgdSettings;
}

const measure = async (
  { name, read, refreshEvents, refreshShare, sgd }: Stream,
  part: Part,
): Promise<{ rows: ResultRow[]; remarks: string[]; comparisons: Comparison[] }> => {
  const all = positivesOf(await read());
  const size = {
    userCount: all.reduce((most, { user }) => Math.max(most, user), 0) + 1,
    itemCount: all.reduce((most, { item }) => Math.max(most, item), 0) + 1,
  };
  // Settings are chosen on the warm-up alone: its last four fifths are tested then.
  const events = part === 'test' ? all : prequentialPlan(all, WARM_UP_SHARE).warmUp;
  const plan = prequentialPlan(events, WARM_UP_SHARE);
  const models = [
    onlineRandom(1),
    onlinePopularity(size),
    incrementalSgd(size, sgd),
    onlineItemCosine(size),
    onlineTransitions(size),
    reSolvedEase(size),
  ];
  const run = await runPrequential({
    plan,
    size,
    models,
    blends: BLENDS,
    refreshEvents,
    refreshShare,
  });
  const clusters = (model: string, metric: string): Clusters =>
    clustersOf(run, run.ranks.get(model)!.map(METRICS[metric]!));
  const rowOf = (model: string, settings: ResultRow['settings']): ResultRow => ({
    model: `${name}: ${model}`,
    settings,
    metrics: Object.fromEntries(
      Object.keys(METRICS).map((metric) => [metric, bootstrapMean(clusters(model, metric))!]),
    ),
    seed: typeof settings?.seed === 'number' ? settings.seed : null,
    fitSeconds: 0,
    scoreSeconds: run.spentSeconds.get(model)!,
    modelBytes: 0,
  });
  const rows = [
    ...models.map((model) => rowOf(model.name, model.settings)),
    ...BLENDS.map((blend) => {
      const parts = Object.keys(blend.weights).map((part) => `${name}: ${part}`);
      return rowOf(blend.name, { ...blend, parts });
    }),
  ];
  const recallOf = (model: string): number =>
    rows.find((row) => row.model === `${name}: ${model}`)!.metrics['recall@10']!.mean;
  const ratio = (other: string): string => (recallOf('blend') / recallOf(other)).toFixed(2);
  return {
    rows,
    remarks: [
      `${name}: ${plan.warmUp.length} events warm up, ${run.users.length} are ranked (${run.unknownItems} of items never seen before, missed by all); EASE solved ${run.refreshes} times.`,
      `${name}: blend = ${ratio('ISGD')} × ISGD, ${ratio('popularity')} × popularity, ${ratio(BATCH_MODEL)} × the batch model alone (recall@10).`,
    ],
    comparisons: Object.keys(METRICS).flatMap((metric) => {
      const parts = Object.keys(BLENDS[0]!.weights);
      const meanOf = (model: string): number =>
        rows.find((row) => row.model === `${name}: ${model}`)!.metrics[metric]!.mean;
      const best = parts.toSorted((a, b) => meanOf(b) - meanOf(a))[0]!;
      return [...new Set([best, BATCH_MODEL])].map((against) => ({
        of: `${name}: blend`,
        against: `${name}: ${against}`,
        metric,
        difference: pairedBootstrap(clusters('blend', metric), clusters(against, metric))!,
      }));
    }),
  };
};

const STREAMS: readonly Stream[] = [
  {
    name: 'latest-small',
    read: readMovieLensSmall,
    refreshEvents: 300,
    refreshShare: 0,
    sgd: { rate: 0.1, deviation: 0.1 },
  },
  {
    name: 'ml-1m',
    read: readMovieLens1M,
    // More people than items, so a solve takes long: again after each tenth more.
    refreshEvents: 300,
    refreshShare: 0.1,
    sgd: { rate: 0.05, deviation: 0.02 },
  },
];

export const q3: Protocol = {
  id: 'Q3',
  title: 'prequential over MovieLens latest-small and 1M',
  file: ML_SMALL_FILE,
  alsoNeeds: [ML_1M_FILE],
  async run(part) {
    const results = [];
    for (const stream of STREAMS) {
      const result = await measure(stream, part);
      // The second stream takes many minutes: what is known is said at once.
      for (const remark of result.remarks) console.error(`  ${remark}`);
      results.push(result);
    }
    return {
      remarks: ['Intervals by user.', ...results.flatMap(({ remarks }) => remarks)],
      rows: results.flatMap(({ rows }) => rows),
      comparisons: results.flatMap(({ comparisons }) => comparisons),
    };
  },
};
