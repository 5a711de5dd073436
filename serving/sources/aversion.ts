/**
 * How much the items that a person turned against take from the items like them, by content and by
 * co-visitation: a share of every part, from 0 towards 1.
 */
import type { EpochMs } from '../../schemas/ids.ts';
import { type ItemIndex, TRIPLE } from '../item-index.ts';
import type { Profile } from '../profile.ts';
import { type ContentNeighbours, PAIR } from './content-source.ts';
import { fetched } from './fetched-rows.ts';

/** The likeness, weighted, at which half is taken. */
const HALF_AT = 0.3;

/** Used again by each request: a column by slot, wiped by what was touched. */
export class Aversion {
  readonly #itemIndex: ItemIndex;
  readonly #content: ContentNeighbours;
  #likeness = new Float64Array(0);
  #touched: number[] = [];

  constructor(itemIndex: ItemIndex, content: ContentNeighbours) {
    this.#itemIndex = itemIndex;
    this.#content = content;
  }

  /** What is taken from an item: 0 nothing, towards 1 everything. */
  lostOf(slot: number): number {
    const amount = this.#likeness[slot]!;
    return amount === 0 ? 0 : amount / (amount + HALF_AT);
  }

  /** Learns what this person turned against. False when there is nothing. */
  learn(profile: Profile, now: EpochMs): boolean {
    for (const slot of this.#touched) this.#likeness[slot] = 0;
    this.#touched = [];
    if (profile.negatives.length === 0) return false;
    const { capacity } = this.#itemIndex.slots;
    if (this.#likeness.length < capacity) this.#likeness = new Float64Array(capacity);
    const scale = this.#itemIndex.pairScale(now);
    const { negatives } = profile;
    const alike = fetched(negatives.map(({ slot }) => this.#content.neighboursOf(slot)));
    const neighbours = fetched(negatives.map(({ slot }) => this.#itemIndex.neighboursOf(slot)));
    for (let index = 0; index < negatives.length; index++) {
      const { slot, weight } = negatives[index]!;
      this.#add(slot, weight);
      this.#addAlike(alike[index]!, weight);
      this.#addNeighbours(neighbours[index]!, weight * scale * this.#itemIndex.dampingOf(slot));
    }
    return true;
  }

  #addAlike(alike: Float32Array, weight: number): void {
    for (let at = 0; at < alike.length; at += PAIR) this.#add(alike[at]!, weight * alike[at + 1]!);
  }

  #addNeighbours(neighbours: Float32Array, factor: number): void {
    const itemIndex = this.#itemIndex;
    for (let at = 0; at < neighbours.length; at += TRIPLE) {
      const neighbour = neighbours[at]!;
      this.#add(neighbour, factor * neighbours[at + 1]! * itemIndex.dampingOf(neighbour));
    }
  }

  #add(slot: number, amount: number): void {
    if (this.#likeness[slot] === 0) this.#touched.push(slot);
    this.#likeness[slot]! += amount;
  }
}
