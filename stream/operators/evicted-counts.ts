/**
 * Which once-a-day counts the evicted entries of a history still occupy: (day, hash) pairs of six
 * bytes, sorted, so that they are stored as they are kept. A heavy user's list changes with every
 * event; moving bytes is all that costs.
 */
import type { EvictedCount } from '../../schemas/state/subject-state.ts';

const WIDTH = 6;
const ROOM = 16 * WIDTH;
const DAY_MAX = 65_535;
const NO_BYTES = Buffer.alloc(0);

export class EvictedCounts {
  #bytes: Buffer = NO_BYTES;
  #start = 0;
  #end = 0;
  /** Stored bytes are shared: they are copied before the first change. */
  #isShared = true;

  /** Takes over `count` pairs that lie at `start`. */
  load(bytes: Buffer, start: number, count: number): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = start + count * WIDTH;
    this.#isShared = true;
  }

  get count(): number {
    return (this.#end - this.#start) / WIDTH;
  }

  get bytes(): { readonly buffer: Buffer; readonly start: number; readonly end: number } {
    return { buffer: this.#bytes, start: this.#start, end: this.#end };
  }

  /** How many places of the day are occupied; −1 if this very one is. */
  occupiedOn(day: number, hash: number): number {
    const bytes = this.#bytes;
    let occupied = 0;
    // The latest days come last, and it is nearly always those that are asked for.
    for (let at = this.#end - WIDTH; at >= this.#start; at -= WIDTH) {
      const other = dayAt(bytes, at);
      if (other < day) break;
      if (other > day) continue;
      if (hashAt(bytes, at) === hash) return -1;
      occupied++;
    }
    return occupied;
  }

  add(day: number, hash: number): void {
    if (day < 0 || day > DAY_MAX) return;
    this.#own();
    const bytes = this.#bytes;
    let at = this.#end;
    while (at > this.#start && compare(day, hash, bytes, at - WIDTH) < 0) at -= WIDTH;
    bytes.copyWithin(at + WIDTH, at, this.#end);
    bytes.writeUInt16LE(day, at);
    bytes.writeUInt32LE(hash, at + 2);
    this.#end += WIDTH;
  }

  /** Lets go of what lies before the day, and of the oldest above the cap. */
  keep(oldestDay: number, countMax: number): void {
    while (this.#start < this.#end && dayAt(this.#bytes, this.#start) < oldestDay) {
      this.#start += WIDTH;
    }
    if (this.count > countMax) this.#start = this.#end - countMax * WIDTH;
  }

  #own(): void {
    if (!this.#isShared && this.#end + WIDTH <= this.#bytes.length) return;
    const length = this.#end - this.#start;
    const owned = Buffer.allocUnsafe(length + ROOM);
    this.#bytes.copy(owned, 0, this.#start, this.#end);
    this.#bytes = owned;
    this.#start = 0;
    this.#end = length;
    this.#isShared = false;
  }

  /** As plain values, for the slow path. */
  list(): EvictedCount[] {
    const counts: EvictedCount[] = [];
    for (let at = this.#start; at < this.#end; at += WIDTH) {
      counts.push({ day: dayAt(this.#bytes, at), hash: hashAt(this.#bytes, at) });
    }
    return counts;
  }
}

const dayAt = (bytes: Buffer, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);

const hashAt = (bytes: Buffer, at: number): number =>
  (bytes[at + 2]! | (bytes[at + 3]! << 8) | (bytes[at + 4]! << 16) | (bytes[at + 5]! << 24)) >>> 0;

const compare = (day: number, hash: number, bytes: Buffer, at: number): number =>
  day - dayAt(bytes, at) || hash - hashAt(bytes, at);
