/** Errors of predicted ratings. Over nothing they are undefined: `null`. */
import { AlgorithmError } from '../model/algorithm-error.ts';
import type { MetricValue } from './ranking.ts';

const meanError = (
  predicted: ArrayLike<number>,
  actual: ArrayLike<number>,
  error: (difference: number) => number,
): MetricValue => {
  if (predicted.length !== actual.length) {
    throw new AlgorithmError('bad_data', {
      what: 'the number of predictions',
      expected: String(actual.length),
      got: predicted.length,
    });
  }
  if (actual.length === 0) return null;
  let sum = 0;
  for (let k = 0; k < actual.length; k++) sum += error(predicted[k]! - actual[k]!);
  return sum / actual.length;
};

/** Root of the mean squared error. */
export const rmse = (predicted: ArrayLike<number>, actual: ArrayLike<number>): MetricValue => {
  const squared = meanError(predicted, actual, (difference) => difference * difference);
  return squared === null ? null : Math.sqrt(squared);
};

/** Mean absolute error. */
export const mae = (predicted: ArrayLike<number>, actual: ArrayLike<number>): MetricValue =>
  meanError(predicted, actual, Math.abs);
