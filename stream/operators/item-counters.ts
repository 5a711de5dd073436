/**
 * Popularity, trend and ratings: of an item, of a category, of all items of the partition. Three
 * decayed counters each (`decayed-counter.ts`), all from one landmark.
 *
 * A category's counters are the sum of its items' counters. When the catalogue moves an item from
 * one category to another, its counters move with it, so it makes no difference whether the events
 * or the categories came first.
 */
import {
  addShare,
  type CounterHalfLives,
  DecayScale,
  halve,
  halvingsBetween,
} from '../../algorithms/popularity/decayed-counter.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import {
  type ItemColumns,
  POPULARITY,
  TREND_FAST,
  TREND_SLOW,
} from '../../schemas/state/item-columns.ts';
import { RATING_BUCKETS } from '../../schemas/state/item-state.ts';

export interface Counters {
  landmark: EpochMs;
  interactionCount: number;
  /** Two words each at POPULARITY, TREND_FAST and TREND_SLOW. */
  readonly counters: Int32Array;
}

/** Shares of one event in the three counters. */
export interface Shares {
  popularity: number;
  trendFast: number;
  trendSlow: number;
  isCut: boolean;
}

export class CounterScales {
  readonly #halfLives: CounterHalfLives;
  readonly #popularity: DecayScale;
  readonly #trendFast: DecayScale;
  readonly #trendSlow: DecayScale;
  readonly covisitation: DecayScale;
  readonly #shares: Shares = { popularity: 0, trendFast: 0, trendSlow: 0, isCut: false };

  constructor(halfLives: CounterHalfLives) {
    this.#halfLives = halfLives;
    this.#popularity = new DecayScale(halfLives.popularity);
    this.#trendFast = new DecayScale(halfLives.trendFast);
    this.#trendSlow = new DecayScale(halfLives.trendSlow);
    this.covisitation = new DecayScale(halfLives.covisitation);
  }

  /** The shares of a count; the object is used again by the next call. */
  sharesOf(weight: number, sign: number, at: EpochMs, landmark: EpochMs): Shares {
    const shares = this.#shares;
    shares.popularity = sign * this.#popularity.shareOf(weight, at, landmark);
    shares.trendFast = sign * this.#trendFast.shareOf(weight, at, landmark);
    shares.trendSlow = sign * this.#trendSlow.shareOf(weight, at, landmark);
    shares.isCut = this.#trendFast.wasCut;
    return shares;
  }

  /** Moves the counters to a later landmark. */
  rebase(target: Counters, landmark: EpochMs): void {
    const { popularity, trendFast, trendSlow } = this.#halfLives;
    const from = target.landmark;
    halve(target.counters, POPULARITY, halvingsBetween(from, landmark, popularity));
    halve(target.counters, TREND_FAST, halvingsBetween(from, landmark, trendFast));
    halve(target.counters, TREND_SLOW, halvingsBetween(from, landmark, trendSlow));
    target.landmark = landmark;
  }

  covisitationHalvings(from: EpochMs, to: EpochMs): number {
    return halvingsBetween(from, to, this.#halfLives.covisitation);
  }
}

/** Adds the shares; false when a sum was stopped at its limit. */
export const addShares = (target: Counters, shares: Shares, sign: number): boolean => {
  target.interactionCount += sign;
  const isPopularityWhole = addShare(target.counters, POPULARITY, shares.popularity);
  const isFastWhole = addShare(target.counters, TREND_FAST, shares.trendFast);
  const isSlowWhole = addShare(target.counters, TREND_SLOW, shares.trendSlow);
  return isPopularityWhole && isFastWhole && isSlowWhole;
};

/** Adds (or, with −1, takes away) one set of counters to another under the same landmark. */
export const addCounters = (target: Counters, from: Counters, sign: 1 | -1): void => {
  target.interactionCount += sign * from.interactionCount;
  for (const at of [POPULARITY, TREND_FAST, TREND_SLOW]) {
    addWords(target.counters, from.counters, at, sign);
  }
};

const addWords = (target: Int32Array, from: Int32Array, at: number, sign: 1 | -1): void => {
  addShare(target, at, sign * (from[at]! >>> 0));
  addShare(target, at, sign * from[at + 1]! * 0x1_0000_0000);
};

export const takeRating = (item: ItemColumns, value: number, sign: number): void => {
  const bucket = Math.max(0, Math.min(RATING_BUCKETS - 1, Math.round(value * 2) - 1));
  item.ratingCount += sign;
  item.ratingSumTenths += sign * Math.round(value * 10);
  item.histogram[bucket] = item.histogram[bucket]! + sign;
};
