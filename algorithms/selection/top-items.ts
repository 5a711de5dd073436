/**
 * The best k of all items by the product of vectors, exactly, in a fraction of the multiplications:
 * the items' vectors once more in 8 bits give each an upper bound, and only those that may win are
 * multiplied in full (`kernels/assembly/scan.ts`). Scores are f32, ties go to the smaller item; the
 * bits are the same on every machine.
 *
 * Memory: 5·d + 21 bytes an item, and at most 72 KB. Not for several threads at once: a finder has one scratch.
 */
import type { KernelEngine } from '../kernels/kernel-engine.ts';
import type { KernelRegion } from '../kernels/kernel-memory.ts';
import { scanKernels } from '../kernels/scan.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';
import { checkCount } from '../model/option-checks.ts';
import { atOnce, type Pieces } from '../model/pieces.ts';
import type { ItemVectors } from './top-items-reference.ts';

export interface TopItem {
  readonly item: number;
  readonly score: number;
}

/** The first `count` of each, best first; they hold until the next search. */
export interface TopItemColumns {
  readonly count: number;
  readonly items: Uint32Array;
  readonly scores: Float32Array;
}

/** As many items as one step of the scan takes. */
const BLOCK = 32;
/** Blocks whose bounds are noted before any of their items is multiplied. */
const NOTED_BLOCKS_MAX = 512;
/** A bound for each item, and one for each of four groups. */
const NOTES_PER_BLOCK = BLOCK + 4;
/** Items that are measured, or packed, in one piece of work. */
const ITEMS_AT_ONCE = 512;

export class TopItems {
  readonly #region: KernelRegion;
  readonly #memory: KernelEngine['memory'];
  readonly #kernels;
  readonly #count: number;
  readonly #stride: number;
  readonly #words: readonly number[];
  readonly #vector: Float32Array;
  #keys: KernelRegion;
  #keysAt = 0;
  #found: FoundColumns = foundColumns(0);
  readonly #skips: Int8Array;

  constructor(
    engine: KernelEngine,
    items: ItemVectors,
    packed: PackedItems = atOnce(packedItems(engine, items)),
  ) {
    this.#memory = engine.memory;
    this.#kernels = engine.functions(scanKernels, 'relaxed');
    this.#region = packed.region;
    this.#keys = engine.memory.region();
    this.#count = items.itemCount;
    this.#stride = Math.ceil(items.dimensions / 4) * 4;
    this.#vector = this.#region.f32(this.#stride);
    const scratch = this.#region.bytes(this.#stride * 8);
    this.#skips = packed.skips;
    const { rows, bytes, scales, losses, norms, sums, ids, skips } = packed;
    const notedBlocks = Math.min(NOTED_BLOCKS_MAX, Math.floor(items.itemCount / BLOCK));
    const notes = this.#region.f32(notedBlocks * NOTES_PER_BLOCK);
    this.#words = [
      scratch,
      this.#vector.byteOffset,
      this.#stride,
      ...[rows, bytes, scales, losses, norms, sums, ids, skips].map((array) => array.byteOffset),
      items.itemCount,
      notes.byteOffset,
      notedBlocks,
    ];
  }

  /** The same, made between other work: packing many items takes a while. */
  static *inPieces(engine: KernelEngine, items: ItemVectors): Pieces<TopItems> {
    return new TopItems(engine, items, yield* packedItems(engine, items));
  }

  /** Best first. */
  find(vector: ArrayLike<number>, k: number): TopItem[] {
    const { count, items, scores } = this.search(vector, k);
    return Array.from({ length: count }, (_, at) => ({ item: items[at]!, score: scores[at]! }));
  }

  /** The same without an object for each, and without the items in `leftOut`. */
  search(vector: ArrayLike<number>, k: number, leftOut: ArrayLike<number> = NONE): TopItemColumns {
    checkCount('k', k, 0);
    if (k > this.#found.items.length) this.#makeRoom(k);
    if (k === 0 || this.#count === 0) return { ...this.#found, count: 0 };
    this.#take(vector);
    for (let at = 0; at < leftOut.length; at++) this.#skips[leftOut[at]!] = 1;
    const count = this.#kernels.best(...this.#words, leftOut.length, k, this.#keysAt, keysMaxOf(k));
    for (let at = 0; at < leftOut.length; at++) this.#skips[leftOut[at]!] = 0;
    return sortedColumns(
      new BigUint64Array(this.#memory.memory.buffer, this.#keysAt, count),
      this.#found,
    );
  }

  #take(vector: ArrayLike<number>): void {
    this.#vector.fill(0);
    for (let i = 0; i < vector.length; i++) {
      if (!Number.isFinite(vector[i])) {
        throw new AlgorithmError('bad_data', {
          what: 'a vector',
          expected: 'finite numbers',
          got: vector[i],
        });
      }
      this.#vector[i] = vector[i]!;
    }
  }

  #makeRoom(k: number): void {
    this.#keys.release();
    this.#keys = this.#memory.region();
    this.#keysAt = this.#keys.bytes(keysMaxOf(k) * 8);
    this.#found = foundColumns(k);
  }

  release(): void {
    this.#keys.release();
    this.#region.release();
  }
}

const NONE: readonly number[] = [];

/** Room for what may be among the best k: with twice as much it is seldom cleared. */
const keysMaxOf = (k: number): number => k + Math.max(k, 32);

const foundColumns = (length: number) => ({
  items: new Uint32Array(length),
  scores: new Float32Array(length),
});
type FoundColumns = ReturnType<typeof foundColumns>;

const SIGN = 0x8000_0000;

/**
 * From keys in any order to columns, best first, ties by the smaller item. The bits of a score, turned so
 * that they rise with it, and the item turned round are one number of 64 bits: such numbers sort without
 * a comparison in JavaScript.
 */
const sortedColumns = (keys: BigUint64Array, found: FoundColumns): TopItemColumns => {
  const count = keys.length;
  const { items, scores } = found;
  keys.sort();
  const words = new Uint32Array(keys.buffer, keys.byteOffset, count * 2);
  const scoreBits = new Uint32Array(scores.buffer);
  for (let at = 0; at < count; at++) {
    const from = (count - 1 - at) * 2;
    const turned = words[from + 1]!;
    items[at] = ~words[from]!;
    scoreBits[at] = turned & SIGN ? turned & ~SIGN : ~turned;
  }
  return { count, items, scores };
};

const badVectors = ({ itemCount, dimensions, factors }: ItemVectors): AlgorithmError =>
  new AlgorithmError('bad_data', {
    what: 'the item vectors',
    expected: `${itemCount * dimensions} finite numbers`,
    got: `${factors.length} numbers, some perhaps not finite`,
  });

/** The arrays that the scan reads, items by falling norm. */
interface PackedArrays {
  readonly rows: Float32Array;
  readonly bytes: Int8Array;
  readonly scales: Float32Array;
  readonly losses: Float32Array;
  readonly norms: Float32Array;
  readonly sums: Int32Array;
  readonly ids: Uint32Array;
  /** By id: 1 for one that is passed over. */
  readonly skips: Int8Array;
}

interface PackedItems extends PackedArrays {
  readonly region: KernelRegion;
}

function* roomFor(itemCount: number, stride: number, region: KernelRegion): Pieces<PackedArrays> {
  const room = Math.ceil(itemCount / BLOCK) * BLOCK;
  const rows = region.f32(room * stride);
  yield;
  const bytes = region.i8(room * stride);
  yield;
  return {
    rows,
    bytes,
    scales: region.f32(room),
    losses: region.f32(room),
    norms: region.f32(room),
    sums: region.i32(room),
    ids: region.u32(room),
    skips: region.i8(room),
  };
}

function* packedItems(engine: KernelEngine, items: ItemVectors): Pieces<PackedItems> {
  checkCount('dimensions', items.dimensions);
  if (items.factors.length !== items.itemCount * items.dimensions) throw badVectors(items);
  const norms = yield* normsOf(items);
  const region = engine.memory.region();
  let isDone = false;
  try {
    const arrays = yield* roomFor(items.itemCount, Math.ceil(items.dimensions / 4) * 4, region);
    const order = yield* byFallingNorm(norms);
    const { pack } = engine.functions(scanKernels, 'relaxed');
    const { rows, bytes, scales, losses, sums } = arrays;
    const addresses = [rows, bytes, scales, losses, arrays.norms, sums].map(
      (array) => array.byteOffset,
    );
    const stride = Math.ceil(items.dimensions / 4) * 4;
    for (let from = 0; from < order.length; from += ITEMS_AT_ONCE) {
      const to = Math.min(order.length, from + ITEMS_AT_ONCE);
      for (let place = from; place < to; place++) {
        const item = order[place]!;
        const start = item * items.dimensions;
        rows.set(items.factors.subarray(start, start + items.dimensions), place * stride);
        arrays.ids[place] = item;
        arrays.norms[place] = norms[item]!;
      }
      pack(...addresses, stride, from, to);
      yield;
    }
    isDone = true;
    return { ...arrays, region };
  } finally {
    if (!isDone) region.release();
  }
}

function* normsOf(items: ItemVectors): Pieces<Float64Array> {
  const { itemCount, dimensions, factors } = items;
  const norms = new Float64Array(itemCount);
  for (let item = 0; item < itemCount; item++) {
    let squares = 0;
    for (let at = item * dimensions; at < (item + 1) * dimensions; at++) {
      squares += factors[at]! * factors[at]!;
    }
    norms[item] = Math.sqrt(squares);
    // Squares of numbers near the end of f32 stay far below the end of f64.
    if (!Number.isFinite(norms[item])) throw badVectors(items);
    if (item % ITEMS_AT_ONCE === ITEMS_AT_ONCE - 1) yield;
  }
  return norms;
}

/**
 * Ties by the smaller item. A norm in f32 and the item, turned round, are the two halves of a number
 * of 64 bits: such numbers sort as the pairs do, without a comparison in JavaScript.
 */
function* byFallingNorm(norms: Float64Array): Pieces<Uint32Array> {
  const keys = new Float64Array(norms.length);
  const words = new Uint32Array(keys.buffer);
  const bits = new Uint32Array(Float32Array.from(norms).buffer);
  for (let item = 0; item < norms.length; item++) {
    words[item * 2] = 0xffff_ffff - item;
    words[item * 2 + 1] = bits[item]!;
  }
  yield;
  keys.sort();
  yield;
  const order = new Uint32Array(norms.length);
  for (let place = 0; place < order.length; place++) {
    order[place] = 0xffff_ffff - words[(order.length - 1 - place) * 2]!;
  }
  return order;
}
