/** The rows of the progressive rating table: chance, running mean, biases, biased MF, the stack. */

import { seededRandom } from '../../../algorithms/random/seeded-random.ts';
import {
  DEFAULT_PROGRESSIVE_MF_OPTIONS,
  ProgressiveMf,
  type ProgressiveMfOptions,
  type RatingsSize,
} from '../../../algorithms/ratings/progressive/progressive-mf.ts';
import {
  DEFAULT_PROGRESSIVE_RATING_OPTIONS,
  ProgressiveRatings,
} from '../../../algorithms/ratings/progressive/progressive-ratings.ts';
import type { ProgressivePredictor } from './progressive-run.ts';

const SEED = 1;

/** A rating drawn from those that came before. */
export const progressiveRandom = (): ProgressivePredictor => {
  const random = seededRandom(SEED);
  const ratings: number[] = [];
  return {
    name: 'random',
    settings: {},
    seed: SEED,
    sizeBytes: 0,
    predict: () => ({
      value: ratings[random.below(Math.max(ratings.length, 1))] ?? 0,
      learn: (rating) => ratings.push(rating),
    }),
  };
};

export const runningMean = (): ProgressivePredictor => {
  let sum = 0;
  let count = 0;
  return {
    name: 'running mean',
    settings: {},
    seed: null,
    sizeBytes: 16,
    predict: () => ({
      value: count === 0 ? 0 : sum / count,
      learn(rating) {
        sum += rating;
        count += 1;
      },
    }),
  };
};

const byMf = (
  name: string,
  size: RatingsSize,
  settings: ProgressiveMfOptions,
): ProgressivePredictor => {
  const model = new ProgressiveMf(size, settings, SEED);
  return {
    name,
    settings: { ...settings },
    seed: SEED,
    sizeBytes: model.sizeBytes,
    predict: (user, item) => ({
      value: model.predict(user, item),
      learn: (rating) => model.learn(user, item, rating),
    }),
  };
};

/** The same learner with its vectors held at nothing. */
export const progressiveBiases = (size: RatingsSize): ProgressivePredictor => {
  const settings = { ...DEFAULT_PROGRESSIVE_MF_OPTIONS, factors: 1, deviation: 1e-9, rate: 1e-9 };
  return byMf('biases', size, settings);
};

/** The baseline's settings: a grid of one's own, so that no one can call it badly tuned. */
const MF_VARIANTS: readonly Partial<ProgressiveMfOptions>[] = [
  { rate: 0.08, userBiasRate: 0.06, itemBiasRate: 0.05, regularisation: 0.05 },
  { rate: 0.08, userBiasRate: 0.08, itemBiasRate: 0.08, regularisation: 0.05 },
  { rate: 0.2, userBiasRate: 0.08, itemBiasRate: 0.1, regularisation: 0.05 },
  { rate: 0.12, userBiasRate: 0.07, itemBiasRate: 0.06, regularisation: 0.05 },
  { rate: 0.12, userBiasRate: 0.04, itemBiasRate: 0.03 },
  { rate: 0.1, userBiasRate: 0.04, itemBiasRate: 0.02, factors: 20 },
  { rate: 0.08, userBiasRate: 0.03, itemBiasRate: 0.02 },
  // Small steps without regularisation.
  {
    rate: 0.025,
    userBiasRate: 0.025,
    itemBiasRate: 0.025,
    regularisation: 0,
    biasRegularisation: 0,
  },
];

export const biasedMfs = (size: RatingsSize): ProgressivePredictor[] =>
  MF_VARIANTS.map((variant, k) =>
    byMf(`biased MF ${k + 1}`, size, {
      ...DEFAULT_PROGRESSIVE_MF_OPTIONS,
      ...variant,
      biasCaution: 0,
    }),
  );

/** The stack's own factor model: what the falling bias steps alone give. */
export const quickBiasMf = (size: RatingsSize): ProgressivePredictor =>
  byMf('biased MF, bias steps falling', size, DEFAULT_PROGRESSIVE_MF_OPTIONS);

export const progressiveStack = (size: RatingsSize): ProgressivePredictor => {
  const settings = DEFAULT_PROGRESSIVE_RATING_OPTIONS;
  const model = new ProgressiveRatings(size, settings, SEED);
  return {
    name: 'progressive stack',
    settings: { ...settings },
    seed: SEED,
    sizeBytes: model.sizeBytes,
    predict(user, item) {
      const forecast = model.forecast(user, item);
      return { value: forecast.value, learn: (rating) => model.learn(forecast, rating) };
    },
  };
};
