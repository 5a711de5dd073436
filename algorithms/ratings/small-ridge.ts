/**
 * (G + λ)·x = b for a small dense symmetric G that is built by rank-one additions: the normal
 * equations of one person's fold-in or of a stack's weights. A pivot that rounding has made too
 * small is refused by name rather than divided by.
 */
import { AlgorithmError } from '../model/algorithm-error.ts';

export class SmallRidge {
  readonly size: number;
  readonly #gram: Float64Array;
  readonly #right: Float64Array;

  constructor(size: number) {
    this.size = size;
    this.#gram = new Float64Array(size * size);
    this.#right = new Float64Array(size);
  }

  clear(): void {
    this.#gram.fill(0);
    this.#right.fill(0);
  }

  /** Adds weight·x·xᵀ to the left and weight·target·x to the right side. */
  add(x: Float64Array, target: number, weight = 1): void {
    const { size } = this;
    const gram = this.#gram;
    for (let row = 0; row < size; row++) {
      const scaled = weight * x[row]!;
      if (scaled === 0) continue;
      const start = row * size;
      for (let column = 0; column <= row; column++) gram[start + column]! += scaled * x[column]!;
      this.#right[row]! += scaled * target;
    }
  }

  /** Solves with `ridge[k]` added to the diagonal; the sums are used up. */
  solve(ridge: ArrayLike<number>): Float64Array {
    for (let k = 0; k < this.size; k++) this.#gram[k * this.size + k]! += ridge[k]!;
    this.#factorise();
    return this.#substitute();
  }

  #factorise(): void {
    const { size } = this;
    const lower = this.#gram;
    for (let row = 0; row < size; row++) {
      const start = row * size;
      const original = lower[start + row]!;
      for (let column = 0; column <= row; column++) {
        const other = column * size;
        let sum = lower[start + column]!;
        for (let k = 0; k < column; k++) sum -= lower[start + k]! * lower[other + k]!;
        if (column < row) {
          lower[start + column] = sum / lower[other + column]!;
        } else {
          if (!(sum > original * 1e-13) || !Number.isFinite(sum)) {
            throw new AlgorithmError('not_positive_definite', { pivot: sum, row });
          }
          lower[start + row] = Math.sqrt(sum);
        }
      }
    }
  }

  #substitute(): Float64Array {
    const { size } = this;
    const lower = this.#gram;
    const x = this.#right.slice();
    for (let row = 0; row < size; row++) {
      let sum = x[row]!;
      for (let k = 0; k < row; k++) sum -= lower[row * size + k]! * x[k]!;
      x[row] = sum / lower[row * size + row]!;
    }
    for (let row = size - 1; row >= 0; row--) {
      let sum = x[row]!;
      for (let k = row + 1; k < size; k++) sum -= lower[k * size + row]! * x[k]!;
      x[row] = sum / lower[row * size + row]!;
    }
    return x;
  }
}
