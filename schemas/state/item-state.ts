/**
 * What the stream keeps of an item, and serving reads: one value under `item:<itemId>` in the state
 * partition of the item's `item-signals` partition. Counters are fixed-point numbers that decay
 * forward from the landmark; the helpers beside the codec turn them into plain numbers at a time.
 */
import type { EpochMs, ItemId } from '../ids.ts';

export interface Neighbour {
  /** 64-bit hash of the neighbour's id, as a hexadecimal string of 16 digits. */
  readonly itemHash: string;
  /** Fixed-point decayed weight of "this item, then the neighbour". */
  readonly forward: bigint;
  /** The same for "the neighbour, then this item". */
  readonly backward: bigint;
  /** Distinct people seen with this pair: counted to 3, which is all that the floor needs. */
  readonly people: number;
}

export interface ItemState {
  readonly itemId: ItemId;
  readonly categories: readonly string[];
  readonly lastEventAt: EpochMs;
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
  readonly neighbours: readonly Neighbour[];
}

export const itemKey = (item: string): string => `item:${item}`;
export const categoryKey = (category: string): string => `category:${category}`;
export const PARTITION_KEY = 'partition';
