/**
 * Lists of tested people, made by each source alone and by the blend, held against what the people
 * chose later. All contenders answer for the same people; half of the tested people choose the
 * blend's weights and are asked about nothing else.
 */
import {
  type BlendRecipe,
  blend,
  blendFeatures,
  DEFAULT_FLOOR,
} from '../algorithms/blend/blend.ts';
import { type ChoiceExample, fitBlendWeights } from '../algorithms/blend/blend-weights.ts';
import {
  EMPTY_LIST,
  type SourceList,
  topList,
  topLogits,
} from '../algorithms/blend/source-list.ts';
import type { History } from '../algorithms/histories/histories.ts';
import { bootstrapMean } from '../algorithms/metrics/confidence.ts';
import { hitRate, ndcg } from '../algorithms/metrics/ranking.ts';
import { type FitContext, pause } from '../algorithms/model/fit-context.ts';
import type { ItemModel } from '../algorithms/model/item-model.ts';
import type { HoldOutScore } from '../schemas/release.ts';
import { sequenceHistory, weightedHistory } from './histories/training-histories.ts';
import type { HoldOut, TestedPerson } from './hold-out.ts';
import type { HoldOutOptions } from './options.ts';

/** A model as a source of candidates. */
export interface TestedSource {
  readonly part: string;
  readonly view: 'weighted' | 'sequences';
  readonly model: Pick<ItemModel, 'itemCount' | 'score'>;
  /** Whether its scores are logits, of either sign, and not amounts. */
  readonly isLogit: boolean;
}

/** The lists of one person, one a source, and what they chose. */
export interface TestedLists {
  readonly lists: readonly SourceList[];
  readonly targets: ReadonlySet<number>;
}

/** What the sum of all parts is called among the scores. */
export const BLEND = 'blend';
/** What a source proposes in a test: the depth that lists are made from. */
const PROPOSED = 200;
const BLEND_ITERATIONS = 50;
/** Held to 1 as if so many examples said so. */
const BLEND_SHRINKAGE = 20;
const PEOPLE_PER_TURN = 16;

/** One entry a person, in the order of `people`. */
export const listsOf = async (
  sources: readonly TestedSource[],
  { view }: HoldOut,
  people: readonly TestedPerson[],
  context: FitContext,
): Promise<readonly TestedLists[]> => {
  const found: TestedLists[] = [];
  for (const [place, { person, targets }] of people.entries()) {
    if (place % PEOPLE_PER_TURN === 0) await pause(context, place / people.length);
    const histories = {
      weighted: weightedHistory(view, person),
      sequences: sequenceHistory(view, person),
    };
    const isLeftOut = new Uint8Array(view.history.itemIds.length);
    for (const item of histories.weighted.items) isLeftOut[item] = 1;
    const lists = sources.map((source) => proposal(source, histories[source.view], isLeftOut));
    found.push({ lists, targets });
  }
  return found;
};

const proposal = (
  { model, isLogit }: TestedSource,
  history: History,
  isLeftOut: Uint8Array,
): SourceList => {
  if (history.items.length === 0) return EMPTY_LIST;
  const scores = new Float64Array(model.itemCount);
  model.score(history, scores);
  const best = isLogit ? topLogits : topList;
  return best(scores, { limit: PROPOSED, isLeftOut });
};

/** The weight of each source, from what people took of what was proposed to them. */
export const fitWeights = async (
  parts: readonly string[],
  tested: readonly TestedLists[],
  context: FitContext,
): Promise<ReadonlyMap<string, number>> => {
  const recipe = recipeOfWeights(parts, new Map());
  const examples = tested.flatMap(({ lists, targets }) => exampleOf(recipe, lists, targets) ?? []);
  const { weights } = await fitBlendWeights(
    examples,
    {
      shrinkage: BLEND_SHRINKAGE,
      previous: parts.map(() => 1),
      iterations: BLEND_ITERATIONS,
    },
    context,
  );
  return new Map(parts.map((part, index) => [part, weights[index]!]));
};

/** A list at which the person took something; undefined where nothing that they took was proposed. */
const exampleOf = (
  recipe: BlendRecipe,
  lists: readonly SourceList[],
  targets: ReadonlySet<number>,
): ChoiceExample | undefined => {
  const { items, parts } = blendFeatures(recipe, lists);
  const taken = items.findIndex((item) => targets.has(item));
  return taken < 0 ? undefined : { features: parts, taken };
};

const recipeOfWeights = (
  parts: readonly string[],
  weights: ReadonlyMap<string, number>,
): BlendRecipe =>
  parts.map((name) => ({ name, weight: weights.get(name) ?? 1, floor: DEFAULT_FLOOR }));

/** How each source and the blend did. */
export const scoresOf = (
  parts: readonly string[],
  weights: ReadonlyMap<string, number>,
  tested: readonly TestedLists[],
  options: HoldOutOptions,
): readonly HoldOutScore[] => [
  ...parts.map((part, index) =>
    scoreOf(
      part,
      tested.map(({ lists, targets }) => ({ items: lists[index]!.items, targets })),
      options,
    ),
  ),
  blendScore(BLEND, parts, weights, tested, options),
];

export const blendScore = (
  name: string,
  parts: readonly string[],
  weights: ReadonlyMap<string, number>,
  tested: readonly TestedLists[],
  options: HoldOutOptions,
): HoldOutScore => {
  const recipe = recipeOfWeights(parts, weights);
  const ranked = tested.map(({ lists, targets }) => {
    const { items, scores } = blend(recipe, lists);
    const order = Uint32Array.from(items, (_, place) => place).sort(
      (one, other) => scores[other]! - scores[one]! || items[one]! - items[other]!,
    );
    return { items: order.map((place) => items[place]!), targets };
  });
  return scoreOf(name, ranked, options);
};

const scoreOf = (
  name: string,
  ranked: readonly { readonly items: Uint32Array; readonly targets: ReadonlySet<number> }[],
  { listLength }: HoldOutOptions,
): HoldOutScore => {
  const hits = ranked.map(({ items, targets }) => hitRate(items, targets, listLength) ?? 0);
  const gains = ranked.map(({ items, targets }) => ndcg(items, targets, listLength) ?? 0);
  const hit = bootstrapMean({ sums: hits, counts: null });
  const gain = bootstrapMean({ sums: gains, counts: null });
  return {
    name,
    hitRate: hit?.mean ?? 0,
    ndcg: gain?.mean ?? 0,
    ndcgMargin: gain ? (gain.high - gain.low) / 2 : 0,
  };
};
