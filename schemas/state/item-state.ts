/**
 * What the stream keeps of an item, and serving reads: one value under `item:<itemId>` in the state
 * partition of the item's `item-signals` partition. Counters are fixed-point numbers that decay
 * forward from the landmark; `counterValue` of `algorithms/popularity/decayed-counter.ts` turns
 * them into plain numbers at a time.
 */
import type { EpochMs, ItemId } from '../ids.ts';

/** A person behind a pair, and how many of the pair's deltas are theirs. */
export interface PairPerson {
  /** Signed 32-bit hash of the subject. */
  readonly subjectHash: number;
  /** 1 to 255; at 255 it stays. */
  readonly deltas: number;
}

export interface Neighbour {
  /** 64-bit hash of the neighbour's id, as a hexadecimal string of 16 digits. */
  readonly itemHash: string;
  /** Fixed-point decayed weight of "this item, then the neighbour". */
  readonly forward: bigint;
  /** The same for "the neighbour, then this item". */
  readonly backward: bigint;
  /** Distinct people seen with this pair: counted to 3, which is all that the floor needs. */
  readonly people: 1 | 2 | 3;
  /** Who they are while they are fewer than three; empty from then on. */
  readonly firstPeople: readonly PairPerson[];
}

export interface ItemState {
  readonly itemId: ItemId;
  readonly categories: readonly string[];
  /** True once the catalogue has dropped it; counters stay, should it come back. */
  readonly deleted: boolean;
  readonly lastEventAt: EpochMs;
  /** What the counters below decay from. */
  readonly landmark: EpochMs;
  /** Positive interactions ever counted (not decayed). */
  readonly interactionCount: number;
  /** Decayed counters with the half-lives of the stream's options. */
  readonly popularity: bigint;
  readonly trendFast: bigint;
  readonly trendSlow: bigint;
  readonly ratingCount: number;
  /** In tenths of a star, so that adding and removing is exact. */
  readonly ratingSumTenths: number;
  /** Ratings by half star: index 0 is half a star, index 9 is five. */
  readonly ratingHistogram: readonly number[];
  /** In order of their hashes. */
  readonly neighbours: readonly Neighbour[];
}

export const RATING_BUCKETS = 10;

export const itemKey = (item: string): string => `item:${item}`;
export const categoryKey = (category: string): string => `category:${category}`;
export const PARTITION_KEY = 'partition';
