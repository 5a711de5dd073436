/**
 * The learning loop: what is counted with every event, alone; the models of the night on the histories
 * of the night, alone; and both, the models of the night on what people have done until now, beside
 * the counts. Prequential as Q3: every positive event is ranked among all known unseen items before it
 * is learned. On MovieLens, whose years are compressed, a night falls after each tenth more of the
 * events; on the simulated audience, whose tastes drift and whose fashions come and go, at each
 * midnight, and a plot shows how lists age during the day.
 *
 * The blends' weights were chosen on the warm-up alone (`-- LOOP --validation`).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  bootstrapMean,
  type Clusters,
  pairedBootstrap,
} from '../../../algorithms/metrics/confidence.ts';
import { hitAtRank } from '../../../algorithms/metrics/ranking.ts';
import { prequentialPlan } from '../../../algorithms/splits/prequential.ts';
import { audienceWorld } from '../../../ingest/audience/audience-world.ts';
import { DEFAULT_AUDIENCE_OPTIONS } from '../../../ingest/audience/options.ts';
import { withReleases } from '../../../ingest/audience/releases.ts';
import { historyOf } from '../../../ingest/audience/simulate-history.ts';
import { loadDemoCatalogue } from '../../../ingest/demo/demo-catalogue.ts';
import { epochMs } from '../../../schemas/ids.ts';
import { lineChartSvg } from '../../line-chart.ts';
import {
  ML_1M_FILE,
  ML_SMALL_FILE,
  type Ratings,
  readMovieLens1M,
  readMovieLensSmall,
} from '../datasets/movielens.ts';
import { engine } from '../engine.ts';
import {
  onlineItemCosine,
  onlinePopularity,
  onlineTransitions,
} from '../online/counting-models.ts';
import { type IncrementalSgdSettings, incrementalSgd } from '../online/incremental-sgd.ts';
import { nightlyEase, nightlyTaste, ofTheNight } from '../online/nightly-models.ts';
import { clustersOf, PREQUENTIAL_METRICS as METRICS } from '../online/prequential-metrics.ts';
import {
  type OnlineBlend,
  type OnlineEvent,
  type OnlineRun,
  runPrequential,
} from '../online/prequential-run.ts';
import type { Comparison, ResultRow } from '../report.ts';
import type { Part, Protocol } from './protocol.ts';

const WARM_UP_SHARE = 0.2;
const EASE_REGULARISATION = 60;
const SEED = 1;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const ONLINE = 'online alone';
const NIGHTLY = 'nightly alone';
const BOTH = 'both';

/** Weights of z-scores: of what is counted, and of what is solved at night. */
interface Weights {
  readonly transitions: number;
  readonly 'item cosine': number;
  readonly EASE: number;
  readonly taste: number;
}

const ofTheNightNames = (weights: Weights): Record<string, number> =>
  Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => [`${name} of the night`, weight]),
  );

const blendsOf = (weights: Weights): readonly OnlineBlend[] => {
  const { transitions, 'item cosine': cosine } = weights;
  return [
    { name: ONLINE, weights: { transitions, 'item cosine': cosine }, coldStart: 'popularity' },
    { name: NIGHTLY, weights: ofTheNightNames(weights), coldStart: 'popularity of the night' },
    { name: BOTH, weights: { ...weights }, coldStart: 'popularity' },
  ];
};

/** Tried on the warm-up. */
const TRIED: readonly Weights[] = [0.5, 1, 3].flatMap((transitions) =>
  [0.5, 1, 2].flatMap((cosine) =>
    [0.5, 1, 2].flatMap((taste) =>
      [0.5, 1].map((EASE) => ({ transitions, 'item cosine': cosine, EASE, taste })),
    ),
  ),
);

const triedBlends = (): readonly OnlineBlend[] =>
  TRIED.map((weights) => ({
    name: `both ${Object.values(weights).join(' ')}`,
    weights: { ...weights },
    coldStart: 'popularity',
  }));

interface LoopStream {
  readonly name: string;
  events(): Promise<OnlineEvent[]>;
  readonly nights: { readonly share: number } | { readonly everyMs: number };
  readonly sgd: IncrementalSgdSettings;
  readonly weights: Weights;
}

const numbered = (): ((id: number | string) => number) => {
  const known = new Map<number | string, number>();
  return (id) => {
    const place = known.get(id) ?? known.size;
    known.set(id, place);
    return place;
  };
};

const likedOf = ({ ratings }: Ratings): OnlineEvent[] => {
  const [userOf, itemOf] = [numbered(), numbered()];
  return ratings
    .filter(({ value }) => value >= 4)
    .map(({ user, item, time }) => ({ user: userOf(user), item: itemOf(item), time }));
};

const AUDIENCE_ENDS_AT = epochMs(Date.UTC(2026, 0, 15, 18));

/** The first time that each person of the simulated audience took each film. */
const takenByAudience = (): OnlineEvent[] => {
  const endsAt = AUDIENCE_ENDS_AT;
  const catalogue = withReleases(loadDemoCatalogue(), { ...DEFAULT_AUDIENCE_OPTIONS, endsAt });
  const world = audienceWorld({ catalogue, endsAt });
  const [userOf, itemOf] = [numbered(), numbered()];
  const taken = new Set<string>();
  const events: OnlineEvent[] = [];
  for (const { userId, itemId, kind, value, occurredAt } of historyOf(world, AUDIENCE_ENDS_AT)) {
    const isChosen = kind === 'rating' ? (value ?? 0) >= 4 : kind === 'watch' || kind === 'like';
    const pair = `${userId} ${itemId}`;
    if (!isChosen || taken.has(pair)) continue;
    taken.add(pair);
    events.push({ user: userOf(userId), item: itemOf(itemId), time: occurredAt });
  }
  return events;
};

const STREAMS: readonly LoopStream[] = [
  {
    name: 'audience',
    events: async () => takenByAudience(),
    nights: { everyMs: DAY_MS },
    sgd: { rate: 0.05, deviation: 0.02 },
    weights: { transitions: 0.5, 'item cosine': 0.5, EASE: 0.5, taste: 2 },
  },
  {
    name: 'latest-small',
    events: async () => likedOf(await readMovieLensSmall()),
    nights: { share: 0.1 },
    sgd: { rate: 0.1, deviation: 0.1 },
    weights: { transitions: 3, 'item cosine': 0.5, EASE: 1, taste: 1 },
  },
  {
    name: 'ml-1m',
    events: async () => likedOf(await readMovieLens1M()),
    nights: { share: 0.1 },
    sgd: { rate: 0.05, deviation: 0.02 },
    weights: { transitions: 3, 'item cosine': 0.5, EASE: 0.5, taste: 0.5 },
  },
];

interface Measured {
  readonly rows: readonly ResultRow[];
  readonly remarks: readonly string[];
  readonly comparisons: readonly Comparison[];
}

const measure = async (stream: LoopStream, part: Part): Promise<Measured> => {
  const all = await stream.events();
  const size = {
    userCount: all.reduce((most, { user }) => Math.max(most, user), 0) + 1,
    itemCount: all.reduce((most, { item }) => Math.max(most, item), 0) + 1,
  };
  const events = part === 'test' ? all : prequentialPlan(all, WARM_UP_SHARE).warmUp;
  const plan = prequentialPlan(events, WARM_UP_SHARE);
  const taste = nightlyTaste(size, engine);
  const ease = nightlyEase(size, engine, EASE_REGULARISATION);
  const models = [
    onlinePopularity(size),
    ofTheNight(onlinePopularity(size)),
    incrementalSgd(size, stream.sgd),
    onlineTransitions(size),
    onlineItemCosine(size),
    ofTheNight(onlineTransitions(size)),
    ofTheNight(onlineItemCosine(size)),
    taste.live,
    taste.frozen,
    ease.live,
    ease.frozen,
  ];
  const nights =
    'share' in stream.nights
      ? { refreshEvents: 300, refreshShare: stream.nights.share }
      : { refreshEvents: 0, refreshShare: 0, refreshEvery: stream.nights.everyMs };
  const blends = [...blendsOf(stream.weights), ...(part === 'validation' ? triedBlends() : [])];
  const run = await runPrequential({ plan, size, models, blends, ...nights });
  if (part === 'test' && 'everyMs' in stream.nights) {
    drawTheDay(
      run,
      plan.steps.flatMap((step) => step.map(({ time }) => time)),
    );
  }
  const clusters = (model: string, metric: string): Clusters =>
    clustersOf(run, run.ranks.get(model)!.map(METRICS[metric]!));
  const names = [...models.map(({ name }) => name), ...blends.map(({ name }) => name)];
  const settingsOf = new Map<string, Readonly<Record<string, unknown>>>([
    ...models.map(({ name, settings }) => [name, settings] as const),
    ...blends.map((blend) => [blend.name, { ...blend }] as const),
  ]);
  const rows = names.map(
    (name): ResultRow => ({
      model: `${stream.name}: ${name}`,
      settings: settingsOf.get(name)!,
      metrics: Object.fromEntries(
        Object.keys(METRICS).map((metric) => [metric, bootstrapMean(clusters(name, metric))!]),
      ),
      seed: SEED,
      fitSeconds: 0,
      scoreSeconds: run.spentSeconds.get(name)!,
      modelBytes: 0,
    }),
  );
  const comparisons = Object.keys(METRICS).flatMap((metric) =>
    [ONLINE, NIGHTLY].map((against) => ({
      of: `${stream.name}: ${BOTH}`,
      against: `${stream.name}: ${against}`,
      metric,
      difference: pairedBootstrap(clusters(BOTH, metric), clusters(against, metric))!,
    })),
  );
  return {
    rows,
    comparisons,
    remarks: [
      `${stream.name}: ${plan.warmUp.length} events warm up, ${run.users.length} are ranked (${run.unknownItems} of items never met before, missed by all), ${run.refreshes} nights.`,
    ],
  };
};

const HOURS = 24;

/** Recall by the hours since the night, as a plot for the docs. */
const drawTheDay = ({ ranks }: OnlineRun, times: readonly number[]): void => {
  const series = [BOTH, ONLINE, NIGHTLY].map((name) => {
    const hits = new Float64Array(HOURS);
    const counts = new Float64Array(HOURS);
    ranks.get(name)!.forEach((rank, place) => {
      const hour = Math.floor((times[place]! % DAY_MS) / HOUR_MS);
      hits[hour]! += hitAtRank(rank, 10);
      counts[hour]! += 1;
    });
    const points = Array.from(hits, (sum, hour) => [hour, sum / counts[hour]!] as const).filter(
      ([hour]) => counts[hour]! >= EVENTS_PER_POINT,
    );
    return { name, points };
  });
  const directory = join(import.meta.dirname, '../../../docs/images');
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, 'learning-loop-day.svg'),
    lineChartSvg({
      title: 'Lists during the day',
      xLabel: 'hours since the nightly training',
      yLabel: 'recall@10',
      series,
    }),
  );
};

/** Fewer events than this in an hour make no point. */
const EVENTS_PER_POINT = 200;

export const loop: Protocol = {
  id: 'LOOP',
  title: 'the learning loop: online alone, nightly alone, both',
  file: ML_SMALL_FILE,
  alsoNeeds: [ML_1M_FILE],
  async run(part) {
    const results: Measured[] = [];
    for (const stream of STREAMS) {
      const result = await measure(stream, part);
      for (const row of result.rows) {
        console.error(`  ${row.model} ${row.metrics['recall@10']?.mean.toFixed(4)}`);
      }
      results.push(result);
    }
    return {
      remarks: ['Intervals by user.', ...results.flatMap(({ remarks }) => remarks)],
      rows: results.flatMap(({ rows }) => rows),
      comparisons: results.flatMap(({ comparisons }) => comparisons),
    };
  },
};
