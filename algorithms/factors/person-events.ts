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

/** Of deeds, those that count, newest first. */
export interface JudgedDeeds<Deed> {
  readonly positives: readonly Deed[];
  readonly negatives: readonly Deed[];
}

export interface PersonEventLimits {
  readonly positives: number;
  readonly negatives: number;
}

/** No item of the model. */
export const UNKNOWN_ITEM = -1;

/** Places of the newest deeds of each side; `weights` are oldest first. */
export const newestDeeds = (
  weights: Float64Array,
  limits: PersonEventLimits,
): JudgedDeeds<number> => ({
  positives: newestOf(weights, { sign: 1, max: limits.positives }),
  negatives: newestOf(weights, { sign: -1, max: limits.negatives }),
});

const newestOf = (
  weights: Float64Array,
  { sign, max }: { readonly sign: 1 | -1; readonly max: number },
): number[] => {
  const found: number[] = [];
  for (let place = weights.length - 1; place >= 0 && found.length < max; place--) {
    if (weights[place]! * sign > 0) found.push(place);
  }
  return found;
};

/** Without those on items that the model does not know; `deeds` beside the events. */
export const knownEventsOf = <Deed>(
  { positives, negatives }: JudgedDeeds<Deed>,
  read: {
    readonly itemOf: (deed: Deed) => number;
    /** Above 0, on either side. */
    readonly weightOf: (deed: Deed) => number;
  },
): PersonEvents & { readonly deeds: readonly Deed[] } => {
  const isKnown = (deed: Deed): boolean => read.itemOf(deed) !== UNKNOWN_ITEM;
  const deeds = positives.filter(isKnown);
  const positiveCount = deeds.length;
  for (const deed of negatives) if (isKnown(deed)) deeds.push(deed);
  const items = new Uint32Array(deeds.length);
  const weights = new Float64Array(deeds.length);
  for (let place = 0; place < deeds.length; place++) {
    const deed = deeds[place]!;
    items[place] = read.itemOf(deed);
    weights[place] = place < positiveCount ? read.weightOf(deed) : -read.weightOf(deed);
  }
  return { deeds, items, weights, positiveCount };
};

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
  const weights = given.weights.slice();
  keepStrongerSide(given.places, weights);
  return knownEventsOf(newestDeeds(weights, limits), {
    itemOf: (place) => given.items[place]!,
    weightOf: (place) => Math.abs(weights[place]!),
  });
};
