/**
 * Stochastic gradient descent for r(u, i) ≈ μ + b_u + b_i + q_iᵀ(p_u + |N(u)|^−½ Σ_{j∈N(u)} y_j):
 * SVD++ (Koren, 2008), and biased MF where the y are left out.
 *
 * The textbook updates every y_j of the person after each rating: n² vectors a person. But all of
 * them change alike: with s = 1 − rate·regularisation and a = the vector that gathers
 * a ← s·a + rate·e·q, after n ratings y_j = sⁿ·y_j + |N|^−½·a and p = sⁿ·p + a. So one vector
 * w = p + |N|^−½ Σ y_j is carried through the person's ratings (w ← s·w + 2·rate·e·q) and the y
 * are written once at the end: n vectors a person, the same algorithm (a test compares them).
 *
 * The kernel works in f32 and one thread, rating after rating, so a seed gives the same bits on one
 * machine. Cost: ratings · k · 4 multiply-adds an epoch, a tenth of a second for 720 k ratings at
 * k = 128. Divergence (a rate that is too high for the values' scale) is refused, not returned.
 */
import type { SparseRows } from '../histories/user-items.ts';
import { type FactorSgdKernels, factorSgdKernels } from '../kernels/factor-sgd.ts';
import { inlineEngine, type KernelEngine } from '../kernels/kernel-engine.ts';
import type { KernelRegion } from '../kernels/kernel-memory.ts';
import type { KernelBuild } from '../kernels/kernel-module.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';
import { type FitContext, pause } from '../model/fit-context.ts';
import { checkCount, checkNonNegative, checkPositive, checkRange } from '../model/option-checks.ts';
import { type SeededRandom, seededRandom, shuffle } from '../random/seeded-random.ts';
import { meanOf } from './rating-model.ts';

export interface FactorSgdOptions {
  readonly factors: number;
  readonly epochs: number;
  /** Step of the vectors in the first epoch. */
  readonly rate: number;
  /** Step of the biases in the first epoch. */
  readonly biasRate: number;
  /** Each epoch's steps are this share of the last one's. */
  readonly decay: number;
  readonly regularisation: number;
  readonly biasRegularisation: number;
  /** Standard deviation of the item vectors at the start; the others start at 0. */
  readonly deviation: number;
}

export const checkFactorSgdOptions = (options: FactorSgdOptions): void => {
  checkCount('factors', options.factors);
  checkCount('epochs', options.epochs);
  checkPositive('rate', options.rate);
  checkPositive('biasRate', options.biasRate);
  checkPositive('decay', options.decay);
  checkRange('decay', options.decay, { min: 0, max: 1 });
  checkNonNegative('regularisation', options.regularisation);
  checkNonNegative('biasRegularisation', options.biasRegularisation);
  checkPositive('deviation', options.deviation);
};

/** All parameters; vectors are rows of `factors` numbers. */
export interface SgdState {
  readonly mean: number;
  readonly userBiases: Float64Array;
  readonly itemBiases: Float64Array;
  readonly userFactors: Float64Array;
  readonly itemFactors: Float64Array;
  /** null for plain biased MF. */
  readonly implicitFactors: Float64Array | null;
}

export const startState = (
  ratings: SparseRows,
  { factors, deviation }: FactorSgdOptions,
  { random, isImplicit }: { readonly random: SeededRandom; readonly isImplicit: boolean },
): SgdState => {
  const { rowCount, columnCount } = ratings;
  const itemFactors = new Float64Array(columnCount * factors);
  for (let k = 0; k < itemFactors.length; k++) itemFactors[k] = deviation * random.normal();
  return {
    mean: meanOf(ratings.values),
    userBiases: new Float64Array(rowCount),
    itemBiases: new Float64Array(columnCount),
    userFactors: new Float64Array(rowCount * factors),
    itemFactors,
    implicitFactors: isImplicit ? new Float64Array(columnCount * factors) : null,
  };
};

/** The steps of one epoch. */
export interface EpochSteps {
  readonly rate: number;
  readonly biasRate: number;
}

/** In which order an epoch visits people, and each person's ratings. */
export interface VisitOrder {
  readonly users: Uint32Array;
  /** Positions in the ratings' arrays; each person's stay within the person's row. */
  readonly ratings: Uint32Array;
}

export const reshuffle = (order: VisitOrder, starts: Uint32Array, random: SeededRandom): void => {
  shuffle(order.users, random);
  for (let user = 0; user + 1 < starts.length; user++) {
    shuffle(order.ratings.subarray(starts[user]!, starts[user + 1]!), random);
  }
};

/** Beyond it a fit has diverged. */
const SANE_MAX = 1e15;

/** Numbers of a row in the kernel: whole vectors of four. */
const paddedTo4 = (factors: number): number => Math.ceil(factors / 4) * 4;

/** In place: 0, 1, 2 and so on. */
const numbered = (places: Uint32Array): Uint32Array => {
  for (let k = 0; k < places.length; k++) places[k] = k;
  return places;
};

/** All parameters in the kernels' memory, and epochs over them. */
export class FactorSgd {
  readonly #options: FactorSgdOptions;
  readonly #start: SgdState;
  readonly #ratings: SparseRows;
  readonly #region: KernelRegion;
  readonly #visit: FactorSgdKernels['visit'];
  readonly #scratch: number;
  readonly #data: Readonly<Record<'starts' | 'columns' | 'values', number>>;
  readonly #biases: { readonly users: Float32Array; readonly items: Float32Array };
  readonly #rows: {
    readonly users: Float32Array;
    readonly items: Float32Array;
    readonly implicit: Float32Array | null;
  };
  /** In the kernels' memory, to be shuffled between epochs. */
  readonly order: VisitOrder;

  constructor(
    ratings: SparseRows,
    options: FactorSgdOptions,
    start: SgdState,
    { engine, build }: { readonly engine: KernelEngine; readonly build: KernelBuild },
  ) {
    const region = engine.memory.region();
    const rowLength = paddedTo4(options.factors);
    const rowsOf = (factors: Float64Array): Float32Array => {
      const count = factors.length / options.factors;
      const rows = region.f32(count * rowLength);
      for (let row = 0; row < count; row++) {
        const from = row * options.factors;
        rows.set(factors.subarray(from, from + options.factors), row * rowLength);
      }
      return rows;
    };
    this.#options = options;
    this.#start = start;
    this.#ratings = ratings;
    this.#region = region;
    this.#visit = engine.functions(factorSgdKernels, build).visit;
    this.#scratch = region.bytes(2 * 4 * rowLength);
    this.#data = {
      starts: region.copyU32(ratings.starts).byteOffset,
      columns: region.copyU32(ratings.columns).byteOffset,
      values: region.copyF32(ratings.values).byteOffset,
    };
    this.#biases = {
      users: region.copyF32(start.userBiases),
      items: region.copyF32(start.itemBiases),
    };
    this.#rows = {
      users: rowsOf(start.userFactors),
      items: rowsOf(start.itemFactors),
      implicit: start.implicitFactors && rowsOf(start.implicitFactors),
    };
    this.order = {
      users: numbered(region.u32(ratings.rowCount)),
      ratings: numbered(region.u32(ratings.columns.length)),
    };
  }

  epoch({ rate, biasRate }: EpochSteps): void {
    const { regularisation, biasRegularisation, factors } = this.#options;
    const { users, items, implicit } = this.#rows;
    this.#visit(
      this.#scratch,
      this.order.users.byteOffset,
      this.#ratings.rowCount,
      this.#data.starts,
      this.order.ratings.byteOffset,
      this.#data.columns,
      this.#data.values,
      this.#biases.users.byteOffset,
      this.#biases.items.byteOffset,
      users.byteOffset,
      items.byteOffset,
      implicit?.byteOffset ?? 0,
      4 * paddedTo4(factors),
      this.#start.mean,
      rate,
      biasRate,
      regularisation,
      biasRegularisation,
    );
    this.#checkFinite();
  }

  #checkFinite(): void {
    const isSane = (value: number): boolean => Math.abs(value) < SANE_MAX;
    if (this.#rows.items.every(isSane) && this.#biases.items.every(isSane)) return;
    throw new AlgorithmError('bad_option', {
      name: 'rate',
      expected: 'a step at which the fit converges on these values',
      got: this.#options.rate,
    });
  }

  /** A copy of the parameters as they are now. */
  state(): SgdState {
    const { factors } = this.#options;
    const rowLength = paddedTo4(factors);
    const factorsOf = (rows: Float32Array): Float64Array => {
      const packed = new Float64Array((rows.length / rowLength) * factors);
      for (let row = 0; row * rowLength < rows.length; row++) {
        packed.set(rows.subarray(row * rowLength, row * rowLength + factors), row * factors);
      }
      return packed;
    };
    const { users, items, implicit } = this.#rows;
    return {
      mean: this.#start.mean,
      userBiases: Float64Array.from(this.#biases.users),
      itemBiases: Float64Array.from(this.#biases.items),
      userFactors: factorsOf(users),
      itemFactors: factorsOf(items),
      implicitFactors: implicit && factorsOf(implicit),
    };
  }

  [Symbol.dispose](): void {
    this.#region.release();
  }
}

export const runSgd = async (
  ratings: SparseRows,
  options: FactorSgdOptions,
  context: FitContext,
  { isImplicit }: { readonly isImplicit: boolean },
): Promise<SgdState> => {
  const random = seededRandom(context.seed);
  const start = startState(ratings, options, { random, isImplicit });
  using sgd = new FactorSgd(ratings, options, start, { engine: inlineEngine(), build: 'relaxed' });
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    await pause(context, epoch / options.epochs);
    const share = options.decay ** epoch;
    reshuffle(sgd.order, ratings.starts, random);
    sgd.epoch({ rate: options.rate * share, biasRate: options.biasRate * share });
  }
  await pause(context, 1);
  return sgd.state();
};
