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
 * Cost: ratings · k · 2 multiply-adds an epoch, half a second for 720 k ratings at k = 128.
 * Divergence (a rate that is too high for the values' scale) is refused, not returned.
 */
import type { SparseRows } from '../histories/user-items.ts';
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

const startOrder = ({ rowCount, columns }: SparseRows): VisitOrder => ({
  users: Uint32Array.from({ length: rowCount }, (_, user) => user),
  ratings: Uint32Array.from({ length: columns.length }, (_, position) => position),
});

export const reshuffle = (order: VisitOrder, starts: Uint32Array, random: SeededRandom): void => {
  shuffle(order.users, random);
  for (let user = 0; user + 1 < starts.length; user++) {
    shuffle(order.ratings.subarray(starts[user]!, starts[user + 1]!), random);
  }
};

/** Four sums side by side, so that one addition need not wait for the last. */
const productAt = (vector: Float64Array, rows: Float64Array, start: number): number => {
  const whole = vector.length - (vector.length % 4);
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let k = 0; k < whole; k += 4) {
    a += vector[k]! * rows[start + k]!;
    b += vector[k + 1]! * rows[start + k + 1]!;
    c += vector[k + 2]! * rows[start + k + 2]!;
    d += vector[k + 3]! * rows[start + k + 3]!;
  }
  for (let k = whole; k < vector.length; k++) a += vector[k]! * rows[start + k]!;
  return a + b + (c + d);
};

export class FactorSgd {
  readonly #ratings: SparseRows;
  readonly #options: FactorSgdOptions;
  readonly #state: SgdState;
  /** p + |N|^−½ Σ y of the person who is visited, as it is now and as it was at first. */
  readonly #current: Float64Array;
  readonly #before: Float64Array;

  constructor(ratings: SparseRows, options: FactorSgdOptions, state: SgdState) {
    this.#ratings = ratings;
    this.#options = options;
    this.#state = state;
    this.#current = new Float64Array(options.factors);
    this.#before = new Float64Array(options.factors);
  }

  epoch(order: VisitOrder, steps: EpochSteps): void {
    for (const user of order.users) {
      if (this.#ratings.starts[user] === this.#ratings.starts[user + 1]) continue;
      this.#gather(user);
      this.#visitRatings(user, order.ratings, steps);
      this.#writeBack(user, steps.rate);
    }
  }

  #scaleOf(user: number): number {
    return 1 / Math.sqrt(this.#ratings.starts[user + 1]! - this.#ratings.starts[user]!);
  }

  #gather(user: number): void {
    const { factors } = this.#options;
    const { starts, columns } = this.#ratings;
    const { userFactors, implicitFactors } = this.#state;
    const current = this.#current.fill(0);
    if (implicitFactors) {
      for (let at = starts[user]!; at < starts[user + 1]!; at++) {
        const row = columns[at]! * factors;
        for (let k = 0; k < factors; k++) current[k]! += implicitFactors[row + k]!;
      }
    }
    const scale = this.#scaleOf(user);
    for (let k = 0; k < factors; k++) {
      current[k] = current[k]! * scale + userFactors[user * factors + k]!;
    }
    this.#before.set(current);
  }

  #visitRatings(user: number, order: Uint32Array, { rate, biasRate }: EpochSteps): void {
    const { factors, regularisation, biasRegularisation } = this.#options;
    const { starts, columns, values } = this.#ratings;
    const { mean, userBiases, itemBiases, itemFactors, implicitFactors } = this.#state;
    const current = this.#current;
    const keep = 1 - rate * regularisation;
    const gains = implicitFactors ? 2 : 1;
    let userBias = userBiases[user]!;
    for (let visit = starts[user]!; visit < starts[user + 1]!; visit++) {
      const position = order[visit]!;
      const item = columns[position]!;
      const row = item * factors;
      const product = productAt(current, itemFactors, row);
      const error = values[position]! - mean - userBias - itemBiases[item]! - product;
      userBias += biasRate * (error - biasRegularisation * userBias);
      itemBiases[item]! += biasRate * (error - biasRegularisation * itemBiases[item]!);
      const step = rate * error;
      const gain = gains * step;
      for (let k = 0; k < factors; k++) {
        const ofItem = itemFactors[row + k]!;
        const ofUser = current[k]!;
        current[k] = keep * ofUser + gain * ofItem;
        itemFactors[row + k] = keep * ofItem + step * ofUser;
      }
    }
    userBiases[user] = userBias;
  }

  #writeBack(user: number, rate: number): void {
    const { factors, regularisation } = this.#options;
    const { starts, columns } = this.#ratings;
    const { userFactors, implicitFactors } = this.#state;
    const kept = (1 - rate * regularisation) ** (starts[user + 1]! - starts[user]!);
    const share = implicitFactors ? 0.5 : 1;
    const scale = this.#scaleOf(user);
    const change = this.#before;
    for (let k = 0; k < factors; k++) {
      const gathered = (this.#current[k]! - kept * this.#before[k]!) * share;
      userFactors[user * factors + k] = kept * userFactors[user * factors + k]! + gathered;
      change[k] = gathered * scale;
    }
    if (!implicitFactors) return;
    for (let at = starts[user]!; at < starts[user + 1]!; at++) {
      const row = columns[at]! * factors;
      for (let k = 0; k < factors; k++) {
        implicitFactors[row + k] = kept * implicitFactors[row + k]! + change[k]!;
      }
    }
  }
}

export const runSgd = async (
  ratings: SparseRows,
  options: FactorSgdOptions,
  context: FitContext,
  { isImplicit }: { readonly isImplicit: boolean },
): Promise<SgdState> => {
  const random = seededRandom(context.seed);
  const state = startState(ratings, options, { random, isImplicit });
  const order = startOrder(ratings);
  const sgd = new FactorSgd(ratings, options, state);
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    await pause(context, epoch / options.epochs);
    const share = options.decay ** epoch;
    reshuffle(order, ratings.starts, random);
    sgd.epoch(order, { rate: options.rate * share, biasRate: options.biasRate * share });
    checkFinite(state, options);
  }
  await pause(context, 1);
  return state;
};

const checkFinite = ({ itemFactors, itemBiases }: SgdState, { rate }: FactorSgdOptions): void => {
  const limit = 1e100;
  const isSane = (value: number): boolean => Math.abs(value) < limit;
  if (itemFactors.every(isSane) && itemBiases.every(isSane)) return;
  throw new AlgorithmError('bad_option', {
    name: 'rate',
    expected: 'a step at which the fit converges on these values',
    got: rate,
  });
};
