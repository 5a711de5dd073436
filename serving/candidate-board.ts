/**
 * The scratch on which a list is made: what each source proposed, what is kept of it, and the sums
 * of the parts. Columns by slot, used again by the next request and wiped by what was touched: a
 * request looks at some two thousand items, and maps or objects would cost it more than the sums.
 */

import { kthLargest } from '../algorithms/selection/largest.ts';
import { PARTS, type PartName, type PartWeight } from './options.ts';
import type { Aversion } from './sources/aversion.ts';
import { CandidateScores } from './sources/candidate-source.ts';

/**
 * Parts are what a person is told: six digits behind the point say all there is to say, and are
 * written and read four times as fast as seventeen.
 */
const rounded = (part: number): number => Math.round(part * 1e6) / 1e6;

const UNSEEN = 0;
const KEPT = 1;
const DROPPED = 2;

export class CandidateBoard {
  /** By the order of PARTS. */
  readonly scores: readonly CandidateScores[] = PARTS.map(() => new CandidateScores());
  #weights: Readonly<Record<PartName, PartWeight>> | undefined;
  #aversion: Aversion | undefined;
  #marks = new Uint8Array(0);
  #sums = new Float64Array(0);
  #places = new Int32Array(0);
  #scratch = new Float64Array(1024);
  /** All that was proposed or filled up, once each. */
  #touched = new Int32Array(0);
  #touchedCount = 0;
  #kept: number[] = [];

  get kept(): readonly number[] {
    return this.#kept;
  }

  /** Wipes what the last request left. */
  begin(capacity: number, weights: Readonly<Record<PartName, PartWeight>>): void {
    this.#weights = weights;
    for (let index = 0; index < this.#touchedCount; index++) {
      const slot = this.#touched[index]!;
      this.#marks[slot] = UNSEEN;
      this.#sums[slot] = 0;
    }
    this.#touchedCount = 0;
    this.#kept = [];
    this.#aversion = undefined;
    for (const scores of this.scores) scores.reset(capacity);
    if (this.#marks.length >= capacity) return;
    this.#marks = new Uint8Array(capacity);
    this.#sums = new Float64Array(capacity);
    this.#places = new Int32Array(capacity);
    this.#touched = new Int32Array(capacity);
  }

  /** What dislikes take from each item, from here on. */
  avoid(aversion: Aversion): void {
    this.#aversion = aversion;
  }

  /** Drops these whatever proposes them. */
  block(slots: Iterable<number>): void {
    for (const slot of slots) {
      if (this.#marks[slot] !== UNSEEN) continue;
      this.#marks[slot] = DROPPED;
      this.#touched[this.#touchedCount++] = slot;
    }
  }

  /** Keeps of all proposals those that `lets` lets through. */
  keep(lets: (slot: number) => boolean): void {
    for (const { slots, count } of this.scores) {
      for (let index = 0; index < count; index++) {
        const slot = slots[index]!;
        if (this.#marks[slot] !== UNSEEN) continue;
        this.#touched[this.#touchedCount++] = slot;
        if (lets(slot)) {
          this.#marks[slot] = KEPT;
          this.#kept.push(slot);
        } else {
          this.#marks[slot] = DROPPED;
        }
      }
    }
  }

  /** Keeps one more item that no source need have proposed. */
  add(slot: number): void {
    if (this.#marks[slot] === KEPT) return;
    if (this.#marks[slot] === UNSEEN) this.#touched[this.#touchedCount++] = slot;
    this.#marks[slot] = KEPT;
    this.#kept.push(slot);
  }

  isKept(slot: number): boolean {
    return this.#marks[slot] === KEPT;
  }

  /** Sums the parts of all that is kept, in the order of PARTS. */
  sum(): void {
    for (let part = 0; part < PARTS.length; part++) {
      const { slots, raw, count } = this.scores[part]!;
      const { weight } = this.#weights![PARTS[part]!];
      const perRaw = this.#perRaw(part);
      for (let index = 0; index < count; index++) {
        const slot = slots[index]!;
        if (this.#marks[slot] !== KEPT) continue;
        const left = this.#aversion === undefined ? raw[slot]! : this.#leftOf(slot, raw[slot]!);
        this.#sums[slot]! += rounded(weight * Math.log(1 + left * perRaw));
      }
    }
  }

  /** The same term that `sum` adds, to the bit. */
  partOf(part: number, slot: number): number {
    const raw = this.scores[part]!.rawOf(slot);
    if (raw === 0) return 0;
    const left = this.#aversion === undefined ? raw : this.#leftOf(slot, raw);
    const { weight } = this.#weights![PARTS[part]!];
    return rounded(weight * Math.log(1 + left * this.#perRaw(part)));
  }

  sumOf(slot: number): number {
    return this.#sums[slot]!;
  }

  /** The best of what is kept, best first; of equals the one with the smaller slot. */
  best(count: number): number[] {
    const sums = this.#sums;
    const kept = this.#kept;
    let best = kept;
    if (kept.length > count) {
      if (this.#scratch.length < kept.length) this.#scratch = new Float64Array(kept.length * 2);
      for (let index = 0; index < kept.length; index++) this.#scratch[index] = sums[kept[index]!]!;
      const floor = kthLargest(this.#scratch, kept.length, count);
      best = kept.filter((slot) => sums[slot]! >= floor);
    }
    return best
      .toSorted((left, right) => sums[right]! - sums[left]! || left - right)
      .slice(0, count);
  }

  /** Runs `work` with the place (from 1) of each of these slots in a column, 0 for all others. */
  withPlaces<Result>(slots: readonly number[], work: (places: Int32Array) => Result): Result {
    for (let index = 0; index < slots.length; index++) this.#places[slots[index]!] = index + 1;
    try {
      return work(this.#places);
    } finally {
      for (const slot of slots) this.#places[slot] = 0;
    }
  }

  #perRaw(part: number): number {
    const { epsilon, mass } = this.#weights![PARTS[part]!];
    return 1 / ((this.scores[part]!.total + mass) * epsilon);
  }

  #leftOf(slot: number, raw: number): number {
    return raw * (1 - this.#aversion!.lostOf(slot));
  }
}
