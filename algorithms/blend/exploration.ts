/**
 * A place for new items: now and then a list shows one that nobody could know about yet, so that
 * it gets its chance, and remembers with what probability it did, so that what follows can be
 * weighed right.
 *
 * Each new item has a Beta posterior of its success rate. A list explores with a probability that
 * keeps explored places below `slotShare` of all; the place is one from rank 3 on, drawn evenly;
 * the item is drawn by Thompson's rule: the chance that its rate is the highest of the pool, found
 * by `draws` joint draws, and never less than `floor`. So the propensity of what was shown is
 * known exactly: P(explore) · P(place) · P(item). It is inserted, not put in another's place, so
 * only the last item of the list gives way.
 *
 * An item leaves the pool as `dropped` once it is unlikely to reach the usual rate, and as
 * `settled` once it has had enough impressions to be judged like any other.
 *
 * The generator is seeded with person, version of the person's state and release: the same list is
 * drawn again when it is asked for again. Ranks that measure quality are taken from the list
 * before exploration.
 */
import { checkCount, checkPositive, checkRange } from '../model/option-checks.ts';
import { type SeededRandom, seededRandom } from '../random/seeded-random.ts';
import { betaBelow } from './beta-distribution.ts';

export interface ExplorationOptions {
  /** Share of all shown places that may explore; at most .05. */
  readonly slotShare: number;
  /** Least probability of each item of the pool, once a place explores. */
  readonly floor: number;
  /** Joint draws that Thompson's probabilities are counted from. */
  readonly draws: number;
  /** What rate is usual, and how many impressions' worth of belief that is. */
  readonly usualRate: number;
  readonly priorStrength: number;
  /** Dropped when P(rate ≥ usual rate) falls below this. */
  readonly dropBelow: number;
  /** Settled after so many impressions. */
  readonly settledAfter: number;
}

/**
 * A fiftieth of the places: inserting at 20 % of ten-item lists costs their last place there, about
 * .8 % of HR@10 (its last place holds 4 % of the hits).
 */
export const DEFAULT_EXPLORATION_OPTIONS: ExplorationOptions = {
  slotShare: 0.02,
  floor: 0.01,
  draws: 200,
  usualRate: 0.05,
  priorStrength: 10,
  dropBelow: 0.05,
  settledAfter: 500,
};

/** How many new items compete at once; with a floor of .01 at most half is dealt out by it. */
export const POOL_LIMIT = 50;
const FIRST_EXPLORED_PLACE = 2;
const SLOT_SHARE_MAX = 0.05;

export interface NewItem {
  readonly item: number;
  readonly impressions: number;
  readonly successes: number;
}

export type NewItemStatus = 'exploring' | 'settled' | 'dropped';

export interface Explored {
  readonly item: number;
  /** Place in the list, from 0. */
  readonly place: number;
  /** Probability that this item stood at this place. */
  readonly propensity: number;
}

export const checkExplorationOptions = (options: ExplorationOptions): void => {
  checkRange('slotShare', options.slotShare, { min: 0, max: SLOT_SHARE_MAX });
  checkRange('floor', options.floor, { min: 0, max: 1 / POOL_LIMIT });
  checkCount('draws', options.draws);
  checkRange('usualRate', options.usualRate, { min: 1e-6, max: 1 - 1e-6 });
  checkPositive('priorStrength', options.priorStrength);
  checkRange('dropBelow', options.dropBelow, { min: 0, max: 1 });
  checkCount('settledAfter', options.settledAfter);
};

interface Posterior {
  readonly a: number;
  readonly b: number;
}

const posteriorOf = (
  { impressions, successes }: NewItem,
  { usualRate, priorStrength }: ExplorationOptions,
): Posterior => ({
  a: usualRate * priorStrength + successes,
  b: (1 - usualRate) * priorStrength + Math.max(impressions - successes, 0),
});

/** Mean of the posterior: what the item's rate is held to be. */
export const estimatedRate = (item: NewItem, options: ExplorationOptions): number => {
  const { a, b } = posteriorOf(item, options);
  return a / (a + b);
};

export const statusOf = (item: NewItem, options: ExplorationOptions): NewItemStatus => {
  const { a, b } = posteriorOf(item, options);
  if (1 - betaBelow(options.usualRate, a, b) < options.dropBelow) return 'dropped';
  return item.impressions >= options.settledAfter ? 'settled' : 'exploring';
};

/** Who asks, in which state, of which release. */
export interface ExplorationKey {
  readonly user: string;
  readonly userVersion: number;
  readonly release: string;
}

/** A 52-bit FNV-style hash; a separator keeps ('ab', 'c') apart from ('a', 'bc'). */
export const explorationSeed = ({ user, userVersion, release }: ExplorationKey): number => {
  const text = `${user}\u0000${userVersion}\u0000${release}`;
  let low = 0x811c9dc5;
  let high = 0x1b873593;
  for (let k = 0; k < text.length; k++) {
    const code = text.charCodeAt(k);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x85ebca6b) ^ (low >>> 15);
  }
  return (high >>> 12) * 2 ** 32 + (low >>> 0);
};

/** Thompson's probabilities over the pool, each at least `floor`, summing to 1. */
export const thompsonShares = (
  pool: readonly NewItem[],
  options: ExplorationOptions,
  random: SeededRandom,
): Float64Array => {
  const wins = new Float64Array(pool.length);
  const posteriors = pool.map((item) => posteriorOf(item, options));
  for (let draw = 0; draw < options.draws; draw++) {
    let best = 0;
    let bestRate = -1;
    posteriors.forEach(({ a, b }, k) => {
      const rate = random.beta(a, b);
      if (rate > bestRate) [best, bestRate] = [k, rate];
    });
    wins[best]! += 1;
  }
  const free = 1 - options.floor * pool.length;
  return wins.map((count) => options.floor + (free * count) / options.draws);
};

/**
 * What a list of `length` places explores, or null, which is most of the time. Of a larger pool
 * the items with the fewest impressions compete (ties: the lower index).
 */
export const explore = (
  newItems: readonly NewItem[],
  { length, key }: { readonly length: number; readonly key: ExplorationKey },
  options: ExplorationOptions,
): Explored | null => {
  checkExplorationOptions(options);
  const pool = newItems
    .filter((item) => statusOf(item, options) === 'exploring')
    .sort((a, b) => a.impressions - b.impressions || a.item - b.item)
    .slice(0, POOL_LIMIT);
  const places = length - FIRST_EXPLORED_PLACE;
  if (pool.length === 0 || places <= 0) return null;
  const random = seededRandom(explorationSeed(key));
  const listShare = Math.min(options.slotShare * length, 1);
  if (random.next() >= listShare) return null;
  const place = FIRST_EXPLORED_PLACE + random.below(places);
  const shares = thompsonShares(pool, options, random.fork(1));
  const chosen = drawFrom(shares, random.next());
  return {
    item: pool[chosen]!.item,
    place,
    propensity: (listShare * shares[chosen]!) / places,
  };
};

const drawFrom = (shares: Float64Array, point: number): number => {
  let below = 0;
  for (let k = 0; k < shares.length; k++) {
    below += shares[k]!;
    if (point < below) return k;
  }
  return shares.length - 1;
};

/** The list with the explored item inserted; where it stands already it stays where it is. */
export const withExplored = (items: readonly number[], explored: Explored | null): number[] => {
  if (!explored || items.includes(explored.item)) return [...items];
  return [
    ...items.slice(0, explored.place),
    explored.item,
    ...items.slice(explored.place, items.length - 1),
  ];
};
