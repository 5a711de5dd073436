/**
 * The newest identities that passed the edge, so that a duplicate is told at once: a ring of fixed
 * size (the oldest entry makes room for the newest) with an open-addressing table over it, both typed
 * arrays, 40 bytes an entry. An entry holds the 128-bit hash of the identity, the 32-bit hash of the
 * payload, and where the record lies.
 *
 * It is a convenience of the answer, not the guarantee: the stream's verdict is the one that counts.
 */
import { hash128Into, newHash128 } from '../../schemas/hash.ts';
import { type Offset, offset, type PartitionIndex, partitionIndex } from '../../schemas/ids.ts';

/** Words of an entry: hash (4), payload, partition, offset (low, high). */
const ENTRY_WORDS = 8;
const PAYLOAD = 4;
const PARTITION = 5;
const OFFSET_LOW = 6;
const OFFSET_HIGH = 7;
/** Stands in OFFSET_HIGH while the append is under way; OFFSET_LOW then holds its ticket. */
const PENDING = -1;
const WORD = 2 ** 32;
const EMPTY = 0;

/** Names an entry for as long as it is remembered. */
export type EntryNumber = number;

export interface KnownEntry {
  readonly payload: number;
  readonly partition: PartitionIndex;
  /** Undefined while the append is under way. */
  readonly offset: Offset | undefined;
  /** Of the append under way. */
  readonly ticket: number;
}

export class RecentIndex {
  readonly #capacity: number;
  readonly #words: Int32Array;
  /** Place in the ring + 1 of the entry, or EMPTY. */
  readonly #slots: Uint32Array;
  readonly #mask: number;
  readonly #id = newHash128();
  /** Entries ever added; entry n stands at n modulo the capacity. */
  #added = 0;
  /** Removed out of turn: their ring places hold nothing. */
  readonly #removed = new Set<EntryNumber>();

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#words = new Int32Array(capacity * ENTRY_WORDS);
    let slots = 16;
    while (slots < capacity * 2) slots *= 2;
    this.#slots = new Uint32Array(slots);
    this.#mask = slots - 1;
  }

  get size(): number {
    return Math.min(this.#added, this.#capacity) - this.#removed.size;
  }

  /** Looks the identity up; a following `add` is about the same identity. */
  find(identity: string): KnownEntry | undefined {
    hash128Into(this.#id, identity);
    const at = this.#placeOf(this.#id);
    if (at < 0) return undefined;
    const words = this.#words;
    const isPending = words[at + OFFSET_HIGH] === PENDING;
    const low = words[at + OFFSET_LOW]! >>> 0;
    return {
      payload: words[at + PAYLOAD]!,
      partition: partitionIndex(words[at + PARTITION]!),
      offset: isPending ? undefined : offset(words[at + OFFSET_HIGH]! * WORD + low),
      ticket: isPending ? low : 0,
    };
  }

  /** Remembers the identity that `find` was just asked for and did not know, as under way. */
  add(entry: { payload: number; partition: PartitionIndex; ticket: number }): EntryNumber {
    const number = this.#added;
    const place = number % this.#capacity;
    if (number >= this.#capacity) this.#makeRoom(number - this.#capacity);
    const at = place * ENTRY_WORDS;
    const words = this.#words;
    words[at] = this.#id[0]!;
    words[at + 1] = this.#id[1]!;
    words[at + 2] = this.#id[2]!;
    words[at + 3] = this.#id[3]!;
    words[at + PAYLOAD] = entry.payload;
    words[at + PARTITION] = entry.partition;
    words[at + OFFSET_LOW] = entry.ticket;
    words[at + OFFSET_HIGH] = PENDING;
    this.#added += 1;
    let slot = this.#id[0]! & this.#mask;
    while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & this.#mask;
    this.#slots[slot] = place + 1;
    return number;
  }

  /** The entry's record is durable at this offset. */
  settle(number: EntryNumber, at: Offset): void {
    if (!this.#isHeld(number)) return;
    const base = (number % this.#capacity) * ENTRY_WORDS;
    this.#words[base + OFFSET_LOW] = at % WORD;
    this.#words[base + OFFSET_HIGH] = Math.floor(at / WORD);
  }

  /** The entry's record was not written. */
  remove(number: EntryNumber): void {
    if (!this.#isHeld(number)) return;
    this.#unlink(number % this.#capacity);
    this.#removed.add(number);
  }

  #isHeld(number: EntryNumber): boolean {
    return number >= this.#added - this.#capacity && !this.#removed.has(number);
  }

  #makeRoom(oldest: EntryNumber): void {
    if (!this.#removed.delete(oldest)) this.#unlink(oldest % this.#capacity);
  }

  /** Index into the words of the entry with this hash, or −1. */
  #placeOf(hash: Int32Array): number {
    const words = this.#words;
    const slots = this.#slots;
    for (let slot = hash[0]! & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const place = slots[slot]!;
      if (place === EMPTY) return -1;
      const at = (place - 1) * ENTRY_WORDS;
      if (
        words[at] === hash[0] &&
        words[at + 1] === hash[1] &&
        words[at + 2] === hash[2] &&
        words[at + 3] === hash[3]
      ) {
        return at;
      }
    }
  }

  /** Takes an entry out of the table and moves up what stands behind it, so that no graves remain. */
  #unlink(place: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let hole = this.#homeOf(place);
    while (slots[hole] !== place + 1) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; slots[slot] !== EMPTY; slot = (slot + 1) & mask) {
      const home = this.#homeOf(slots[slot]! - 1);
      // It may move up only if that does not carry it before its home.
      if (((slot - home) & mask) >= ((slot - hole) & mask)) {
        slots[hole] = slots[slot]!;
        hole = slot;
      }
    }
    slots[hole] = EMPTY;
  }

  #homeOf(place: number): number {
    return this.#words[place * ENTRY_WORDS]! & this.#mask;
  }
}
