/**
 * A person's vector from their own events and the items' vectors:
 *
 *   A = α₀HᵀH + Σ cₖhₖhₖᵀ + λ(Σcₖ + α₀|I|)^ν·I,   b = Σ₊ cₖhₖ,   x = A⁻¹b
 *
 * What training does for a row, for one row and on the plain build: the same bits on every machine.
 * A dislike adds to A alone. An undo solves again; there is no way to take an event out of A that
 * does not lose digits.
 *
 * `improve` starts from an earlier vector and takes a few conjugate gradient steps: half the time,
 * but the result depends on where it started, so it is for showing, not for what is kept.
 */
import { alsKernels } from '../kernels/als.ts';
import type { KernelEngine } from '../kernels/kernel-engine.ts';
import type { KernelRegion } from '../kernels/kernel-memory.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';
import { atOnce, type Pieces } from '../model/pieces.ts';
import { strideOf } from './als-side.ts';
import { type ImplicitAlsOptions, ridgeOf } from './implicit-als-options.ts';

/** One person's events for a fold-in: items with their cₖ, negative for a dislike. */
export interface WeightedItems {
  readonly items: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
}

export interface ItemFactors {
  readonly itemCount: number;
  /** Row-major, `dimensions` numbers an item. */
  readonly factors: Float32Array;
  readonly options: ImplicitAlsOptions;
}

const FIRST_EVENTS = 64;
/** Rows that are copied, and summed into the gram matrix, in one piece of work. */
const ROWS_AT_ONCE = 2_048;

/** The items' vectors and α₀HᵀH in an engine's memory. */
interface PlacedFactors {
  readonly region: KernelRegion;
  readonly rows: Float32Array;
  readonly gram: Float32Array;
}

export class FoldIn {
  readonly dimensions: number;
  readonly #stride: number;
  readonly #itemCount: number;
  readonly #options: ImplicitAlsOptions;
  readonly #kernels;
  readonly #region: KernelRegion;
  readonly #memory: KernelEngine['memory'];
  readonly #factors: Float32Array;
  readonly #gram: Float32Array;
  readonly #scratch: number;
  readonly #vector: Float32Array;
  #scores: Float32Array | null = null;
  #events: KernelRegion;
  #columns: Uint32Array;
  #confidences: Float32Array;
  #pulls: Float32Array;
  #products: Float32Array;
  /** Of the events that were solved for last. */
  #count = 0;

  constructor(
    engine: KernelEngine,
    items: ItemFactors,
    placed: PlacedFactors = atOnce(placedFactors(engine, items)),
  ) {
    const { itemCount, options } = items;
    this.dimensions = options.dimensions;
    this.#options = options;
    this.#itemCount = itemCount;
    this.#stride = strideOf(options.dimensions);
    this.#kernels = engine.functions(alsKernels, 'plain');
    this.#memory = engine.memory;
    this.#region = placed.region;
    this.#factors = placed.rows;
    this.#gram = placed.gram;
    this.#scratch = this.#region.bytes(this.#kernels.solveScratch(this.#stride));
    this.#vector = this.#region.f32(this.#stride);
    this.#events = engine.memory.region();
    this.#columns = this.#events.u32(FIRST_EVENTS);
    this.#confidences = this.#events.f32(FIRST_EVENTS);
    this.#pulls = this.#events.f32(FIRST_EVENTS);
    this.#products = this.#events.f32(FIRST_EVENTS);
  }

  /** The same, made between other work: placing many items takes a while. */
  static *inPieces(engine: KernelEngine, items: ItemFactors): Pieces<FoldIn> {
    return new FoldIn(engine, items, yield* placedFactors(engine, items));
  }

  /** All items' vectors, each filled up with zeros to a whole number of fours; a view. */
  get rows(): { readonly factors: Float32Array; readonly width: number } {
    return { factors: this.#factors, width: this.#stride };
  }

  /** An item's vector; a view. */
  factorsOf(item: number): Float32Array {
    const start = item * this.#stride;
    return this.#factors.subarray(start, start + this.dimensions);
  }

  /** Writes the person's vector into `into`; zeros for nobody's events. */
  solve(events: WeightedItems, into: Float32Array): void {
    const { count, ridge } = this.#load(events);
    this.#check(this.#kernels.solveRow(...this.#row(count, ridge)));
    into.set(this.#vector.subarray(0, this.dimensions));
  }

  /** Writes A⁻¹·target into `into`, A being that of the events: what an item's score is made of. */
  solveFor(events: WeightedItems, target: Float32Array, into: Float32Array): void {
    const { count, ridge } = this.#load(events);
    this.#pulls.fill(0, 0, count);
    this.#vector.fill(0);
    this.#vector.set(target);
    if (count > 0) this.#check(this.#kernels.solveTowards(...this.#row(count, ridge)));
    into.set(this.#vector.subarray(0, this.dimensions));
  }

  /**
   * Factors A of these events once, for as many targets as `productsFor` is then asked for, at a
   * twentieth of the cost of a solve each. Any other solve ends it.
   */
  factor(events: WeightedItems): void {
    const { count, ridge } = this.#load(events);
    this.#pulls.fill(0, 0, count);
    this.#vector.fill(0);
    this.#check(this.#kernels.solveTowards(...this.#row(count, ridge)));
  }

  /**
   * The products of A⁻¹·target with the vectors of the events of the last solve or `factor`, in their
   * order: times cₖ, what each of them gives to the score of an item of this vector. A view.
   */
  productsFor(target: Float32Array): Float32Array {
    this.#vector.fill(0);
    this.#vector.set(target);
    const vector = this.#vector.byteOffset;
    this.#kernels.substitute(this.#scratch, vector, this.#stride);
    this.#kernels.productsOf(
      this.#columns.byteOffset,
      this.#count,
      this.#factors.byteOffset,
      this.#stride,
      vector,
      this.#products.byteOffset,
    );
    return this.#products;
  }

  #check(failed: number): void {
    if (failed === 0) return;
    throw new AlgorithmError('not_positive_definite', { pivot: 'none above 0', row: 'one' });
  }

  /** Brings `vector`, a fold-in of nearly the same events, closer to that of these. */
  improve(events: WeightedItems, vector: Float32Array, steps: number): void {
    const { count, ridge } = this.#load(events);
    this.#vector.fill(0);
    this.#vector.set(vector);
    this.#kernels.improveRow(...this.#row(count, ridge), steps);
    vector.set(this.#vector.subarray(0, this.dimensions));
  }

  /** All items' scores for a vector; a view that holds until the next call. */
  scores(vector: Float32Array): Float32Array {
    this.#vector.fill(0);
    this.#vector.set(vector);
    this.#scores ??= this.#region.f32(this.#itemCount);
    this.#kernels.scores(
      this.#factors.byteOffset,
      this.#itemCount,
      this.#stride,
      this.#vector.byteOffset,
      this.#scores.byteOffset,
    );
    return this.#scores;
  }

  #row(count: number, ridge: number): number[] {
    return [
      this.#scratch,
      this.#columns.byteOffset,
      this.#confidences.byteOffset,
      this.#pulls.byteOffset,
      count,
      this.#factors.byteOffset,
      this.#gram.byteOffset,
      ridge,
      this.#stride,
      this.#vector.byteOffset,
    ];
  }

  #load({ items, weights }: WeightedItems): { readonly count: number; readonly ridge: number } {
    if (items.length > this.#columns.length) this.#makeRoom(items.length);
    let count = 0;
    let confidence = 0;
    for (let k = 0; k < items.length; k++) {
      const [item, weight] = [items[k]!, weights[k]!];
      if (!Number.isFinite(weight)) {
        throw new AlgorithmError('bad_data', {
          what: 'a weight',
          expected: 'a finite number',
          got: weight,
        });
      }
      // An item that came after the release has no vector yet.
      if (item >= this.#itemCount) continue;
      this.#columns[count] = item;
      this.#confidences[count] = Math.abs(weight);
      this.#pulls[count] = Math.max(weight, 0);
      confidence += this.#confidences[count]!;
      count += 1;
    }
    this.#count = count;
    return { count, ridge: ridgeOf(this.#options, { confidence, otherCount: this.#itemCount }) };
  }

  #makeRoom(wanted: number): void {
    const length = Math.max(wanted, this.#columns.length * 2);
    this.#events.release();
    this.#events = this.#memory.region();
    this.#columns = this.#events.u32(length);
    this.#confidences = this.#events.f32(length);
    this.#pulls = this.#events.f32(length);
    this.#products = this.#events.f32(length);
  }

  release(): void {
    this.#events.release();
    this.#region.release();
  }
}

function* placedFactors(
  engine: KernelEngine,
  { itemCount, factors, options }: ItemFactors,
): Pieces<PlacedFactors> {
  const region = engine.memory.region();
  let isDone = false;
  try {
    const stride = strideOf(options.dimensions);
    const rows = region.f32(itemCount * stride);
    const dimensions = itemCount === 0 ? 0 : factors.length / itemCount;
    for (let row = 0; row < itemCount; row++) {
      rows.set(factors.subarray(row * dimensions, (row + 1) * dimensions), row * stride);
      if (row % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) yield;
    }
    const gram = region.f32(stride * stride);
    const { gram: addGram } = engine.functions(alsKernels, 'plain');
    for (let from = 0; from < itemCount; from += ROWS_AT_ONCE) {
      const count = Math.min(ROWS_AT_ONCE, itemCount - from);
      addGram(rows.byteOffset + from * stride * 4, count, stride, gram.byteOffset);
      yield;
    }
    scaleSymmetric(gram, stride, options.unobservedWeight);
    isDone = true;
    return { region, rows, gram };
  } finally {
    if (!isDone) region.release();
  }
}

/** The lower half by columns, scaled, on both sides. */
const scaleSymmetric = (gram: Float32Array, d: number, scale: number): void => {
  for (let column = 0; column < d; column++) {
    for (let row = column; row < d; row++) {
      const value = gram[column * d + row]! * scale;
      gram[column * d + row] = value;
      gram[row * d + column] = value;
    }
  }
};
