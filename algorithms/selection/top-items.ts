/**
 * The best k of all items by the product of vectors, exactly, in a fraction of the multiplications:
 * the items' vectors once more in 8 bits give each an upper bound, and only those that may win are
 * multiplied in full (`kernels/assembly/scan.ts`). Scores are f32, ties go to the smaller item; the
 * bits are the same on every machine.
 *
 * Memory: 5·d + 20 bytes an item. Not for several threads at once: a finder has one scratch.
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

/** As many items as one step of the scan takes. */
const BLOCK = 32;
const ITEM_BYTE_MAX = 127;
/** What the bounds' own rounding may amount to, as a share of the norm. */
const BOUND_ROUNDING = 1e-5;
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
  #heap: KernelRegion;
  #heapAt = 0;
  #heapRoom = 0;

  constructor(
    engine: KernelEngine,
    items: ItemVectors,
    packed: PackedItems = atOnce(packedItems(engine, items)),
  ) {
    this.#memory = engine.memory;
    this.#kernels = engine.functions(scanKernels, 'relaxed');
    this.#region = packed.region;
    this.#heap = engine.memory.region();
    this.#count = items.itemCount;
    this.#stride = Math.ceil(items.dimensions / 4) * 4;
    this.#vector = this.#region.f32(this.#stride);
    const scratch = this.#region.bytes(this.#stride * 8);
    const { rows, bytes, scales, losses, norms, sums, ids } = packed;
    this.#words = [
      scratch,
      this.#vector.byteOffset,
      this.#stride,
      ...[rows, bytes, scales, losses, norms, sums, ids].map((array) => array.byteOffset),
      items.itemCount,
    ];
  }

  /** The same, made between other work: packing many items takes a while. */
  static *inPieces(engine: KernelEngine, items: ItemVectors): Pieces<TopItems> {
    return new TopItems(engine, items, yield* packedItems(engine, items));
  }

  /** Best first. */
  find(vector: ArrayLike<number>, k: number): TopItem[] {
    checkCount('k', k, 0);
    if (k === 0 || this.#count === 0) return [];
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
    if (k > this.#heapRoom) this.#makeRoom(k);
    const found = this.#kernels.best(...this.#words, k, this.#heapAt);
    const { buffer } = this.#memory.memory;
    const scores = new Float32Array(buffer, this.#heapAt, found * 2);
    const items = new Uint32Array(buffer, this.#heapAt, found * 2);
    return Array.from({ length: found }, (_, at) => ({
      item: items[at * 2 + 1]!,
      score: scores[at * 2]!,
    })).sort((a, b) => b.score - a.score || a.item - b.item);
  }

  #makeRoom(k: number): void {
    this.#heap.release();
    this.#heap = this.#memory.region();
    this.#heapAt = this.#heap.bytes(k * 8);
    this.#heapRoom = k;
  }

  release(): void {
    this.#heap.release();
    this.#region.release();
  }
}

const badVectors = ({ itemCount, dimensions, factors }: ItemVectors): AlgorithmError =>
  new AlgorithmError('bad_data', {
    what: 'the item vectors',
    expected: `${itemCount * dimensions} finite numbers`,
    got: `${factors.length} numbers, some perhaps not finite`,
  });

/** NaN where a number of the row is not finite. */
const normOf = (row: Float32Array): number => {
  let squares = 0;
  for (const value of row) squares += value * value;
  return Math.sqrt(squares);
};

/** The arrays that the scan reads, items by falling norm. */
interface PackedItems extends ReturnType<typeof roomFor> {
  readonly region: KernelRegion;
}

const roomFor = (itemCount: number, stride: number, region: KernelRegion) => {
  const room = Math.ceil(itemCount / BLOCK) * BLOCK;
  return {
    rows: region.f32(room * stride),
    bytes: region.i8(room * stride),
    scales: region.f32(room),
    losses: region.f32(room),
    norms: region.f32(room),
    sums: region.i32(room),
    ids: region.u32(room),
  };
};

function* packedItems(engine: KernelEngine, items: ItemVectors): Pieces<PackedItems> {
  checkCount('dimensions', items.dimensions);
  if (items.factors.length !== items.itemCount * items.dimensions) throw badVectors(items);
  const norms = yield* normsOf(items);
  const region = engine.memory.region();
  let isDone = false;
  try {
    const arrays = roomFor(items.itemCount, Math.ceil(items.dimensions / 4) * 4, region);
    yield;
    const order = byFallingNorm(norms);
    for (let place = 0; place < order.length; place++) {
      packItem(items, order[place]!, place, norms[order[place]!]!, arrays);
      if (place % ITEMS_AT_ONCE === ITEMS_AT_ONCE - 1) yield;
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
    norms[item] = normOf(factors.subarray(item * dimensions, (item + 1) * dimensions));
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
const byFallingNorm = (norms: Float64Array): Uint32Array => {
  const keys = new Float64Array(norms.length);
  const words = new Uint32Array(keys.buffer);
  const bits = new Uint32Array(Float32Array.from(norms).buffer);
  for (let item = 0; item < norms.length; item++) {
    words[item * 2] = 0xffff_ffff - item;
    words[item * 2 + 1] = bits[item]!;
  }
  keys.sort();
  const order = new Uint32Array(norms.length);
  for (let place = 0; place < order.length; place++) {
    order[place] = 0xffff_ffff - words[(order.length - 1 - place) * 2]!;
  }
  return order;
};

/** Writes an item's row and its 8-bit copy, with what the scan needs to bound its product. */
const packItem = (
  { dimensions, factors }: ItemVectors,
  item: number,
  place: number,
  norm: number,
  arrays: ReturnType<typeof roomFor>,
): void => {
  const stride = Math.ceil(dimensions / 4) * 4;
  const row = factors.subarray(item * dimensions, (item + 1) * dimensions);
  arrays.rows.set(row, place * stride);
  arrays.ids[place] = item;
  let largest = 0;
  for (const value of row) largest = Math.max(largest, Math.abs(value));
  const scale = largest > 0 ? largest / ITEM_BYTE_MAX : 1;
  const block = Math.floor(place / BLOCK) * stride * BLOCK;
  const lane = ((place % BLOCK) >> 2) * 16 + (place & 3) * 4;
  let sum = 0;
  let lost = 0;
  for (let i = 0; i < dimensions; i++) {
    const byte = Math.round(row[i]! / scale);
    arrays.bytes[block + (i >> 2) * 128 + lane + (i & 3)] = byte;
    sum += byte;
    lost += (row[i]! - byte * scale) ** 2;
  }
  arrays.scales[place] = scale;
  arrays.losses[place] = Math.sqrt(lost) + norm * BOUND_ROUNDING;
  // The norm also bounds the 8-bit copy's, which may be longer by what was lost.
  arrays.norms[place] = (norm + Math.sqrt(lost)) * (1 + BOUND_ROUNDING);
  arrays.sums[place] = 64 * sum;
};
