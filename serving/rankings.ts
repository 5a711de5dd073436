/**
 * The lists that are the same for everyone: trending, popular, latest, top-rated; over everything and
 * per category. Each is ordered when it is asked for and something changed, but no more often than
 * ten times a second and than that it takes a fiftieth of the time: an idle instance orders nothing, a
 * person's list seldom waits for it, and no order that things changed after is older than a second.
 *
 * - trending: events of late × how much faster than usual they come
 * - popular: decayed count; of items whose events are all too old for it, how many there were
 * - latest: by publication, items without one behind them by when the catalogue heard of them
 * - top-rated: W = v/(v+m)·R + m/(v+m)·C over items with more than m ratings, m being a quantile of
 *   the counts of ratings and C the mean of all ratings, so that a film with two votes cannot lead
 */

import { largestWithValues } from '../algorithms/selection/largest.ts';
import type { ListName } from '../schemas/api/lists.ts';
import type { Clock } from '../schemas/environment.ts';
import type { EpochMs } from '../schemas/ids.ts';
import type { Catalogue } from './catalogue.ts';
import type { ItemIndex } from './item-index.ts';
import type { RankingOptions } from './options.ts';

/** Slots in order, with the value that the order goes by. */
export interface Ranking {
  readonly slots: Int32Array;
  readonly values: Float64Array;
  readonly madeAt: EpochMs;
}

interface Kept {
  readonly ranking: Ranking;
  /** Whether the order goes by what people do. */
  readonly isByItems: boolean;
  readonly madeAtMs: number;
  readonly tookMs: number;
  readonly itemEpoch: number;
  readonly catalogueVersion: number;
}

export interface RankingsOptions {
  readonly catalogue: Catalogue;
  readonly itemIndex: ItemIndex;
  readonly ratingMean: () => number | null;
  readonly clock: Clock;
  readonly options: RankingOptions;
}

const EMPTY: Ranking = {
  slots: new Int32Array(0),
  values: new Float64Array(0),
  madeAt: 0 as EpochMs,
};
const ALL = -1;
/** Trends fall by themselves, so their order is renewed now and then without any event. */
const DECAY_MATTERS_MS = 60_000;
/** Ordering one list anew for changes may take this share of the time. */
const ORDERING_SHARE = 0.02;
/** Younger orders are taken as they are: items themselves change four times a second. */
const ORDER_AGE_MS_MIN = 100;

export class Rankings {
  readonly #given: RankingsOptions;
  readonly #kept = new Map<string, Kept>();
  #wasBehind = false;

  constructor(given: RankingsOptions) {
    this.#given = given;
  }

  list(name: ListName, category?: number): Ranking {
    const { clock, options } = this.#given;
    const key = `${name}:${category ?? ALL}`;
    const kept = this.#kept.get(key);
    const nowMs = clock.monotonicMs();
    if (kept !== undefined && this.#isFresh(kept, nowMs)) {
      if (this.#isBehind(kept)) this.#wasBehind = true;
      return kept.ranking;
    }
    const ranking = this.#rank(name, category, clock.now());
    const madeAtMs = clock.monotonicMs();
    this.#kept.delete(key);
    this.#kept.set(key, {
      ranking,
      isByItems: name !== 'latest',
      madeAtMs,
      tookMs: madeAtMs - nowMs,
      itemEpoch: this.#given.itemIndex.epoch,
      catalogueVersion: this.#given.catalogue.version,
    });
    // The oldest order goes; the four over everything are asked for all the time and stay young.
    if (this.#kept.size > options.categoriesMax) this.#kept.delete(this.#kept.keys().next().value!);
    return ranking;
  }

  /** Whether, since this was last asked, an order was given out that items had changed after. */
  takeWasBehind(): boolean {
    const wasBehind = this.#wasBehind;
    this.#wasBehind = false;
    return wasBehind;
  }

  /** Forgets all orders: the next list is ordered anew, whatever its age. */
  clear(): void {
    this.#kept.clear();
  }

  #isFresh(kept: Kept, nowMs: number): boolean {
    const ageMs = nowMs - kept.madeAtMs;
    if (!this.#isBehind(kept)) return ageMs < DECAY_MATTERS_MS;
    const restMs = Math.max(ORDER_AGE_MS_MIN, kept.tookMs / ORDERING_SHARE);
    return ageMs < Math.min(this.#given.options.everyMs, restMs);
  }

  #isBehind({ isByItems, itemEpoch, catalogueVersion }: Kept): boolean {
    const { catalogue, itemIndex } = this.#given;
    return catalogueVersion !== catalogue.version || (isByItems && itemEpoch !== itemIndex.epoch);
  }

  #rank(name: ListName, category: number | undefined, now: EpochMs): Ranking {
    const { catalogue, options } = this.#given;
    const members = category === undefined ? catalogue.present() : catalogue.membersOf(category);
    const slots = Int32Array.from(members);
    if (slots.length === 0) return EMPTY;
    if (name === 'top-rated') return this.#topRated(slots, now);
    const measure = this.#measureOf(name, now);
    return rankingOf(slots, options.listedMax, measure, now);
  }

  #measureOf(name: 'trending' | 'popular' | 'latest', now: EpochMs): (slot: number) => number {
    const { itemIndex } = this.#given;
    switch (name) {
      case 'trending':
        return (slot) => itemIndex.fastOf(slot, now) * itemIndex.liftOf(slot, now);
      case 'popular':
        return (slot) => itemIndex.everPopularOf(slot, now);
      case 'latest':
        return (slot) => this.latestValue(slot, now);
    }
  }

  /** Later is larger; all that have a date come before those that have none. */
  latestValue(slot: number, now: EpochMs): number {
    const record = this.#given.catalogue.record(slot);
    if (record === undefined) return Number.NEGATIVE_INFINITY;
    if (record.publishedAt === null || record.publishedAt > now) return record.updatedAt - 1e15;
    return record.publishedAt;
  }

  /** W of an item, among all items. */
  weightedRating(): (slot: number) => number {
    return this.#weighted(this.#votesMin(Int32Array.from(this.#given.catalogue.present())));
  }

  #votesMin(slots: Int32Array): number {
    const { itemIndex, options } = this.#given;
    const counts = Float64Array.from(slots, (slot) => itemIndex.ratingCountOf(slot))
      .filter((count) => count > 0)
      .sort();
    return counts[Math.floor(options.minVotesQuantile * (counts.length - 1))] ?? 0;
  }

  #weighted(votesMin: number): (slot: number) => number {
    const { itemIndex } = this.#given;
    const mean = this.#given.ratingMean() ?? 0;
    return (slot) => {
      const votes = itemIndex.ratingCountOf(slot);
      if (votes + votesMin === 0) return 0;
      const own = itemIndex.ratingMeanOf(slot) ?? mean;
      return (votes * own + votesMin * mean) / (votes + votesMin);
    };
  }

  #topRated(slots: Int32Array, now: EpochMs): Ranking {
    const { itemIndex, options } = this.#given;
    const rated = slots.filter((slot) => itemIndex.ratingCountOf(slot) > 0);
    if (rated.length === 0) return EMPTY;
    const votesMin = this.#votesMin(rated);
    const weighted = this.#weighted(votesMin);
    const enough = rated.filter((slot) => itemIndex.ratingCountOf(slot) >= votesMin);
    return rankingOf(enough, options.listedMax, weighted, now);
  }
}

const rankingOf = (
  slots: Int32Array,
  listedMax: number,
  measure: (slot: number) => number,
  madeAt: EpochMs,
): Ranking => {
  const { keys, values } = largestWithValues(slots, slots.length, listedMax, measure);
  return { slots: keys, values, madeAt };
};
