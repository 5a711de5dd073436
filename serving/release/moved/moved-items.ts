/**
 * Items' vectors as they are now, and the search for the best of them: those of the release, and those
 * that moved since. What moved is searched one by one until there are so many that the whole is packed
 * anew beside the former, and the search goes over to it in one step; both find exactly the best.
 *
 * Memory: 4 bytes a number of a moved item; while it is packed anew, the vectors twice.
 */
import type { FoldIn } from '../../../algorithms/factors/fold-in.ts';
import type { KernelEngine } from '../../../algorithms/kernels/kernel-engine.ts';
import { inTurns, type Pieces } from '../../../algorithms/model/pieces.ts';
import { TopItems } from '../../../algorithms/selection/top-items.ts';

/** A search looks at so many one by one: 64 numbers each, some 10 microseconds in all. */
const LOOSE_MAX = 256;
/** Numbers that are copied in one piece of work. */
const COPIED_AT_ONCE = 262_144;

export interface MovedItemsParts {
  readonly engine: KernelEngine;
  /** Holds the release's own vectors, which never change. */
  readonly foldIn: FoldIn;
  readonly topItems: TopItems;
  readonly itemCount: number;
}

export class MovedItems {
  readonly #given: MovedItemsParts;
  #topItems: TopItems;
  readonly #moved = new Map<number, Float32Array>();
  /** Those of which the packed vectors hold an older one. */
  readonly #loose = new Set<number>();
  #isPacking = false;

  constructor(given: MovedItemsParts) {
    this.#given = given;
    this.#topItems = given.topItems;
  }

  get count(): number {
    return this.#moved.size;
  }

  vectorOf(item: number): Float32Array {
    return this.#moved.get(item) ?? this.#given.foldIn.factorsOf(item);
  }

  move(item: number, vector: Float32Array): void {
    this.#moved.set(item, vector);
    this.#loose.add(item);
  }

  /** All items are where the release has them. */
  putBack(): void {
    for (const item of this.#moved.keys()) this.move(item, this.#given.foldIn.factorsOf(item));
  }

  /** Calls `give` with the best `count` whose score is above 0, and with any that moved of late. */
  search(
    vector: Float32Array,
    { count, leftOut }: { readonly count: number; readonly leftOut: readonly number[] },
    give: (item: number, score: number) => void,
  ): void {
    const skipped = this.#loose.size === 0 ? leftOut : [...leftOut, ...this.#loose];
    const found = this.#topItems.search(vector, count, skipped);
    for (let at = 0; at < found.count && found.scores[at]! > 0; at++) {
      give(found.items[at]!, found.scores[at]!);
    }
    if (this.#loose.size === 0) return;
    const isLeftOut = new Set(leftOut);
    for (const item of this.#loose) {
      const score = product(this.#moved.get(item)!, vector);
      if (score > 0 && !isLeftOut.has(item)) give(item, score);
    }
  }

  /** Packs them anew where too many are loose; resolves once the search goes by it. */
  async packWhenDue(signal: AbortSignal): Promise<void> {
    if (this.#isPacking || this.#loose.size < LOOSE_MAX) return;
    this.#isPacking = true;
    const packed = new Map([...this.#loose].map((item) => [item, this.#moved.get(item)!]));
    try {
      const topItems = await inTurns(this.#packed(), signal);
      this.#topItems.release();
      this.#topItems = topItems;
      for (const [item, vector] of packed) {
        if (this.#moved.get(item) === vector) this.#loose.delete(item);
      }
    } finally {
      this.#isPacking = false;
    }
  }

  *#packed(): Pieces<TopItems> {
    const { engine, foldIn, itemCount } = this.#given;
    const { factors: rows, width } = foldIn.rows;
    const moved = [...this.#moved];
    const factors = new Float32Array(itemCount * width);
    for (let from = 0; from < factors.length; from += COPIED_AT_ONCE) {
      factors.set(rows.subarray(from, Math.min(factors.length, from + COPIED_AT_ONCE)), from);
      yield;
    }
    for (const [item, vector] of moved) factors.set(vector, item * width);
    return yield* TopItems.inPieces(engine, { itemCount, dimensions: width, factors });
  }

  release(): void {
    this.#topItems.release();
  }
}

/** The first may be filled up with zeros. */
export const product = (left: Float32Array, right: Float32Array): number => {
  let sum = 0;
  for (let k = 0; k < right.length; k++) sum += left[k]! * right[k]!;
  return sum;
};
