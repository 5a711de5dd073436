/**
 * A factor model of ratings as it serves: item biases, item vectors and, for SVD++, the implicit
 * ones. It keeps no people: whoever comes is folded in from their ratings by one ridge solve,
 *
 *   [b, p] = argmin Σ_j (r_j − μ − b_j − q_jᵀz − b − q_jᵀp)² + ridge·(n·|p|²) + biasRidge·b²
 *
 * over their n ratings, z = n^−½ Σ y_j; the prediction is μ + b + b_i + q_iᵀ(z + p). With
 * `isRidgePerRating` off the ridge on p does not grow with n.
 * Cost: n·k²/2 + k³/6 multiply-adds a person, 2·k·8 bytes an item.
 */
import type { History } from '../histories/histories.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';
import { areFiniteInPieces } from '../model/finite.ts';
import { arrayOf, decodeModel, encodeModel, type ModelArray } from '../model/model-bytes.ts';
import { checkNonNegative } from '../model/option-checks.ts';
import type { Pieces } from '../model/pieces.ts';
import { ownRatingsOf, type RatingModel } from './rating-model.ts';
import { SmallRidge } from './small-ridge.ts';

/** How a person is folded in. */
export interface FoldInOptions {
  readonly ridge: number;
  readonly isRidgePerRating: boolean;
  readonly biasRidge: number;
}

export const checkFoldIn = ({ ridge, biasRidge }: FoldInOptions): void => {
  checkNonNegative('foldIn.ridge', ridge);
  checkNonNegative('foldIn.biasRidge', biasRidge);
};

export interface FactorRatingParts {
  readonly factors: number;
  readonly mean: number;
  readonly itemBiases: Float64Array;
  readonly itemFactors: Float64Array;
  readonly implicitFactors: Float64Array | null;
  readonly foldIn: FoldInOptions;
}

/** A person as the model sees them. */
export interface FoldedUser {
  readonly bias: number;
  /** z + p. */
  readonly vector: Float64Array;
}

const FORMAT = 'factor-ratings/1';

export class FactorRatingModel implements RatingModel {
  readonly #parts: FactorRatingParts;

  constructor(parts: FactorRatingParts) {
    const { factors, itemBiases, itemFactors, implicitFactors } = parts;
    const length = itemBiases.length * factors;
    if (itemFactors.length !== length || (implicitFactors && implicitFactors.length !== length)) {
      throw new AlgorithmError('bad_artifact', {
        expected: `${length} numbers of item factors`,
        got: itemFactors.length,
      });
    }
    this.#parts = parts;
  }

  get itemCount(): number {
    return this.#parts.itemBiases.length;
  }

  get sizeBytes(): number {
    const { itemBiases, itemFactors, implicitFactors } = this.#parts;
    return itemBiases.byteLength + itemFactors.byteLength + (implicitFactors?.byteLength ?? 0);
  }

  isFiniteInPieces(): Pieces<boolean> {
    const { mean, itemBiases, itemFactors, implicitFactors } = this.#parts;
    const columns = [Float64Array.of(mean), itemBiases, itemFactors];
    return areFiniteInPieces(implicitFactors ? [...columns, implicitFactors] : columns);
  }

  /** The same items with people folded in otherwise. */
  foldingBy(foldIn: FoldInOptions): FactorRatingModel {
    return new FactorRatingModel({ ...this.#parts, foldIn });
  }

  foldIn(history: History): FoldedUser {
    const { factors, mean, itemBiases, itemFactors, implicitFactors, foldIn } = this.#parts;
    const { items, values } = ownRatingsOf(history, this.itemCount);
    const vector = new Float64Array(factors);
    const count = items.length;
    if (count === 0) return { bias: 0, vector };
    if (implicitFactors) addRows(implicitFactors, items, 1 / Math.sqrt(count), vector);
    const system = new SmallRidge(factors + 1);
    const row = new Float64Array(factors + 1);
    row[factors] = 1;
    items.forEach((item, k) => {
      const ofItem = itemFactors.subarray(item * factors, (item + 1) * factors);
      row.set(ofItem);
      system.add(row, values[k]! - mean - itemBiases[item]! - dot(ofItem, vector));
    });
    const ridge = new Float64Array(factors + 1);
    ridge.fill(foldIn.isRidgePerRating ? foldIn.ridge * count : foldIn.ridge);
    ridge[factors] = foldIn.biasRidge;
    const solved = system.solve(ridge);
    for (let k = 0; k < factors; k++) vector[k]! += solved[k]!;
    return { bias: solved[factors]!, vector };
  }

  predictFor({ bias, vector }: FoldedUser, items: ArrayLike<number>): Float64Array {
    const { factors, mean, itemBiases, itemFactors } = this.#parts;
    return Float64Array.from(items, (item) => {
      if (item >= this.itemCount) return mean + bias;
      const ofItem = itemFactors.subarray(item * factors, (item + 1) * factors);
      return mean + bias + itemBiases[item]! + dot(ofItem, vector);
    });
  }

  predict(history: History, items: ArrayLike<number>): Float64Array {
    return this.predictFor(this.foldIn(history), items);
  }

  serialise(): Uint8Array {
    const { factors, mean, foldIn, itemBiases, itemFactors, implicitFactors } = this.#parts;
    const arrays: Record<string, ModelArray> = { itemBiases, itemFactors };
    if (implicitFactors) arrays.implicitFactors = implicitFactors;
    return encodeModel({ format: FORMAT, facts: { factors, mean, foldIn }, arrays });
  }
}

const addRows = (
  factors: Float64Array,
  items: Uint32Array,
  scale: number,
  into: Float64Array,
): void => {
  for (const item of items) {
    const row = item * into.length;
    for (let k = 0; k < into.length; k++) into[k]! += scale * factors[row + k]!;
  }
};

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
};

export const readFactorRatings = (bytes: Uint8Array): FactorRatingModel => {
  const parts = decodeModel(bytes, FORMAT);
  const hasImplicit = 'implicitFactors' in parts.arrays;
  return new FactorRatingModel({
    factors: parts.facts.factors as number,
    mean: parts.facts.mean as number,
    foldIn: parts.facts.foldIn as FoldInOptions,
    itemBiases: arrayOf(parts, 'itemBiases', 'f64'),
    itemFactors: arrayOf(parts, 'itemFactors', 'f64'),
    implicitFactors: hasImplicit ? arrayOf(parts, 'implicitFactors', 'f64') : null,
  });
};
