/**
 * What proposes items for a list. A source gives each of its items a raw score that is not negative
 * and can say which of the person's events it came from; how much a source weighs is not its affair.
 * The trained models are sources as well (`model-source.ts`): they change with the release, and so may
 * be absent.
 */

import { kthLargest } from '../../algorithms/selection/largest.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import type { PartName, PartWeight } from '../options.ts';
import type { CategoryTaste, Profile, TasteEvent } from '../profile.ts';
import type { ServingRelease } from '../release/serving-release.ts';

/** What a source is given to work with. */
export interface Retrieval {
  readonly profile: Profile;
  readonly taste: CategoryTaste;
  /** Only items of it are wanted. */
  readonly category: number | undefined;
  readonly now: EpochMs;
  /** The one that the list goes by; undefined while there is none. */
  readonly release: ServingRelease | undefined;
  /** What each part weighs in this list; what weighs nothing is not looked for. */
  readonly weights: Readonly<Record<PartName, PartWeight>>;
  readonly includeSeen: boolean;
  /** What a source should propose at most. */
  readonly candidatesMax: number;
  /** What a source that goes by everybody should propose at most. */
  readonly commonMax: number;
}

/** The items that a list shows, with their places in it. */
export interface Chosen {
  readonly slots: readonly number[];
  /** By slot, from 1; 0 for all that are not shown. */
  readonly places: Int32Array;
}

/** `place` is that of the item, from 1. */
export type Give = (place: number, event: TasteEvent, amount: number) => void;

export interface CandidateSource {
  readonly part: PartName;
  /** Whether it goes by what this person did. */
  readonly isPersonal: boolean;
  retrieve(retrieval: Retrieval, scores: CandidateScores): void;
  /** Calls `give` for each event that gave something to an item that is shown. */
  contribute?(retrieval: Retrieval, chosen: Chosen, give: Give): void;
  /** Why a floor keeps it silent for this person. */
  held?(retrieval: Retrieval): string | undefined;
}

/** Raw scores by slot, of one source in one request. Used again by the next request, not made anew. */
export class CandidateScores {
  /** By slot; read-only for all but this class. */
  raw = new Float64Array(0);
  /** The first `count` are those that it proposes. */
  slots = new Int32Array(1024);
  #scratch = new Float64Array(1024);
  #count = 0;
  #total = 0;

  get count(): number {
    return this.#count;
  }

  /** Sum of the raw scores. */
  get total(): number {
    return this.#total;
  }

  rawOf(slot: number): number {
    return this.raw[slot] ?? 0;
  }

  /** Forgets the last request and makes room for slots below `capacity`. */
  reset(capacity: number): void {
    for (let index = 0; index < this.#count; index++) this.raw[this.slots[index]!] = 0;
    this.#count = 0;
    this.#total = 0;
    if (this.raw.length >= capacity) return;
    this.raw = new Float64Array(capacity);
  }

  /** `amount` is above 0. */
  add(slot: number, amount: number): void {
    const before = this.raw[slot]!;
    this.raw[slot] = before + amount;
    if (before !== 0) return;
    if (this.#count === this.slots.length) this.#grow();
    this.slots[this.#count++] = slot;
  }

  /** Keeps the best `max`, and settles the total. */
  keepBest(max: number): void {
    if (this.#count > max) this.#cut(max);
    let total = 0;
    for (let index = 0; index < this.#count; index++) total += this.raw[this.slots[index]!]!;
    this.#total = total;
  }

  #cut(max: number): void {
    const { slots, raw } = this;
    for (let index = 0; index < this.#count; index++) {
      this.#scratch[index] = raw[slots[index]!]!;
    }
    const floor = kthLargest(this.#scratch, this.#count, max);
    let kept = 0;
    for (let index = 0; index < this.#count; index++) {
      const slot = slots[index]!;
      if (raw[slot]! >= floor && kept < max) slots[kept++] = slot;
      else raw[slot] = 0;
    }
    this.#count = kept;
  }

  #grow(): void {
    const grown = new Int32Array(this.slots.length * 2);
    grown.set(this.slots);
    this.slots = grown;
    this.#scratch = new Float64Array(grown.length);
  }
}
