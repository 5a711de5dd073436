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
  readonly places: Uint16Array;
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

/**
 * The items that one request looks at, each with a place of its own in the order in which they came up: so
 * that what is kept beside them (a score of each source, a mark, a sum) is some thousands of numbers next
 * to each other, and not a column as long as the catalogue each.
 */
export class CandidatePlaces {
  /** By slot, from 1; 0 for what did not come up. */
  #placeOf = new Int32Array(0);
  /** By place, from 1. */
  slots = new Int32Array(FIRST_ROOM);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Forgets the last request and makes room for slots below `capacity`. */
  reset(capacity: number): void {
    for (let place = 1; place <= this.#count; place++) this.#placeOf[this.slots[place]!] = 0;
    this.#count = 0;
    if (this.#placeOf.length < capacity) this.#placeOf = new Int32Array(capacity);
  }

  /** Its place; 0 where it did not come up. */
  find(slot: number): number {
    return this.#placeOf[slot] ?? 0;
  }

  /** Its place, made when it comes up first. */
  of(slot: number): number {
    const known = this.#placeOf[slot]!;
    return known === 0 ? this.#enter(slot) : known;
  }

  #enter(slot: number): number {
    const place = ++this.#count;
    if (place === this.slots.length) {
      const grown = new Int32Array(place * 2);
      grown.set(this.slots);
      this.slots = grown;
    }
    this.slots[place] = slot;
    this.#placeOf[slot] = place;
    return place;
  }
}

const FIRST_ROOM = 4_096;

/** Raw scores of one source in one request. Used again by the next request, not made anew. */
export class CandidateScores {
  readonly #candidates: CandidatePlaces;
  /** By place; read-only for all but this class. */
  raw = new Float64Array(FIRST_ROOM);
  /** The first `count` are the places of those that it proposes. */
  places = new Int32Array(1024);
  #scratch = new Float64Array(1024);
  #count = 0;
  #total = 0;

  constructor(candidates: CandidatePlaces) {
    this.#candidates = candidates;
  }

  get count(): number {
    return this.#count;
  }

  /** Sum of the raw scores. */
  get total(): number {
    return this.#total;
  }

  /** 0 for a place that it has nothing for. */
  rawAt(place: number): number {
    return this.raw[place] ?? 0;
  }

  /** Forgets the last request. */
  reset(): void {
    for (let index = 0; index < this.#count; index++) this.raw[this.places[index]!] = 0;
    this.#count = 0;
    this.#total = 0;
  }

  /** `amount` is above 0. */
  add(slot: number, amount: number): void {
    const place = this.#candidates.of(slot);
    if (place >= this.raw.length) this.#makeRoom();
    const before = this.raw[place]!;
    this.raw[place] = before + amount;
    if (before !== 0) return;
    if (this.#count === this.places.length) this.#grow();
    this.places[this.#count++] = place;
  }

  /** Keeps the best `max`, and settles the total. */
  keepBest(max: number): void {
    if (this.#count > max) this.#cut(max);
    const { places, raw } = this;
    let total = 0;
    for (let index = 0; index < this.#count; index++) total += raw[places[index]!]!;
    this.#total = total;
  }

  #cut(max: number): void {
    const { places, raw } = this;
    const scratch = this.#scratch;
    for (let index = 0; index < this.#count; index++) scratch[index] = raw[places[index]!]!;
    const floor = kthLargest(scratch, this.#count, max);
    let kept = 0;
    for (let index = 0; index < this.#count; index++) {
      const place = places[index]!;
      if (raw[place]! >= floor && kept < max) places[kept++] = place;
      else raw[place] = 0;
    }
    this.#count = kept;
  }

  #makeRoom(): void {
    const grown = new Float64Array(this.#candidates.slots.length);
    grown.set(this.raw);
    this.raw = grown;
  }

  #grow(): void {
    const grown = new Int32Array(this.places.length * 2);
    grown.set(this.places);
    this.places = grown;
    this.#scratch = new Float64Array(grown.length);
  }
}
