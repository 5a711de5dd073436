/**
 * Item–item neighbours on residuals, exact after every rating. For two items that n people rated,
 * with residuals e (rating less what the biases expected when it came):
 *
 *   s = Σ e_a·e_b ÷ √(v_a·v_b) ÷ (n + shrinkage),  v = mean square of the item's residuals
 *
 * A residual is predicted from the person's `neighbours` items of largest |s|: Σ s·e ÷ (Σ |s| + c).
 * Cost: the person's ratings, for each prediction and each rating learned; 6 bytes a pair of items
 * (the half square), so it is for catalogues of up to some ten thousand items.
 */
import { symmetricIndex } from '../../linear-algebra/dense-linear-algebra.ts';
import { checkCount, checkNonNegative, checkPositive } from '../../model/option-checks.ts';
import type { RatingsSize } from './progressive-mf.ts';

export interface ProgressiveNeighbourOptions {
  readonly shrinkage: number;
  readonly neighbours: number;
  /** c: draws predictions from few or weak neighbours to 0. */
  readonly caution: number;
}

export class ProgressiveNeighbours {
  readonly #options: ProgressiveNeighbourOptions;
  readonly #products: Float32Array;
  readonly #common: Uint16Array;
  readonly #squares: Float64Array;
  readonly #counts: Float64Array;
  readonly #items: number[][];
  readonly #residuals: number[][];
  #similarities = new Float64Array(256);
  #sizes = new Float64Array(256);

  constructor({ userCount, itemCount }: RatingsSize, options: ProgressiveNeighbourOptions) {
    checkNonNegative('shrinkage', options.shrinkage);
    checkCount('neighbours', options.neighbours);
    checkPositive('caution', options.caution);
    this.#options = options;
    const pairs = (itemCount * (itemCount + 1)) / 2;
    this.#products = new Float32Array(pairs);
    this.#common = new Uint16Array(pairs);
    this.#squares = new Float64Array(itemCount);
    this.#counts = new Float64Array(itemCount);
    this.#items = Array.from({ length: userCount }, () => []);
    this.#residuals = Array.from({ length: userCount }, () => []);
  }

  get sizeBytes(): number {
    return this.#products.byteLength + this.#common.byteLength + 2 * this.#squares.byteLength;
  }

  predict(user: number, item: number): number {
    const rated = this.#items[user]!;
    const residuals = this.#residuals[user]!;
    const threshold = this.#weigh(rated, item);
    let sum = 0;
    let total = this.#options.caution;
    for (let k = 0; k < rated.length; k++) {
      const similarity = this.#similarities[k]!;
      if (similarity === 0 || Math.abs(similarity) < threshold) continue;
      sum += similarity * residuals[k]!;
      total += Math.abs(similarity);
    }
    return sum / total;
  }

  /** Similarities of all rated items to `item`; returns the |s| of the last that counts. */
  #weigh(rated: readonly number[], item: number): number {
    const { neighbours, shrinkage } = this.#options;
    this.#reserve(rated.length);
    const own = this.#squares[item]! / Math.max(this.#counts[item]!, 1);
    for (let k = 0; k < rated.length; k++) {
      const other = rated[k]!;
      const at = symmetricIndex(item, other);
      const product = this.#products[at]!;
      const spread = Math.sqrt((own * this.#squares[other]!) / this.#counts[other]!);
      const isKnown = product !== 0 && spread > 0;
      this.#similarities[k] = isKnown ? product / (spread * (this.#common[at]! + shrinkage)) : 0;
    }
    if (rated.length <= neighbours) return 0;
    const sizes = this.#sizes.subarray(0, rated.length);
    for (let k = 0; k < sizes.length; k++) sizes[k] = Math.abs(this.#similarities[k]!);
    sizes.sort();
    return sizes[sizes.length - neighbours]!;
  }

  #reserve(length: number): void {
    if (length <= this.#similarities.length) return;
    this.#similarities = new Float64Array(2 * length);
    this.#sizes = new Float64Array(2 * length);
  }

  learn(user: number, item: number, residual: number): void {
    const rated = this.#items[user]!;
    const residuals = this.#residuals[user]!;
    for (let k = 0; k < rated.length; k++) {
      const at = symmetricIndex(item, rated[k]!);
      this.#products[at]! += residual * residuals[k]!;
      if (this.#common[at]! < 65_535) this.#common[at]! += 1;
    }
    this.#squares[item]! += residual * residual;
    this.#counts[item]! += 1;
    rated.push(item);
    residuals.push(residual);
  }
}
