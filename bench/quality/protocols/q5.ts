/**
 * Q5: ratings of MovieLens 1M, 5-fold random; RMSE and MAE. A random split lets a model see later
 * ratings of the same person and film; times are interpolated for 28 % of the ratings.
 */
import { historyOf } from '../../../algorithms/histories/histories.ts';
import {
  DEFAULT_USER_NEIGHBOUR_OPTIONS,
  UserNeighbours,
  type UserSimilarity,
} from '../../../algorithms/neighbourhood/user-neighbours.ts';
import { ML_1M_FILE, readMovieLens1M } from '../datasets/movielens.ts';
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

const PREDICTORS: readonly RatingPredictor[] = [
  randomRating(1),
  overallMean,
  biases({ item: 25, user: 10 }),
  userBased('euclidean'),
  userBased('pearson'),
  userBased('cosine'),
];

export const q5: Protocol = {
  id: 'Q5',
  title: 'ratings of MovieLens 1M, 5-fold random',
  file: ML_1M_FILE,
  async run(part) {
    const data = await readMovieLens1M();
    // Settings are chosen on other folds than those that are reported.
    const seed = part === 'test' ? 1 : 2;
    const task = { data, folds: 5, seed, scale: { min: 1, max: 5 } };
    return {
      remarks: ['A random split: models see later ratings of the same people.'],
      rows: await runRatings(task, PREDICTORS),
    };
  },
};
