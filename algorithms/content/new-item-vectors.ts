/**
 * A vector for an item that the trained factors do not know, as a function of what is known of it
 * now: what it is about, and whom it has been met together with so far. With c̄ the mean of the
 * factors of the items that are most alike in content, weighted by likeness to the power `sharpness`,
 *
 *   v = (τ · c̄ + Σⱼ nⱼ · hⱼ) ÷ (τ + Σⱼ nⱼ)
 *
 * so content counts like τ pairs and gives way as pairs come in. An item without any known
 * neighbour of either sort has no vector: it is left to trends and exploration.
 *
 * Caveat: content says what an item is like, not how good it is; the mean of many vectors is shorter
 * than each, which keeps a new item modest until people have met it.
 */
import type { ItemFactors } from '../factors/fold-in.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';
import { checkCount, checkNonNegative, checkPositive } from '../model/option-checks.ts';

export interface KnownFactors extends Pick<ItemFactors, 'itemCount' | 'factors'> {
  readonly options: Pick<ItemFactors['options'], 'dimensions'>;
}

/** A known item and how near it is: a likeness of content, or a (decayed) count of pairs. */
export interface KnownNeighbour {
  readonly item: number;
  readonly weight: number;
}

export interface NewItemEvidence {
  readonly alike: readonly KnownNeighbour[];
  readonly together: readonly KnownNeighbour[];
}

export interface NewItemOptions {
  /** How many of the most alike count. */
  readonly alikeMax: number;
  /** Power of the likeness: above 1 the nearest say more. */
  readonly sharpness: number;
  /** How many pairs the content is worth. */
  readonly contentPairs: number;
}

/** Chosen on the films that `npm run quality -- new-items --validation` takes out; docs/models.md. */
export const DEFAULT_NEW_ITEM_OPTIONS: NewItemOptions = {
  alikeMax: 20,
  sharpness: 2,
  contentPairs: 100,
};

const checkOptions = (options: NewItemOptions): void => {
  checkCount('alikeMax', options.alikeMax);
  checkNonNegative('sharpness', options.sharpness);
  checkPositive('contentPairs', options.contentPairs);
};

/** undefined where no known item is near. */
export const newItemVector = (
  known: KnownFactors,
  evidence: NewItemEvidence,
  options: NewItemOptions = DEFAULT_NEW_ITEM_OPTIONS,
): Float64Array | undefined => {
  checkOptions(options);
  const nearest = strongest(evidence.alike, options.alikeMax);
  const content = new Float64Array(known.options.dimensions);
  const contentWeight = addWeighted(content, known, nearest, options.sharpness);
  const vector = new Float64Array(known.options.dimensions);
  const pairWeight = addWeighted(vector, known, evidence.together, 1);
  if (contentWeight === 0 && pairWeight === 0) return undefined;
  const trust = contentWeight > 0 ? options.contentPairs : 0;
  for (let at = 0; at < vector.length; at++) {
    const mean = contentWeight > 0 ? content[at]! / contentWeight : 0;
    vector[at] = (trust * mean + vector[at]!) / (trust + pairWeight);
  }
  return vector;
};

const strongest = (
  neighbours: readonly KnownNeighbour[],
  count: number,
): readonly KnownNeighbour[] =>
  [...neighbours].sort((a, b) => b.weight - a.weight || a.item - b.item).slice(0, count);

/** Adds Σ weightᵖ · factors to the sum and answers Σ weightᵖ. */
const addWeighted = (
  sum: Float64Array,
  { itemCount, factors, options: { dimensions } }: KnownFactors,
  neighbours: readonly KnownNeighbour[],
  power: number,
): number => {
  let total = 0;
  for (const { item, weight } of neighbours) {
    if (!(Number.isInteger(item) && item >= 0 && item < itemCount)) {
      throw new AlgorithmError('bad_data', {
        what: 'a neighbour',
        expected: `a known item below ${itemCount}`,
        got: item,
      });
    }
    if (!(Number.isFinite(weight) && weight >= 0)) {
      throw new AlgorithmError('bad_data', {
        what: 'the weight of a neighbour',
        expected: 'a finite number of at least 0',
        got: weight,
      });
    }
    const share = weight === 0 ? 0 : weight ** power;
    total += share;
    const start = item * dimensions;
    for (let at = 0; at < dimensions; at++) sum[at]! += share * factors[start + at]!;
  }
  return total;
};
