/**
 * What proposes items for a list. A source gives each of its items a raw score that is not negative
 * and can say which of the person's events it came from; how much a source weighs is not its affair.
 * A trained model becomes another source, and nothing else changes.
 */
import type { EpochMs } from '../../schemas/ids.ts';
import type { PartName } from '../options.ts';
import type { Profile, TasteEvent } from '../profile.ts';
import { kthLargest } from '../selection.ts';

/** What a source is given to work with. */
export interface Retrieval {
  readonly profile: Profile;
  /** How much the person leans to each category; negative where they turn away. */
  readonly taste: ReadonlyMap<number, number>;
  /** What disliked items take from the items like them: 0 nothing, towards 1 everything. */
  readonly aversion: ReadonlyMap<number, number>;
  /** Only items of it are wanted. */
  readonly category: number | undefined;
  readonly now: EpochMs;
  readonly candidatesMax: number;
}

/** What one of the person's events gave to an item's raw score. */
export interface Contribution {
  readonly event: TasteEvent;
  readonly amount: number;
}

export interface CandidateSource {
  readonly part: PartName;
  /** Whether it goes by what this person did. */
  readonly isPersonal: boolean;
  retrieve(retrieval: Retrieval, scores: CandidateScores): void;
  /** Calls `give` for each event that gave something to an item that `wants` names. */
  contribute?(
    retrieval: Retrieval,
    wants: (slot: number) => boolean,
    give: (slot: number, contribution: Contribution) => void,
  ): void;
  /** Why a floor keeps it silent for this person. */
  held?(retrieval: Retrieval): string | undefined;
}

/** Raw scores by slot, of one source in one request. Used again by the next request, not made anew. */
export class CandidateScores {
  #raw = new Float64Array(0);
  #isTouched = new Uint8Array(0);
  #touched = new Int32Array(1024);
  #scratch = new Float64Array(1024);
  #count = 0;
  #total = 0;

  /** Number of items that it proposes. */
  get count(): number {
    return this.#count;
  }

  /** Sum of the raw scores before anything was taken off for dislikes. */
  get total(): number {
    return this.#total;
  }

  slotAt(index: number): number {
    return this.#touched[index]!;
  }

  rawOf(slot: number): number {
    return this.#raw[slot] ?? 0;
  }

  /** Forgets the last request and makes room for slots below `capacity`. */
  reset(capacity: number): void {
    for (let index = 0; index < this.#count; index++) {
      const slot = this.#touched[index]!;
      this.#raw[slot] = 0;
      this.#isTouched[slot] = 0;
    }
    this.#count = 0;
    this.#total = 0;
    if (this.#raw.length >= capacity) return;
    this.#raw = new Float64Array(capacity);
    this.#isTouched = new Uint8Array(capacity);
  }

  add(slot: number, amount: number): void {
    if (this.#isTouched[slot] === 0) {
      this.#isTouched[slot] = 1;
      if (this.#count === this.#touched.length) this.#grow();
      this.#touched[this.#count++] = slot;
    }
    this.#raw[slot]! += amount;
  }

  /** Keeps the best `max`, and settles the total. */
  keepBest(max: number): void {
    if (this.#count > max) this.#cut(max);
    let total = 0;
    for (let index = 0; index < this.#count; index++) total += this.#raw[this.#touched[index]!]!;
    this.#total = total;
  }

  /** Multiplies what an item has; the total stays, so that only this item loses. */
  scale(slot: number, factor: number): void {
    if (this.#isTouched[slot] === 1) this.#raw[slot]! *= factor;
  }

  #cut(max: number): void {
    for (let index = 0; index < this.#count; index++) {
      this.#scratch[index] = this.#raw[this.#touched[index]!]!;
    }
    const floor = kthLargest(this.#scratch, this.#count, max);
    let kept = 0;
    for (let index = 0; index < this.#count; index++) {
      const slot = this.#touched[index]!;
      if (this.#raw[slot]! >= floor && kept < max) {
        this.#touched[kept++] = slot;
      } else {
        this.#raw[slot] = 0;
        this.#isTouched[slot] = 0;
      }
    }
    this.#count = kept;
  }

  #grow(): void {
    const grown = new Int32Array(this.#touched.length * 2);
    grown.set(this.#touched);
    this.#touched = grown;
    this.#scratch = new Float64Array(grown.length);
  }
}
