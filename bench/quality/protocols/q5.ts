/**
 * Q5: ratings of MovieLens 1M, 5-fold random; RMSE and MAE. A random split lets a model see later
 * ratings of the same person and film; times are interpolated for 28 % of the ratings.
 */
import { type Histories, historyOf } from '../../../algorithms/histories/histories.ts';
import type { FitContext } from '../../../algorithms/model/fit-context.ts';
import {
  DEFAULT_USER_NEIGHBOUR_OPTIONS,
  UserNeighbours,
  type UserSimilarity,
} from '../../../algorithms/neighbourhood/user-neighbours.ts';
import { DEFAULT_BIASED_MF_OPTIONS, fitBiasedMf } from '../../../algorithms/ratings/biased-mf.ts';
import {
  DEFAULT_EXPLICIT_ALS_OPTIONS,
  fitExplicitAls,
} from '../../../algorithms/ratings/explicit-als.ts';
import type { RatingModel } from '../../../algorithms/ratings/rating-model.ts';
import {
  DEFAULT_RATING_STACK_OPTIONS,
  fitRatingStack,
  type RatingStack,
} from '../../../algorithms/ratings/rating-stack.ts';
import {
  DEFAULT_SVD_PLUS_PLUS_OPTIONS,
  fitSvdPlusPlus,
} from '../../../algorithms/ratings/svd-plus-plus.ts';
import { kFolds } from '../../../algorithms/splits/k-fold.ts';
import { ML_1M_FILE, type Ratings, readMovieLens1M } from '../datasets/movielens.ts';
import { preciseAlgebra } from '../engine.ts';
import { biases, overallMean, randomRating } from '../rating-baselines.ts';
import { type RatingPredictor, runRatings } from '../rating-run.ts';
import type { Protocol } from './protocol.ts';

const userBased = (measure: UserSimilarity): RatingPredictor => {
  const settings = { ...DEFAULT_USER_NEIGHBOUR_OPTIONS, measure };
  return {
    name: `user-based, ${measure}`,
    settings,
    seed: null,
    fit(train) {
      const model = new UserNeighbours(train, settings);
      return {
        modelBytes: model.sizeBytes,
        predict: (user, items) => model.predict(historyOf(train, user), items, user),
      };
    },
  };
};

const SEED = 1;

const byModel = <Settings extends object>(
  name: string,
  settings: Settings,
  train: (histories: Histories, settings: Settings, context: FitContext) => Promise<RatingModel>,
): RatingPredictor => ({
  name,
  settings: Object.fromEntries(Object.entries(settings)),
  seed: SEED,
  async fit(histories) {
    const model = await train(histories, settings, { seed: SEED });
    return {
      modelBytes: model.sizeBytes,
      predict: (user, items) => model.predict(historyOf(histories, user), items),
    };
  },
});

/** One fit for both rows: the stack knows what to do where no moment is told. */
const stacks = new WeakMap<Histories, Promise<RatingStack>>();
const stackOf = (train: Histories): Promise<RatingStack> => {
  const known = stacks.get(train);
  if (known) return known;
  const fitting = fitRatingStack(
    train,
    DEFAULT_RATING_STACK_OPTIONS,
    { seed: SEED },
    preciseAlgebra,
  );
  stacks.set(train, fitting);
  return fitting;
};

const stacked = (name: string, isTimed: boolean): RatingPredictor => ({
  name,
  settings: { ...DEFAULT_RATING_STACK_OPTIONS, isTimed },
  seed: SEED,
  async fit(train) {
    const model = await stackOf(train);
    return {
      modelBytes: model.sizeBytes,
      predict: (user, items, times) =>
        model.predict(historyOf(train, user), items, isTimed ? times : null),
    };
  },
});

const PREDICTORS: readonly RatingPredictor[] = [
  randomRating(1),
  overallMean,
  biases({ item: 25, user: 10 }),
  userBased('euclidean'),
  userBased('pearson'),
  userBased('cosine'),
  byModel('biased MF', DEFAULT_BIASED_MF_OPTIONS, fitBiasedMf),
  byModel('explicit ALS', DEFAULT_EXPLICIT_ALS_OPTIONS, fitExplicitAls),
  byModel('SVD++', DEFAULT_SVD_PLUS_PLUS_OPTIONS, fitSvdPlusPlus),
  stacked('stack without near-in-time', false),
  stacked('stack (same fit)', true),
];

export const q5: Protocol = {
  id: 'Q5',
  title: 'ratings of MovieLens 1M, 5-fold random',
  file: ML_1M_FILE,
  async run(part) {
    const all = await readMovieLens1M();
    const isTest = part === 'test';
    // Settings are chosen on a tenth of what the first fold trains on.
    const data = isTest ? all : trainingPartOf(all);
    const task = { data, folds: isTest ? 5 : 10, foldsTested: isTest ? 5 : 1, seed: SEED };
    return {
      remarks: [
        'A random split: models see later ratings of the same people. Factor models keep no people: everybody is folded in from their ratings.',
        "The stack's near-in-time features use what a random split allows: other ratings that the same person gave seconds to days apart, later ones too. The row without them is the fair one for predicting from the past alone.",
      ],
      rows: await runRatings({ ...task, scale: { min: 1, max: 5 } }, PREDICTORS),
    };
  },
};

const trainingPartOf = (data: Ratings): Ratings => {
  const foldOf = kFolds(data.ratings.length, { folds: 5, seed: SEED });
  return { ...data, ratings: data.ratings.filter((_, k) => foldOf[k] !== 0) };
};
