/**
 * An item's state as columns of 32-bit words: what the stream changes in place, a hundred thousand
 * times a second, where one object per neighbour and a bigint per counter would cost ten times as
 * much. `item-codec.ts` turns columns into bytes and into the plain ItemState.
 *
 * A counter takes two words (low, high; two's complement). A neighbour takes SLOT_WORDS words, and
 * slots are in order of the hash, so that the same contents are the same bytes.
 */
import type { EpochMs, ItemId } from '../ids.ts';
import { RATING_BUCKETS } from './item-state.ts';

export const POPULARITY = 0;
export const TREND_FAST = 2;
export const TREND_SLOW = 4;
const COUNTER_WORDS = 6;

/** Word 0 of a slot is the low half of the hash. */
export const HASH_HIGH = 1;
export const FORWARD = 2;
export const BACKWARD = 4;
/** Byte 0: people (1–3); byte 1 and 2: deltas of the first and second person. */
export const PEOPLE = 6;
export const FIRST_PERSON = 7;
export const SECOND_PERSON = 8;
export const SLOT_WORDS = 9;

const NO_WORDS = new Int32Array(0);
const SLOTS_FIRST = 8;
/** What a list at the usual cap needs: no more room is taken ahead of need. */
const SLOTS_USUAL = 66;

export class ItemColumns {
  readonly itemId: ItemId;
  categories: readonly string[] = [];
  deleted = false;
  lastEventAt = 0 as EpochMs;
  landmark = 0 as EpochMs;
  interactionCount = 0;
  ratingCount = 0;
  ratingSumTenths = 0;
  readonly counters: Int32Array = new Int32Array(COUNTER_WORDS);
  readonly histogram: Int32Array = new Int32Array(RATING_BUCKETS);
  neighbourCount = 0;
  slots: Int32Array = NO_WORDS;

  constructor(itemId: ItemId) {
    this.itemId = itemId;
  }

  /** Word index of the neighbour's slot, or the bitwise complement of where it belongs. */
  findNeighbour(low: number, high: number): number {
    const { slots } = this;
    let from = 0;
    let to = this.neighbourCount - 1;
    while (from <= to) {
      const middle = (from + to) >>> 1;
      const at = middle * SLOT_WORDS;
      const order = compareWords(slots[at + HASH_HIGH]!, high) || compareWords(slots[at]!, low);
      if (order === 0) return at;
      if (order < 0) from = middle + 1;
      else to = middle - 1;
    }
    return ~(from * SLOT_WORDS);
  }

  /** Opens an empty slot at the given word index. */
  insertNeighbour(at: number, low: number, high: number): void {
    const end = this.neighbourCount * SLOT_WORDS;
    this.reserveNeighbours(this.neighbourCount + 1);
    const { slots } = this;
    if (at < end) slots.copyWithin(at + SLOT_WORDS, at, end);
    slots[at] = low;
    slots[at + HASH_HIGH] = high;
    for (let word = at + FORWARD; word < at + SLOT_WORDS; word++) slots[word] = 0;
    this.neighbourCount++;
  }

  removeNeighbour(at: number): void {
    this.slots.copyWithin(at, at + SLOT_WORDS, this.neighbourCount * SLOT_WORDS);
    this.neighbourCount--;
  }

  /** Room for those that are there and for more, in one piece: who is read is about to be added to. */
  makeRoomToAdd(count: number): void {
    this.reserveNeighbours(Math.max(count, Math.min(2 * count, SLOTS_USUAL)));
  }

  reserveNeighbours(count: number): void {
    if (count * SLOT_WORDS <= this.slots.length) return;
    const doubled = (this.slots.length / SLOT_WORDS) * 2;
    const roomFor = Math.max(count, SLOTS_FIRST, Math.min(doubled, SLOTS_USUAL));
    const larger = new Int32Array(roomFor * SLOT_WORDS);
    larger.set(this.slots);
    this.slots = larger;
  }
}

/** Order of two words as unsigned numbers. */
export const compareWords = (left: number, right: number): number =>
  left === right ? 0 : left >>> 0 < right >>> 0 ? -1 : 1;
