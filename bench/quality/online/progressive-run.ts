/**
 * Progressive validation of rating predictors: every rating is predicted, then learned, in time
 * order, one pass without a warm-up. Ratings of one person at one moment are all predicted before
 * any is learned.
 */
import { bootstrapMean } from '../../../algorithms/metrics/confidence.ts';
import { prequentialPlan } from '../../../algorithms/splits/prequential.ts';
import { seconds } from '../contender.ts';
import type { Rating, Ratings } from '../datasets/movielens.ts';
import { rootOf } from '../rating-run.ts';
import type { ResultRow } from '../report.ts';

/** Predicts a rating; the function it returns learns the rating that came. */
export interface ProgressivePredictor {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly seed: number | null;
  readonly sizeBytes: number;
  predict(user: number, item: number): ProgressivePrediction;
}

export interface ProgressivePrediction {
  readonly value: number;
  learn(rating: number): void;
}

export interface ProgressiveTask {
  readonly data: Ratings;
  /** Share of the ratings, the first ones, that are run through. */
  readonly share: number;
  readonly scale: { readonly min: number; readonly max: number };
}

/** Squared and absolute errors by person, for one predictor. */
export interface ProgressiveErrors {
  readonly squares: Float64Array;
  readonly absolutes: Float64Array;
  readonly counts: Float64Array;
}

export interface ProgressiveResult {
  readonly row: ResultRow;
  readonly errors: ProgressiveErrors;
}

export const runProgressive = (
  { data, share, scale }: ProgressiveTask,
  predictor: ProgressivePredictor,
): ProgressiveResult => {
  const { steps } = prequentialPlan(data.ratings, 0);
  const limit = share * data.ratings.length;
  const column = (): Float64Array => new Float64Array(data.userCount);
  const errors = { squares: column(), absolutes: column(), counts: column() };
  const start = seconds();
  let count = 0;
  for (const step of steps) {
    if (count >= limit) break;
    count += step.length;
    runStep(step, { predictor, scale, errors });
  }
  const { squares, absolutes, counts } = errors;
  const row = {
    model: predictor.name,
    settings: predictor.settings,
    seed: predictor.seed,
    metrics: {
      RMSE: rootOf(bootstrapMean({ sums: squares, counts })!),
      MAE: bootstrapMean({ sums: absolutes, counts })!,
    },
    fitSeconds: 0,
    scoreSeconds: seconds() - start,
    modelBytes: predictor.sizeBytes,
  };
  return { row, errors };
};

interface StepRun {
  readonly predictor: ProgressivePredictor;
  readonly scale: ProgressiveTask['scale'];
  readonly errors: ProgressiveErrors;
}

const runStep = (step: readonly Rating[], { predictor, scale, errors }: StepRun): void => {
  const predictions = step.map(({ user, item }) => predictor.predict(user, item));
  step.forEach(({ user, value }, k) => {
    const clipped = Math.min(Math.max(predictions[k]!.value, scale.min), scale.max);
    errors.squares[user]! += (clipped - value) ** 2;
    errors.absolutes[user]! += Math.abs(clipped - value);
    errors.counts[user]! += 1;
  });
  step.forEach(({ value }, k) => {
    predictions[k]!.learn(value);
  });
};
