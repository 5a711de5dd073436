/**
 * The blend: how the sources' proposals become one score whose parts can be shown.
 *
 *   p_m(i)    = raw score ÷ sum of raw scores over the source's own list, before any filter
 *   part_m(i) = w_m · log(1 + p_m(i) ÷ ε_m)            0 where the source does not list the item
 *   score(i)  = part_1(i) + part_2(i) + …              by definition, in f64, in this order
 *
 * A log pool: a source that is sure counts, one that spreads its belief hardly does, and none can
 * veto. With w_m ≥ 0 no part is below 0, so a reason is a share of the whole. What an event of the
 * history gives to a part is its share of the source's raw score.
 */
import { AlgorithmError } from '../model/algorithm-error.ts';
import { checkNonNegative, checkPositive } from '../model/option-checks.ts';
import { checkSourceList, type SourceList } from './source-list.ts';

export interface BlendSource {
  readonly name: string;
  readonly weight: number;
  /** ε: the share from which a source's belief starts to count. */
  readonly floor: number;
}

/** Sources in the order in which their parts are added. */
export type BlendRecipe = readonly BlendSource[];

/** One over the length of a full list: an item of average rank gets log 2. */
export const DEFAULT_FLOOR = 1 / 500;

export interface BlendedCandidates {
  /** The union of the lists: sources in order, each in its own order. */
  readonly items: Uint32Array;
  readonly scores: Float64Array;
  /** Candidate after candidate, a column for each source. */
  readonly parts: Float64Array;
}

export const checkRecipe = (recipe: BlendRecipe): void => {
  for (const { name, weight, floor } of recipe) {
    checkNonNegative(`weight of ${name}`, weight);
    checkPositive(`floor of ${name}`, floor);
  }
};

/** log(1 + p ÷ ε) for every candidate of the union and every source: what the weights multiply. */
export const blendFeatures = (
  recipe: BlendRecipe,
  lists: readonly SourceList[],
): Pick<BlendedCandidates, 'items' | 'parts'> => {
  if (lists.length !== recipe.length) {
    throw new AlgorithmError('bad_data', {
      what: 'the number of lists',
      expected: `${recipe.length}, one a source`,
      got: lists.length,
    });
  }
  const placeOf = new Map<number, number>();
  for (const list of lists) {
    checkSourceList(list);
    for (const item of list.items) if (!placeOf.has(item)) placeOf.set(item, placeOf.size);
  }
  const parts = new Float64Array(placeOf.size * recipe.length);
  lists.forEach(({ items, scores }, source) => {
    const total = scores.reduce((sum, score) => sum + score, 0);
    if (total === 0) return;
    const { floor } = recipe[source]!;
    items.forEach((item, k) => {
      parts[placeOf.get(item)! * recipe.length + source] = Math.log1p(scores[k]! / total / floor);
    });
  });
  return { items: Uint32Array.from(placeOf.keys()), parts };
};

export const blend = (recipe: BlendRecipe, lists: readonly SourceList[]): BlendedCandidates => {
  checkRecipe(recipe);
  const { items, parts } = blendFeatures(recipe, lists);
  const scores = new Float64Array(items.length);
  for (let candidate = 0; candidate < items.length; candidate++) {
    for (let source = 0; source < recipe.length; source++) {
      parts[candidate * recipe.length + source]! *= recipe[source]!.weight;
    }
    scores[candidate] = sumOfParts(partsOf({ parts }, recipe, candidate));
  }
  return { items, scores, parts };
};

export const partsOf = (
  { parts }: Pick<BlendedCandidates, 'parts'>,
  recipe: BlendRecipe,
  candidate: number,
): Float64Array => parts.subarray(candidate * recipe.length, (candidate + 1) * recipe.length);

/** The order of the addition is part of the definition: other orders differ in the last bits. */
export const sumOfParts = (parts: ArrayLike<number>): number => {
  let sum = 0;
  for (let source = 0; source < parts.length; source++) sum += parts[source]!;
  return sum;
};

/**
 * What each event of the history gives to a part, by its share of the source's raw score for that
 * item. Events that spoke against the item give nothing: a reason says why it is there.
 */
export const shareOfEvents = (part: number, rawByEvent: Float64Array): Float64Array => {
  const total = rawByEvent.reduce((sum, raw) => sum + Math.max(raw, 0), 0);
  return rawByEvent.map((raw) => (total > 0 ? (part * Math.max(raw, 0)) / total : 0));
};
