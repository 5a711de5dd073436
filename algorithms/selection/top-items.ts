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

  constructor(engine: KernelEngine, items: ItemVectors) {
    checkVectors(items);
    const { itemCount, dimensions } = items;
    this.#memory = engine.memory;
    this.#kernels = engine.functions(scanKernels, 'relaxed');
    this.#region = engine.memory.region();
    this.#heap = engine.memory.region();
    this.#count = itemCount;
    this.#stride = Math.ceil(dimensions / 4) * 4;
    this.#vector = this.#region.f32(this.#stride);
    const scratch = this.#region.bytes(this.#stride * 8);
    const { rows, bytes, scales, losses, norms, sums, ids } = packed(items, this.#region);
    this.#words = [
      scratch,
      this.#vector.byteOffset,
      this.#stride,
      ...[rows, bytes, scales, losses, norms, sums, ids].map((array) => array.byteOffset),
      itemCount,
    ];
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

const checkVectors = ({ itemCount, dimensions, factors }: ItemVectors): void => {
  checkCount('dimensions', dimensions);
  if (factors.length !== itemCount * dimensions || !factors.every(Number.isFinite)) {
    throw new AlgorithmError('bad_data', {
      what: 'the item vectors',
      expected: `${itemCount * dimensions} finite numbers`,
      got: `${factors.length} numbers, some perhaps not finite`,
    });
  }
};

const normOf = (row: Float32Array): number => {
  let squares = 0;
  for (const value of row) squares += value * value;
  return Math.sqrt(squares);
};

/** The arrays that the scan reads, items by falling norm. */
const packed = ({ itemCount, dimensions, factors }: ItemVectors, region: KernelRegion) => {
  const stride = Math.ceil(dimensions / 4) * 4;
  const room = Math.ceil(itemCount / BLOCK) * BLOCK;
  const rowOf = (item: number) => factors.subarray(item * dimensions, (item + 1) * dimensions);
  const norm = Float64Array.from({ length: itemCount }, (_, item) => normOf(rowOf(item)));
  const order = Uint32Array.from(norm, (_, item) => item).sort(
    (a, b) => norm[b]! - norm[a]! || a - b,
  );
  const arrays = {
    rows: region.f32(room * stride),
    bytes: region.i8(room * stride),
    scales: region.f32(room),
    losses: region.f32(room),
    norms: region.f32(room),
    sums: region.i32(room),
    ids: region.u32(room),
  };
  order.forEach((item, place) => {
    const row = rowOf(item);
    arrays.rows.set(row, place * stride);
    arrays.ids[place] = item;
    const largest = row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const scale = largest > 0 ? largest / ITEM_BYTE_MAX : 1;
    const byteAt = (i: number): number =>
      Math.floor(place / BLOCK) * stride * BLOCK +
      (i >> 2) * 128 +
      ((place % BLOCK) >> 2) * 16 +
      (place & 3) * 4 +
      (i & 3);
    let sum = 0;
    let lost = 0;
    for (let i = 0; i < dimensions; i++) {
      const byte = Math.round(row[i]! / scale);
      arrays.bytes[byteAt(i)] = byte;
      sum += byte;
      lost += (row[i]! - byte * scale) ** 2;
    }
    arrays.scales[place] = scale;
    arrays.losses[place] = Math.sqrt(lost) + norm[item]! * BOUND_ROUNDING;
    // The norm also bounds the 8-bit copy's, which may be longer by what was lost.
    arrays.norms[place] = (norm[item]! + Math.sqrt(lost)) * (1 + BOUND_ROUNDING);
    arrays.sums[place] = 64 * sum;
  });
  return arrays;
};
