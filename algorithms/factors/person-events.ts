/**
 * A person's deeds as a fold-in takes them: what speaks for an item, newest first, then what speaks
 * against one, newest first. Whoever solves a person's vector comes here, and so gets the same bits.
 */
import { keepStrongerSide } from '../histories/taste-weights.ts';

export interface PersonEvents {
  readonly items: Uint32Array;
  /** Below 0 for what speaks against. */
  readonly weights: Float64Array;
  readonly positiveCount: number;
}

export interface PersonEventLimits {
  readonly positives: number;
  readonly negatives: number;
}

/** No item of the model. */
export const UNKNOWN_ITEM = -1;

/**
 * `places` tells items apart, also those that the model does not know; `items` are the model's numbers
 * for them or UNKNOWN_ITEM. Both, and `weights`, are oldest first.
 */
export const personEventsOf = (
  given: {
    readonly places: ArrayLike<number>;
    readonly items: ArrayLike<number>;
    readonly weights: Float64Array;
  },
  limits: PersonEventLimits,
): PersonEvents => {
  const { places, items } = given;
  const weights = given.weights.slice();
  keepStrongerSide(places, weights);
  const positives = newestOf(items, weights, { sign: 1, max: limits.positives });
  const negatives = newestOf(items, weights, { sign: -1, max: limits.negatives });
  const known = [...positives, ...negatives];
  return {
    items: Uint32Array.from(known, (place) => items[place]!),
    weights: Float64Array.from(known, (place) => weights[place]!),
    positiveCount: positives.length,
  };
};

/** Places of the newest of one sign, without those of items that the model does not know. */
const newestOf = (
  items: ArrayLike<number>,
  weights: Float64Array,
  { sign, max }: { readonly sign: 1 | -1; readonly max: number },
): number[] => {
  const found: number[] = [];
  let taken = 0;
  for (let place = weights.length - 1; place >= 0 && taken < max; place--) {
    if (weights[place]! * sign <= 0) continue;
    taken += 1;
    if (items[place] !== UNKNOWN_ITEM) found.push(place);
  }
  return found;
};
