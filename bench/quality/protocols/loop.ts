/**
 * The learning loop: what is counted with every event, alone; the models of the night on the histories
 * of the night, alone; and both, the models of the night on what people have done until now, beside
 * the counts. Prequential as Q3: every positive event is ranked among all known unseen items before it
 * is learned. On MovieLens, whose years are compressed, a night falls after each tenth more of the
 * events; on the simulated audience, whose tastes drift and whose fashions come and go, at each
 * midnight, and plots show how lists age during the day. Beside them: items' vectors that follow the
 * day's events, people alike, and what would be lost without EASE.
 *
 * `-- LOOP` runs every stream, `-- LOOP-AUDIENCE` that one; each has a result of its own. The blends'
 * weights were chosen on the warm-up alone (`-- LOOP --validation`).
 */
import {
  bootstrapMean,
  type Clusters,
  pairedBootstrap,
} from '../../../algorithms/metrics/confidence.ts';
import { prequentialPlan } from '../../../algorithms/splits/prequential.ts';
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
import { type OnlineBlend, runPrequential } from '../online/prequential-run.ts';
import { pulledTaste } from '../online/pulled-taste.ts';
import type { ResultRow } from '../report.ts';
import { drawTheDay } from './loop-day.ts';
import { type LoopStream, type LoopWeights, STREAMS } from './loop-streams.ts';
import type { Part, Protocol } from './protocol.ts';

const WARM_UP_SHARE = 0.2;
const EASE_REGULARISATION = 60;
const SEED = 1;

const ONLINE = 'online alone';
const NIGHTLY = 'nightly alone';
const BOTH = 'both';
const MOVED = 'taste, items online';
const BOTH_MOVED = 'both, items online';
const BOTH_PEOPLE = 'both and people';
/** The best of four on the audience's warm-up; on that of latest-small none of them gained. */
const PEOPLE = 0.25;
const BOTH_WITHOUT_EASE = 'both without EASE';

const COMPARED = [
  [BOTH, ONLINE],
  [BOTH, NIGHTLY],
  [MOVED, 'taste'],
  [BOTH_MOVED, BOTH],
  [BOTH_PEOPLE, BOTH],
  [BOTH, BOTH_WITHOUT_EASE],
] as const;

const ofTheNightNames = (weights: LoopWeights): Record<string, number> =>
  Object.fromEntries(
    Object.entries(weights).map(([name, weight]) => [`${name} of the night`, weight]),
  );

const blendsOf = ({ weights }: LoopStream): readonly OnlineBlend[] => {
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
  ];
};

/** Tried on the warm-up. */
const TRIED: readonly LoopWeights[] = [0.5, 1, 3].flatMap((transitions) =>
  [0.5, 1, 2].flatMap((cosine) =>
    [0.5, 1, 2].flatMap((taste) =>
      [0.5, 1].map((EASE) => ({ transitions, 'item cosine': cosine, EASE, taste })),
    ),
  ),
);

/** Beside what was chosen; minutes of fitting, and on the audience's warm-up none of them gains. */
const TRIED_NEXT_ITEM = [0.25, 0.5, 1, 2];

const triedBlends = ({ weights: chosen, triesNextItem }: LoopStream): readonly OnlineBlend[] => [
  ...TRIED.map((weights) => ({
    name: `both ${Object.values(weights).join(' ')}`,
    weights: { ...weights },
    coldStart: 'popularity',
  })),
  ...(triesNextItem ? TRIED_NEXT_ITEM : []).map((weight) => ({
    name: `both and next-item ${weight}`,
    weights: { ...chosen, 'next-item': weight },
    coldStart: 'popularity',
  })),
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
    ...(part === 'validation' && stream.triesNextItem ? [nightlyNextItem(size, engine).live] : []),
  ];
  const nights =
    'share' in stream.nights
      ? { refreshEvents: 300, refreshShare: stream.nights.share }
      : { refreshEvents: 0, refreshShare: 0, refreshEvery: stream.nights.everyMs };
  const blends = [...blendsOf(stream), ...(part === 'validation' ? triedBlends(stream) : [])];
  const run = await runPrequential({ plan, size, models, blends, ...nights });
  if (part === 'test' && 'everyMs' in stream.nights) {
    drawTheDay([BOTH, ONLINE, NIGHTLY], run, plan, stream.nights.everyMs);
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
  const comparisons = Object.keys(METRICS).flatMap((metric) =>
    COMPARED.map(([of, against]) => ({
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

const loopOn = (stream: LoopStream): Protocol => ({
  id: `LOOP-${stream.name.toUpperCase()}`,
  title: `the learning loop on ${stream.title}: online alone, nightly alone, both`,
  ...(stream.file === undefined ? {} : { file: stream.file }),
  run: (part) => measure(stream, part),
});

export const loops: readonly Protocol[] = STREAMS.map(loopOn);
