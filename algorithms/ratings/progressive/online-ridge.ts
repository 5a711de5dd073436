/**
 * Ridge regression that learns one case at a time (recursive least squares): after n cases its
 * weights are exactly those of the batch ridge around `prior` with strength `ridge`.
 * Cost: size² a case. The covariance is made symmetric as it goes, so it cannot drift apart.
 */
import { AlgorithmError } from '../../model/algorithm-error.ts';
import { checkPositive } from '../../model/option-checks.ts';

export class OnlineRidge {
  readonly weights: Float64Array;
  readonly #covariance: Float64Array;
  readonly #gain: Float64Array;

  constructor(prior: ArrayLike<number>, ridge: number) {
    checkPositive('ridge', ridge);
    const size = prior.length;
    this.weights = Float64Array.from(prior);
    this.#gain = new Float64Array(size);
    this.#covariance = new Float64Array(size * size);
    for (let k = 0; k < size; k++) this.#covariance[k * size + k] = 1 / ridge;
  }

  predict(features: Float64Array): number {
    let sum = 0;
    for (let k = 0; k < features.length; k++) sum += this.weights[k]! * features[k]!;
    return sum;
  }

  learn(features: Float64Array, target: number): void {
    const size = this.weights.length;
    const error = target - this.predict(features);
    if (!Number.isFinite(error)) {
      throw new AlgorithmError('bad_data', {
        what: 'a case',
        expected: 'finite numbers',
        got: error,
      });
    }
    const gain = this.#gain;
    let spread = 1;
    for (let row = 0; row < size; row++) {
      let sum = 0;
      for (let k = 0; k < size; k++) sum += this.#covariance[row * size + k]! * features[k]!;
      gain[row] = sum;
      spread += sum * features[row]!;
    }
    for (let row = 0; row < size; row++) {
      const scaled = gain[row]! / spread;
      this.weights[row]! += scaled * error;
      for (let column = 0; column <= row; column++) {
        const value = this.#covariance[row * size + column]! - scaled * gain[column]!;
        this.#covariance[row * size + column] = value;
        this.#covariance[column * size + row] = value;
      }
    }
  }
}
