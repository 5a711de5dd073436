/**
 * The scratch on which a list is made: what each source proposed, what is kept of it, and the sums
 * of the parts. Columns by place among what came up, used again by the next request: a request looks at
 * some two thousand items, and maps or objects would cost it more than the sums.
 *
 * A sum is a dozen logarithms, and a list needs the best thirty of seven hundred: each gets a bound
 * from below first (`log-bound.ts`), and only what may be among the best is summed. Whoever asks for
 * the best gets the same, to the bit, as if all were summed.
 */

import { LOG_BOUND_EXCESS, LOG_BOUND_GAP, logBound } from '../algorithms/blend/log-bound.ts';
import { kthLargest } from '../algorithms/selection/largest.ts';
import { PARTS, type PartName, type PartWeight } from './options.ts';
import type { Aversion } from './sources/aversion.ts';
import { CandidatePlaces, CandidateScores } from './sources/candidate-source.ts';

/**
 * Parts are what a person is told: six digits behind the point say all there is to say, and are
 * written and read four times as fast as seventeen.
 */
const rounded = (part: number): number => Math.round(part * 1e6) / 1e6;

/** What rounding the parts, and adding them, may come to in either direction. */
const ROUNDING = PARTS.length * 1e-6;

const UNSEEN = 0;
const KEPT = 1;
const DROPPED = 2;

/** Slots with their sums. */
export interface Best {
  readonly slots: readonly number[];
  readonly scores: readonly number[];
}

export class CandidateBoard {
  readonly #candidates = new CandidatePlaces();
  /** By the order of PARTS. */
  readonly scores: readonly CandidateScores[] = PARTS.map(
    () => new CandidateScores(this.#candidates),
  );
  #weights: Readonly<Record<PartName, PartWeight>> | undefined;
  #aversion: Aversion | undefined;
  /** By place, as all columns but the last. */
  #marks = new Uint8Array(0);
  /** Of what is kept a bound of its sum from below, then of what may be among the best the sum. */
  #sums = new Float64Array(0);
  #scratch = new Float64Array(0);
  /** Places of what is kept. */
  #kept = new Int32Array(0);
  #keptCount = 0;
  /** By slot: where the items stand that are shown. */
  #shown = new Uint16Array(0);

  get keptCount(): number {
    return this.#keptCount;
  }

  /** Wipes what the last request left. */
  begin(capacity: number, weights: Readonly<Record<PartName, PartWeight>>): void {
    this.#weights = weights;
    this.#marks.fill(UNSEEN, 0, this.#candidates.count + 1);
    this.#sums.fill(0, 0, this.#candidates.count + 1);
    this.#keptCount = 0;
    this.#aversion = undefined;
    for (const scores of this.scores) scores.reset();
    this.#candidates.reset(capacity);
    if (this.#shown.length < capacity) this.#shown = new Uint16Array(capacity);
  }

  /** What dislikes take from each item, from here on. */
  avoid(aversion: Aversion): void {
    this.#aversion = aversion;
  }

  /** Drops it whatever proposes it. */
  block(slot: number): void {
    const place = this.#placeOf(slot);
    if (this.#marks[place] === UNSEEN) this.#marks[place] = DROPPED;
  }

  /** Keeps of all proposals those that `lets` lets through. */
  keep(lets: (slot: number) => boolean): void {
    this.#makeRoom();
    const marks = this.#marks;
    const kept = this.#kept;
    const { slots } = this.#candidates;
    for (const { places, count } of this.scores) {
      for (let index = 0; index < count; index++) {
        const place = places[index]!;
        if (marks[place] !== UNSEEN) continue;
        const isLet = lets(slots[place]!);
        marks[place] = isLet ? KEPT : DROPPED;
        if (isLet) kept[this.#keptCount++] = place;
      }
    }
  }

  /** Keeps one more item that no source need have proposed. */
  add(slot: number): void {
    const place = this.#placeOf(slot);
    if (this.#marks[place] === KEPT) return;
    this.#marks[place] = KEPT;
    this.#kept[this.#keptCount++] = place;
  }

  isKept(slot: number): boolean {
    return this.#marks[this.#candidates.find(slot)] === KEPT;
  }

  /** The terms of an item's sum, in the order of PARTS. */
  partsOf(slot: number): number[] {
    const place = this.#candidates.find(slot);
    const parts: number[] = [];
    for (let part = 0; part < PARTS.length; part++) parts.push(this.#partAt(part, place));
    return parts;
  }

  /** The best of what is kept, best first; of equals the one with the smaller slot. */
  best(count: number): Best {
    const found = this.#mayBeBest(count);
    const sums = this.#sums;
    const { slots } = this.#candidates;
    for (const place of found) sums[place] = this.#sumAt(place);
    found.sort((left, right) => sums[right]! - sums[left]! || slots[left]! - slots[right]!);
    if (found.length > count) found.length = count;
    return {
      slots: found.map((place) => slots[place]!),
      scores: found.map((place) => sums[place]!),
    };
  }

  /** Places of all that is kept but what cannot be among the best `count`. */
  #mayBeBest(count: number): number[] {
    const kept = this.#kept;
    const keptCount = this.#keptCount;
    const found: number[] = [];
    if (keptCount <= count) {
      for (let index = 0; index < keptCount; index++) found.push(kept[index]!);
      return found;
    }
    const slack = this.#boundSums();
    const sums = this.#sums;
    for (let index = 0; index < keptCount; index++) this.#scratch[index] = sums[kept[index]!]!;
    const floor = kthLargest(this.#scratch, keptCount, count) - slack;
    for (let index = 0; index < keptCount; index++) {
      const place = kept[index]!;
      if (sums[place]! >= floor) found.push(place);
    }
    return found;
  }

  /** Bounds the sums from below; returns how far below the k-th bound one of the k best may have its own. */
  #boundSums(): number {
    const marks = this.#marks;
    const sums = this.#sums;
    const aversion = this.#aversion;
    let slack = 2 * ROUNDING;
    for (let part = 0; part < PARTS.length; part++) {
      const { places, raw, count } = this.scores[part]!;
      if (count === 0) continue;
      const { weight } = this.#weights![PARTS[part]!];
      const perRaw = this.#perRaw(part);
      slack += weight * (LOG_BOUND_GAP + LOG_BOUND_EXCESS);
      for (let index = 0; index < count; index++) {
        const place = places[index]!;
        if (marks[place] !== KEPT) continue;
        const left = aversion === undefined ? raw[place]! : this.#leftAt(place, raw[place]!);
        sums[place]! += weight * logBound(1 + left * perRaw);
      }
    }
    return slack;
  }

  /** Runs `work` with the places (from 1) of these slots in a column by slot, 0 for all others. */
  withPlaces<Result>(slots: readonly number[], work: (places: Uint16Array) => Result): Result {
    for (let index = 0; index < slots.length; index++) this.#shown[slots[index]!] = index + 1;
    try {
      return work(this.#shown);
    } finally {
      for (const slot of slots) this.#shown[slot] = 0;
    }
  }

  #placeOf(slot: number): number {
    const place = this.#candidates.of(slot);
    if (place >= this.#marks.length) this.#makeRoom();
    return place;
  }

  #makeRoom(): void {
    const { length } = this.#candidates.slots;
    if (this.#marks.length >= length) return;
    const [marks, sums, kept] = [this.#marks, this.#sums, this.#kept];
    this.#marks = new Uint8Array(length);
    this.#marks.set(marks);
    this.#sums = new Float64Array(length);
    this.#sums.set(sums);
    this.#kept = new Int32Array(length);
    this.#kept.set(kept);
    this.#scratch = new Float64Array(length);
  }

  #sumAt(place: number): number {
    let sum = 0;
    for (let part = 0; part < PARTS.length; part++) sum += this.#partAt(part, place);
    return sum;
  }

  #partAt(part: number, place: number): number {
    const raw = this.scores[part]!.rawAt(place);
    if (raw === 0) return 0;
    const left = this.#aversion === undefined ? raw : this.#leftAt(place, raw);
    const { weight } = this.#weights![PARTS[part]!];
    return rounded(weight * Math.log(1 + left * this.#perRaw(part)));
  }

  #perRaw(part: number): number {
    const { epsilon, mass } = this.#weights![PARTS[part]!];
    return 1 / ((this.scores[part]!.total + mass) * epsilon);
  }

  #leftAt(place: number, raw: number): number {
    return raw * (1 - this.#aversion!.lostOf(this.#candidates.slots[place]!));
  }
}
