/**
 * What lists do to the catalogue as a whole: how much of it is ever shown, how unknown the shown
 * items are, and how unequally the places are dealt out.
 */
import { checkCount } from '../model/option-checks.ts';
import type { MetricValue } from './ranking.ts';

type Lists = readonly ArrayLike<number>[];

/** How often each item stands in a list. */
export const exposuresOf = (lists: Lists, itemCount: number): Float64Array => {
  const exposures = new Float64Array(itemCount);
  for (const list of lists) {
    for (let place = 0; place < list.length; place++) exposures[list[place]!]! += 1;
  }
  return exposures;
};

/** Share of the catalogue that stands in at least one list. */
export const coverage = (lists: Lists, itemCount: number): number => {
  checkCount('itemCount', itemCount);
  return exposuresOf(lists, itemCount).filter((count) => count > 0).length / itemCount;
};

/**
 * Mean of −log2 of the share of people who know an item, over all places of all lists. An item
 * that nobody knows counts as known to half a person, so that the figure stays finite.
 */
export const novelty = (
  lists: Lists,
  audience: { readonly knownBy: ArrayLike<number>; readonly userCount: number },
): MetricValue => {
  checkCount('userCount', audience.userCount);
  let bits = 0;
  let places = 0;
  for (const list of lists) {
    for (let place = 0; place < list.length; place++) {
      bits -= Math.log2(Math.max(audience.knownBy[list[place]!]!, 0.5) / audience.userCount);
      places += 1;
    }
  }
  return places === 0 ? null : bits / places;
};

/**
 * Gini index of non-negative amounts: 0 where all are equal, near 1 where one has everything.
 * Undefined where nothing was dealt out.
 */
export const gini = (amounts: ArrayLike<number>): MetricValue => {
  const sorted = Float64Array.from(amounts).sort();
  const total = sorted.reduce((sum, amount) => sum + amount, 0);
  if (total === 0) return null;
  let weighted = 0;
  sorted.forEach((amount, index) => {
    weighted += (2 * (index + 1) - sorted.length - 1) * amount;
  });
  return weighted / (sorted.length * total);
};
