/**
 * How far off a predicted rating may be: from errors on ratings that were held out of the fit. An
 * error's scale depends on how many ratings the person gave (in steps of doubling, each drawn to
 * the scale of all), and an interval is that scale times a quantile of the scaled sizes: nothing is
 * assumed of their distribution but that the next rating is like the held-out ones.
 */
import { AlgorithmError } from '../model/algorithm-error.ts';
import { checkRange } from '../model/option-checks.ts';

export interface HeldOutError {
  readonly error: number;
  /** Ratings of the person that the prediction was made from. */
  readonly ratings: number;
}

export interface RatingInterval {
  readonly low: number;
  readonly high: number;
}

const STEPS = 14;
const PERCENTS = 101;
/** Held-out errors at which a step's own scale counts half. */
const STEP_SHRINKAGE = 50;

const stepOf = (ratings: number): number => Math.min(Math.floor(Math.log2(1 + ratings)), STEPS - 1);

export class RatingSpread {
  readonly scales: Float64Array;
  readonly quantiles: Float64Array;

  constructor(scales: Float64Array, quantiles: Float64Array) {
    if (scales.length !== STEPS || quantiles.length !== PERCENTS) {
      throw new AlgorithmError('bad_artifact', {
        expected: `${STEPS} scales and ${PERCENTS} quantiles`,
        got: `${scales.length} and ${quantiles.length}`,
      });
    }
    this.scales = scales;
    this.quantiles = quantiles;
  }

  static of(errors: readonly HeldOutError[]): RatingSpread {
    const squares = new Float64Array(STEPS);
    const counts = new Float64Array(STEPS);
    let total = 0;
    for (const { error, ratings } of errors) {
      squares[stepOf(ratings)]! += error * error;
      counts[stepOf(ratings)]! += 1;
      total += error * error;
    }
    const overall = errors.length > 0 ? total / errors.length : 0;
    const scales = squares.map((sum, step) =>
      Math.sqrt((sum + STEP_SHRINKAGE * overall) / (counts[step]! + STEP_SHRINKAGE)),
    );
    const sizes = Float64Array.from(errors, ({ error, ratings }) => {
      const scale = scales[stepOf(ratings)]!;
      return scale > 0 ? Math.abs(error) / scale : 0;
    }).sort();
    const quantiles = Float64Array.from({ length: PERCENTS }, (_, percent) => {
      const place = Math.ceil((percent / 100) * (sizes.length + 1)) - 1;
      return sizes[Math.min(Math.max(place, 0), sizes.length - 1)] ?? 0;
    });
    return new RatingSpread(scales, quantiles);
  }

  /** Holds the rating with the given probability (rounded up to a hundredth). */
  interval(predicted: number, ratings: number, probability: number): RatingInterval {
    checkRange('probability', probability, { min: 0, max: 1 });
    const reach = this.scales[stepOf(ratings)]! * this.quantiles[Math.ceil(100 * probability)]!;
    return { low: predicted - reach, high: predicted + reach };
  }
}
