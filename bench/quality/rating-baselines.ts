/** Predictors that every rating table shows: chance, the mean, and shrunk biases. */
import type { Histories } from '../../algorithms/histories/histories.ts';
import { seededRandom } from '../../algorithms/random/seeded-random.ts';
import type { RatingPredictor } from './rating-run.ts';

const meanOf = (values: Float32Array): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);

/** A rating drawn from the training ratings. */
export const randomRating = (seed: number): RatingPredictor => ({
  name: 'random',
  settings: {},
  seed,
  fit({ weights }) {
    const random = seededRandom(seed);
    return {
      modelBytes: 0,
      predict: (_user, items) =>
        Float64Array.from(items, () => weights![random.below(weights!.length)]!),
    };
  },
});

export const overallMean: RatingPredictor = {
  name: 'overall mean',
  settings: {},
  seed: null,
  fit({ weights }) {
    const mean = meanOf(weights!);
    return { modelBytes: 8, predict: (_user, items) => Float64Array.from(items, () => mean) };
  },
};

/** Mean + item's shrunk deviation + user's shrunk deviation from that (Koren, 2008). */
export const biases = (shrinkage: {
  readonly item: number;
  readonly user: number;
}): RatingPredictor => ({
  name: 'biases',
  settings: shrinkage,
  seed: null,
  fit(train) {
    const mean = meanOf(train.weights!);
    const items = new Float64Array(train.itemCount);
    const itemCounts = new Float64Array(train.itemCount);
    train.items.forEach((item, k) => {
      items[item]! += train.weights![k]! - mean;
      itemCounts[item]! += 1;
    });
    items.forEach((sum, item) => {
      items[item] = sum / (itemCounts[item]! + shrinkage.item);
    });
    const users = userDeviations(train, (item) => mean + items[item]!, shrinkage.user);
    return {
      modelBytes: items.byteLength + users.byteLength,
      predict: (user, of) => Float64Array.from(of, (item) => mean + items[item]! + users[user]!),
    };
  },
});

const userDeviations = (
  { userCount, starts, items, weights }: Histories,
  expected: (item: number) => number,
  shrinkage: number,
): Float64Array =>
  Float64Array.from({ length: userCount }, (_, user) => {
    let sum = 0;
    for (let k = starts[user]!; k < starts[user + 1]!; k++)
      sum += weights![k]! - expected(items[k]!);
    return sum / (starts[user + 1]! - starts[user]! + shrinkage);
  });
