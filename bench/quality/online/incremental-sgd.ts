/**
 * ISGD (Vinagre, Jorge and Gama, 2014), the baseline of prequential tables: a factor model in
 * which every positive event pulls one product of vectors towards 1, once, as it comes.
 */
import { seededRandom } from '../../../algorithms/random/seeded-random.ts';
import type { OnlineModel, OnlineSize } from './online-model.ts';

export interface IncrementalSgdSettings {
  readonly rate: number;
  /** Standard deviation of the vectors before the first event. */
  readonly deviation: number;
}

export const incrementalSgd = (
  { userCount, itemCount }: OnlineSize,
  { rate, deviation }: IncrementalSgdSettings,
): OnlineModel => {
  const settings = { factors: 64, rate, regularisation: 0.01, deviation, seed: 1 };
  const { factors, regularisation } = settings;
  const random = seededRandom(settings.seed);
  const vectors = (count: number): Float64Array =>
    Float64Array.from({ length: count * factors }, () => deviation * random.normal());
  const users = vectors(userCount);
  const items = vectors(itemCount);
  const dot = (user: number, item: number): number => {
    let sum = 0;
    for (let k = 0; k < factors; k++)
      sum += users[user * factors + k]! * items[item * factors + k]!;
    return sum;
  };
  return {
    name: 'ISGD',
    settings,
    score(user, _history, scores) {
      // Four sums at once: each waits for its own last addition alone.
      const person = users.subarray(user * factors, (user + 1) * factors);
      const inFours = itemCount - (itemCount % 4);
      for (let item = 0; item < inFours; item += 4) {
        const at = item * factors;
        let [a, b, c, d] = [0, 0, 0, 0];
        for (let k = 0; k < factors; k++) {
          const own = person[k]!;
          a += own * items[at + k]!;
          b += own * items[at + factors + k]!;
          c += own * items[at + 2 * factors + k]!;
          d += own * items[at + 3 * factors + k]!;
        }
        scores[item] = a;
        scores[item + 1] = b;
        scores[item + 2] = c;
        scores[item + 3] = d;
      }
      for (let item = inFours; item < itemCount; item++) scores[item] = dot(user, item);
    },
    learn(user, _history, item) {
      const error = 1 - dot(user, item);
      for (let k = 0; k < factors; k++) {
        const [u, i] = [user * factors + k, item * factors + k];
        const ofUser = users[u]!;
        users[u]! += rate * (error * items[i]! - regularisation * ofUser);
        items[i]! += rate * (error * ofUser - regularisation * items[i]!);
      }
    },
  };
};
