/**
 * Dense numbers for items. Everything in memory is a column indexed by slot; ids and their 64-bit
 * hashes lead to slots. A neighbour list names items by hash alone, so a slot may exist before its
 * id is known. Slots are never given back: an id that was used once keeps its 40 bytes.
 */
import { hash128Into, newHash128 } from '../schemas/hash.ts';
import type { ItemId } from '../schemas/ids.ts';

const CAPACITY_FIRST = 1024;
const NOT_FOUND = -1;

const scratch = newHash128();

export class ItemSlots {
  #ids: (ItemId | undefined)[] = [];
  #lows = new Int32Array(CAPACITY_FIRST);
  #highs = new Int32Array(CAPACITY_FIRST);
  /** Open addressing: slot + 1, 0 for an empty place; at most half full. */
  #table = new Int32Array(CAPACITY_FIRST * 2);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** How many slots columns should have room for. */
  get capacity(): number {
    return this.#lows.length;
  }

  idOf(slot: number): ItemId | undefined {
    return this.#ids[slot];
  }

  /** Low word of the id's hash: what evicted seen items are remembered by. */
  hashLowOf(slot: number): number {
    return this.#lows[slot]! >>> 0;
  }

  /** Visits the slots whose hash has this low word: one or none, unless two ids share 32 bits. */
  eachOfHashLow(low: number, visit: (slot: number) => void): void {
    const word = low | 0;
    const mask = this.#table.length - 1;
    for (let at = word & mask; ; at = (at + 1) & mask) {
      const slot = this.#table[at]! - 1;
      if (slot < 0) return;
      if (this.#lows[slot] === word) visit(slot);
    }
  }

  /**
   * By the hash: a table of numbers is found in the cache where a map of texts is not, and a list looks up
   * each item of a history.
   */
  find(id: string): number | undefined {
    hash128Into(scratch, id);
    const slot = this.#lookUp(scratch[0]!, scratch[1]!);
    return slot === NOT_FOUND || this.#ids[slot] === undefined ? undefined : slot;
  }

  /** The slot of an id, made when new. */
  ofId(id: ItemId): number {
    hash128Into(scratch, id);
    const slot = this.ofHash(scratch[0]!, scratch[1]!);
    this.#ids[slot] ??= id;
    return slot;
  }

  /** The slot of a hash (signed words), made when new. */
  ofHash(low: number, high: number): number {
    const found = this.#lookUp(low, high);
    if (found !== NOT_FOUND) return found;
    if (this.#count === this.#lows.length) this.#grow();
    const slot = this.#count++;
    this.#lows[slot] = low;
    this.#highs[slot] = high;
    this.#insert(slot);
    return slot;
  }

  #lookUp(low: number, high: number): number {
    const mask = this.#table.length - 1;
    for (let at = low & mask; ; at = (at + 1) & mask) {
      const slot = this.#table[at]! - 1;
      if (slot < 0) return NOT_FOUND;
      if (this.#lows[slot] === low && this.#highs[slot] === high) return slot;
    }
  }

  #insert(slot: number): void {
    const mask = this.#table.length - 1;
    let at = this.#lows[slot]! & mask;
    while (this.#table[at] !== 0) at = (at + 1) & mask;
    this.#table[at] = slot + 1;
  }

  #grow(): void {
    const capacity = this.#lows.length * 2;
    this.#lows = grownWords(this.#lows, capacity);
    this.#highs = grownWords(this.#highs, capacity);
    this.#table = new Int32Array(capacity * 2);
    for (let slot = 0; slot < this.#count; slot++) this.#insert(slot);
  }
}

const grownWords = (words: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> => {
  const grown = new Int32Array(length);
  grown.set(words);
  return grown;
};

/** A column with room for `length` slots, what it held kept. */
export const grownColumn = (
  column: Float64Array<ArrayBuffer>,
  length: number,
): Float64Array<ArrayBuffer> => {
  if (column.length >= length) return column;
  const grown = new Float64Array(length);
  grown.set(column);
  return grown;
};

export const grownBytes = (
  column: Uint8Array<ArrayBuffer>,
  length: number,
): Uint8Array<ArrayBuffer> => {
  if (column.length >= length) return column;
  const grown = new Uint8Array(length);
  grown.set(column);
  return grown;
};

export const grownIntegers = (
  column: Int32Array<ArrayBuffer>,
  length: number,
): Int32Array<ArrayBuffer> => (column.length >= length ? column : grownWords(column, length));
