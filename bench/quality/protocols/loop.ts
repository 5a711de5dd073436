/**
 * The learning loop: what is counted with every event, alone; the models of the night on the histories
 * of the night, alone; and both, the models of the night on what people have done until now, beside
 * the counts. Prequential as Q3: every positive event is ranked among all known unseen items before it
 * is learned. On MovieLens, whose years are compressed, a night falls after each tenth more of the
 * events; on the simulated audience, whose tastes drift and whose fashions come and go, at each
 * midnight, and plots show how lists age during the day. Beside them: items' vectors that follow the
 * day's events, people alike, the next-item model, and what would be lost without EASE.
 *
 * `-- LOOP` runs every stream, `-- LOOP-AUDIENCE` that one; each has a result of its own. The blends'
 * weights were chosen on the warm-up alone (`-- LOOP --validation`).
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
import { lineChartSvg } from '../../line-chart.ts';
import { engine } from '../engine.ts';
import {
  onlineItemCosine,
  onlinePopularity,
  onlineTransitions,
} from '../online/counting-models.ts';
import { incrementalSgd } from '../online/incremental-sgd.ts';
import {
  nightlyEase,
  nightlyNextItem,
  nightlyTaste,
  ofTheNight,
} from '../online/nightly-models.ts';
import { onlinePeople } from '../online/people-model.ts';
import { clustersOf, PREQUENTIAL_METRICS as METRICS } from '../online/prequential-metrics.ts';
import { type OnlineBlend, type OnlineRun, runPrequential } from '../online/prequential-run.ts';
import { pulledTaste } from '../online/pulled-taste.ts';
import type { ResultRow } from '../report.ts';
import { DAY_MS, type LoopStream, type LoopWeights, STREAMS } from './loop-streams.ts';
import type { Part, Protocol } from './protocol.ts';

const WARM_UP_SHARE = 0.2;
const EASE_REGULARISATION = 60;
const SEED = 1;
const HOUR_MS = 3_600_000;

const ONLINE = 'online alone';
const NIGHTLY = 'nightly alone';
const BOTH = 'both';
const MOVED = 'taste, items online';
const BOTH_MOVED = 'both, items online';
const BOTH_PEOPLE = 'both and people';
/** The best of four on the audience's warm-up; on that of latest-small none of them gained. */
const PEOPLE = 0.25;
const BOTH_WITHOUT_EASE = 'both without EASE';

const BOTH_NEXT = 'both and next-item';

const COMPARED = [
  [BOTH, ONLINE],
  [BOTH, NIGHTLY],
  [MOVED, 'taste'],
  [BOTH_MOVED, BOTH],
  [BOTH_PEOPLE, BOTH],
  [BOTH_NEXT, BOTH],
  [BOTH, BOTH_WITHOUT_EASE],
] as const;

const ofTheNightNames = (weights: LoopWeights): Record<string, number> =>
  Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => [`${name} of the night`, weight]),
  );

const blendsOf = ({ weights, nextItem }: LoopStream): readonly OnlineBlend[] => {
  const { transitions, 'item cosine': cosine } = weights;
  const { taste, ...others } = weights;
  const { EASE: _, ...withoutEase } = weights;
  const coldStart = 'popularity';
  return [
    { name: ONLINE, weights: { transitions, 'item cosine': cosine }, coldStart },
    { name: NIGHTLY, weights: ofTheNightNames(weights), coldStart: 'popularity of the night' },
    { name: BOTH, weights: { ...weights }, coldStart },
    { name: BOTH_MOVED, weights: { ...others, [MOVED]: taste }, coldStart },
    { name: BOTH_PEOPLE, weights: { ...weights, people: PEOPLE }, coldStart },
    { name: BOTH_WITHOUT_EASE, weights: withoutEase, coldStart },
    ...(nextItem === undefined ? [] : [withNextItem(BOTH_NEXT, weights, nextItem)]),
  ];
};

const withNextItem = (name: string, weights: LoopWeights, nextItem: number): OnlineBlend => ({
  name,
  weights: { ...weights, 'next-item': nextItem },
  coldStart: 'popularity',
});

/** Tried on the warm-up. */
const TRIED: readonly LoopWeights[] = [0.5, 1, 3].flatMap((transitions) =>
  [0.5, 1, 2].flatMap((cosine) =>
    [0.5, 1, 2].flatMap((taste) =>
      [0.5, 1].map((EASE) => ({ transitions, 'item cosine': cosine, EASE, taste })),
    ),
  ),
);

const TRIED_NEXT_ITEM = [0.25, 0.5, 1, 2];

const triedBlends = ({ weights: chosen, nextItem }: LoopStream): readonly OnlineBlend[] => [
  ...TRIED.map((weights) => ({
    name: `both ${Object.values(weights).join(' ')}`,
    weights: { ...weights },
    coldStart: 'popularity',
  })),
  ...(nextItem === undefined ? [] : TRIED_NEXT_ITEM).map((weight) =>
    withNextItem(`both and next-item ${weight}`, chosen, weight),
  ),
];

type Measured = Awaited<ReturnType<Protocol['run']>>;

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
    pulledTaste(taste.model, engine),
    onlinePeople(),
    ease.live,
    ease.frozen,
    ...(stream.nextItem === undefined ? [] : [nightlyNextItem(size, engine).live]),
  ];
  const nights =
    'share' in stream.nights
      ? { refreshEvents: 300, refreshShare: stream.nights.share }
      : { refreshEvents: 0, refreshShare: 0, refreshEvery: stream.nights.everyMs };
  const blends = [...blendsOf(stream), ...(part === 'validation' ? triedBlends(stream) : [])];
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
      model: name,
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
  const compared = COMPARED.filter(([of]) => names.includes(of));
  const comparisons = Object.keys(METRICS).flatMap((metric) =>
    compared.map(([of, against]) => ({
      of,
      against,
      metric,
      difference: pairedBootstrap(clusters(of, metric), clusters(against, metric))!,
    })),
  );
  return {
    rows,
    comparisons,
    remarks: [
      'Intervals by user.',
      `${plan.warmUp.length} events warm up, ${run.users.length} are ranked (${run.unknownItems} of items never met before, missed by all), ${run.refreshes} nights.`,
    ],
  };
};

const HOURS = 24;

/** Recall by the hours since the night, as plots for the docs. */
const drawTheDay = (run: OnlineRun, times: readonly number[]): void => {
  const hourOf = (place: number): number => Math.floor((times[place]! % DAY_MS) / HOUR_MS);
  const pointsOf = (name: string) => recallByHour(run.ranks.get(name)!, hourOf);
  const directory = join(import.meta.dirname, '../../../docs/images');
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, 'learning-loop-day.svg'),
    lineChartSvg({
      title: 'Lists during the day',
      xLabel: 'hours since the nightly training',
      yLabel: 'recall@10',
      series: [BOTH, ONLINE, NIGHTLY].map((name) => ({ name, points: pointsOf(name) })),
    }),
  );
};

/** Fewer events than this in an hour make no point. */
const EVENTS_PER_POINT = 200;

const recallByHour = (
  ranks: Float64Array,
  hourOf: (place: number) => number,
): (readonly [number, number])[] => {
  const hits = new Float64Array(HOURS);
  const counts = new Float64Array(HOURS);
  ranks.forEach((rank, place) => {
    hits[hourOf(place)]! += hitAtRank(rank, 10);
    counts[hourOf(place)]! += 1;
  });
  return Array.from(hits, (sum, hour) => [hour, sum / counts[hour]!] as const).filter(
    ([hour]) => counts[hour]! >= EVENTS_PER_POINT,
  );
};

const loopOn = (stream: LoopStream): Protocol => ({
  id: `LOOP-${stream.name.toUpperCase()}`,
  title: `the learning loop on ${stream.title}: online alone, nightly alone, both`,
  ...(stream.file === undefined ? {} : { file: stream.file }),
  run: (part) => measure(stream, part),
});

export const loops: readonly Protocol[] = STREAMS.map(loopOn);
