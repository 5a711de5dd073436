/**
 * Vectors for items that the release does not know, so that a film is proposed on the day it comes out:
 * from the known items that it is like and those that it was chosen together with so far
 * (`algorithms/content/new-item-vectors.ts`). A view like people's vectors (I7): made when lists are
 * made, a few a list, and anew when the item's own counts have changed.
 *
 * At most so many items have one; those beyond wait for the next training, and are counted.
 */
import { type KnownFactors, newItemVector } from '../../algorithms/content/new-item-vectors.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import type { Catalogue } from '../catalogue.ts';
import { type ItemIndex, TRIPLE } from '../item-index.ts';
import { type ContentNeighbours, PAIR } from '../sources/content-source.ts';
import { NO_ITEM } from './release-items.ts';

/** Vectors made in one list; each takes some hundredths of a millisecond. */
const MADE_PER_LIST = 4;

/** What is known of an item that nobody has trained on. */
export interface NewItemGround {
  readonly catalogue: Pick<Catalogue, 'present' | 'record'>;
  readonly content: ContentNeighbours;
  readonly itemIndex: Pick<ItemIndex, 'neighboursOf' | 'pairScale'>;
}

export interface NewItemCounts {
  /** Items that the release does not know and that have a vector. */
  readonly withVector: number;
  /** Those that wait for one, or of which nothing is known yet. */
  readonly waiting: number;
  /** Those beyond the cap. */
  readonly beyond: number;
}

export class NewItemVectors {
  readonly #known: KnownFactors;
  readonly #itemOf: (slot: number) => number;
  readonly #ground: NewItemGround;
  readonly #max: number;
  readonly #vectors = new Map<number, Float32Array>();
  /** To be made, or made anew; the one that waits longest first. */
  readonly #waiting = new Set<number>();
  /** Those that have one or wait for one. */
  readonly #held = new Set<number>();
  readonly #beyond = new Set<number>();

  /** `itemOf` answers NO_ITEM for a slot that the factors do not hold. */
  constructor(given: {
    readonly known: KnownFactors;
    readonly itemOf: (slot: number) => number;
    readonly ground: NewItemGround;
    readonly max: number;
  }) {
    this.#known = given.known;
    this.#itemOf = given.itemOf;
    this.#ground = given.ground;
    this.#max = given.max;
    this.changed(given.ground.catalogue.present());
  }

  counts(): NewItemCounts {
    const withVector = this.#vectors.size;
    return { withVector, waiting: this.#held.size - withVector, beyond: this.#beyond.size };
  }

  vectorOf(slot: number): Float32Array | undefined {
    return this.#vectors.get(slot);
  }

  entries(): Iterable<readonly [slot: number, vector: Float32Array]> {
    return this.#vectors;
  }

  /** What is known of these items may be another now. */
  changed(slots: Iterable<number>): void {
    for (const slot of slots) {
      if (this.#itemOf(slot) !== NO_ITEM) continue;
      if (this.#ground.catalogue.record(slot) === undefined) this.#forget(slot);
      else if (this.#held.has(slot) || this.#held.size < this.#max) this.#hold(slot);
      else this.#beyond.add(slot);
    }
  }

  /** The same of all of them. */
  lookAgain(): void {
    this.changed([...this.#held]);
    this.changed(this.#ground.catalogue.present());
  }

  /** Makes some of those that wait. */
  makeSome(now: EpochMs): void {
    let left = Math.min(MADE_PER_LIST, this.#waiting.size);
    for (const slot of this.#waiting) {
      if (left-- === 0) return;
      this.#waiting.delete(slot);
      const vector = this.#made(slot, now);
      if (vector !== undefined) this.#vectors.set(slot, vector);
      // Nothing is known of it yet: behind the others, it is asked about again.
      else if (!this.#vectors.has(slot)) this.#waiting.add(slot);
    }
  }

  #made(slot: number, now: EpochMs): Float32Array | undefined {
    const { content, itemIndex } = this.#ground;
    const alike = this.#neighbours(content.neighboursOf(slot), { step: PAIR, scale: 1 });
    const scale = itemIndex.pairScale(now);
    const together = this.#neighbours(itemIndex.neighboursOf(slot), { step: TRIPLE, scale });
    const vector = newItemVector(this.#known, { alike, together });
    return vector === undefined ? undefined : Float32Array.from(vector);
  }

  /** Of rows [slot, weight, …] those that the factors hold. */
  #neighbours(rows: Float32Array, { step, scale }: { step: number; scale: number }) {
    const neighbours: { item: number; weight: number }[] = [];
    for (let at = 0; at < rows.length; at += step) {
      const item = this.#itemOf(rows[at]!);
      if (item !== NO_ITEM) neighbours.push({ item, weight: rows[at + 1]! * scale });
    }
    return neighbours;
  }

  #hold(slot: number): void {
    this.#beyond.delete(slot);
    this.#held.add(slot);
    this.#waiting.add(slot);
  }

  #forget(slot: number): void {
    this.#vectors.delete(slot);
    this.#waiting.delete(slot);
    this.#beyond.delete(slot);
    if (!this.#held.delete(slot)) return;
    // There is room for one of those that had to stand back.
    const [next] = this.#beyond;
    if (next !== undefined) this.#hold(next);
  }
}
