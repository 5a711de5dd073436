/**
 * K-fold cross-validation of rating predictors: every rating is predicted once, by a model that
 * did not see it. Intervals are by user, over all folds.
 */
import { type Histories, historiesOf } from '../../algorithms/histories/histories.ts';
import { bootstrapMean, type Interval } from '../../algorithms/metrics/confidence.ts';
import { kFolds } from '../../algorithms/splits/k-fold.ts';
import { seconds } from './contender.ts';
import type { Ratings } from './datasets/movielens.ts';
import type { ResultRow } from './report.ts';

export interface FittedRatings {
  readonly modelBytes: number;
  /** Predictions for one user's items, in order; `times` is when each was rated. */
  predict(user: number, items: Uint32Array, times: Float64Array): Float64Array;
}

export interface RatingPredictor {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly seed: number | null;
  fit(train: Histories): Promise<FittedRatings> | FittedRatings;
}

export interface RatingTask {
  readonly data: Ratings;
  readonly folds: number;
  readonly seed: number;
  /** How many of the folds are tested; all where left out. */
  readonly foldsTested?: number;
  /** The scale's ends: predictions are clipped to them. */
  readonly scale: { readonly min: number; readonly max: number };
}

interface Errors {
  readonly squares: Float64Array;
  readonly absolutes: Float64Array;
  readonly counts: Float64Array;
  fitSeconds: number;
  scoreSeconds: number;
  modelBytes: number;
}

export const runRatings = async (
  task: RatingTask,
  predictors: readonly RatingPredictor[],
): Promise<ResultRow[]> => {
  const { data, folds, seed } = task;
  const foldOf = kFolds(data.ratings.length, { folds, seed });
  const errors = predictors.map((): Errors => {
    const column = (): Float64Array => new Float64Array(data.userCount);
    const sums = { squares: column(), absolutes: column(), counts: column() };
    return { ...sums, fitSeconds: 0, scoreSeconds: 0, modelBytes: 0 };
  });
  for (let fold = 0; fold < (task.foldsTested ?? folds); fold++) {
    const train = partOf(data, (k) => foldOf[k] !== fold);
    const test = partOf(data, (k) => foldOf[k] === fold);
    for (const [index, predictor] of predictors.entries()) {
      await runFold(predictor, { train, test, scale: task.scale }, errors[index]!);
      console.error(`  ${predictor.name}: fold ${fold + 1} of ${folds}`);
    }
  }
  return predictors.map((predictor, index) => rowOf(predictor, errors[index]!));
};

const partOf = (data: Ratings, isIn: (index: number) => boolean): Histories =>
  historiesOf(
    data.ratings
      .filter((_, k) => isIn(k))
      .map(({ user, item, value, time }) => ({ user, item, weight: value, time })),
    data,
  );

interface Fold {
  readonly train: Histories;
  readonly test: Histories;
  readonly scale: RatingTask['scale'];
}

const runFold = async (
  predictor: RatingPredictor,
  { train, test, scale }: Fold,
  errors: Errors,
): Promise<void> => {
  const start = seconds();
  const model = await predictor.fit(train);
  errors.fitSeconds += seconds() - start;
  errors.modelBytes = Math.max(errors.modelBytes, model.modelBytes);
  const scoreStart = seconds();
  for (let user = 0; user < test.userCount; user++) {
    const [from, to] = [test.starts[user]!, test.starts[user + 1]!];
    if (from === to) continue;
    const times = test.times!.subarray(from, to);
    const predicted = model.predict(user, test.items.subarray(from, to), times);
    predicted.forEach((value, k) => {
      const error = Math.min(Math.max(value, scale.min), scale.max) - test.weights![from + k]!;
      errors.squares[user]! += error * error;
      errors.absolutes[user]! += Math.abs(error);
      errors.counts[user]! += 1;
    });
  }
  errors.scoreSeconds += seconds() - scoreStart;
};

const rowOf = ({ name, settings, seed }: RatingPredictor, errors: Errors): ResultRow => {
  const meanSquare = bootstrapMean({ sums: errors.squares, counts: errors.counts })!;
  return {
    model: name,
    settings,
    seed,
    metrics: {
      RMSE: rootOf(meanSquare),
      MAE: bootstrapMean({ sums: errors.absolutes, counts: errors.counts })!,
    },
    fitSeconds: errors.fitSeconds,
    scoreSeconds: errors.scoreSeconds,
    modelBytes: errors.modelBytes,
  };
};

/** The root of the mean and of the interval's ends; the standard error by the delta method. */
export const rootOf = ({ mean, low, high, standardError }: Interval): Interval => ({
  mean: Math.sqrt(mean),
  low: Math.sqrt(low),
  high: Math.sqrt(high),
  standardError: standardError / (2 * Math.sqrt(mean)),
});
