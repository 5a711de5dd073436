/** Models that are exact after every event: popularity, random, transitions, item cosine. */
import { WeightRows } from '../../../algorithms/linear/weight-rows.ts';
import { seededRandom } from '../../../algorithms/random/seeded-random.ts';
import type { OnlineModel, OnlineSize } from './online-model.ts';

export const onlineRandom = (seed: number): OnlineModel => {
  const random = seededRandom(seed);
  return {
    name: 'random',
    settings: { seed },
    score(_user, _history, scores) {
      for (let item = 0; item < scores.length; item++) scores[item] = random.next();
    },
    learn() {},
  };
};

export const onlinePopularity = ({ itemCount }: OnlineSize): OnlineModel => {
  const counts = new Float64Array(itemCount);
  return {
    name: 'popularity',
    settings: {},
    score: (_user, _history, scores) => scores.set(counts),
    learn(_user, _history, item) {
      counts[item]! += 1;
    },
  };
};

/** n(a → b) with decay by steps; scored from the newest items, rows normalised with a shrinkage. */
export const onlineTransitions = ({ itemCount }: OnlineSize): OnlineModel => {
  const settings = { reach: 10, decay: 0.8, shrinkage: 5 };
  const counts = new Float32Array(itemCount * itemCount);
  const totals = new Float64Array(itemCount);
  return {
    name: 'transitions',
    settings,
    score(_user, history, scores) {
      scores.fill(0);
      let weight = 1;
      for (let age = 0; age < Math.min(settings.reach, history.length); age++) {
        const from = history[history.length - 1 - age]!;
        const share = weight / (totals[from]! + settings.shrinkage);
        const row = from * itemCount;
        for (let to = 0; to < itemCount; to++) scores[to]! += share * counts[row + to]!;
        weight *= settings.decay;
      }
    },
    learn(_user, history, item) {
      let weight = 1;
      for (let age = 0; age < Math.min(settings.reach, history.length); age++) {
        const from = history[history.length - 1 - age]!;
        counts[from * itemCount + item]! += weight;
        totals[from]! += weight;
        weight *= settings.decay;
      }
    },
  };
};

/**
 * c ÷ (√(n_a · n_b) + shrinkage) over common people. Counts are exact; an item's list of neighbours
 * is made again once it has `staleShare` more events than when it was made.
 */
export const onlineItemCosine = ({ itemCount }: OnlineSize): OnlineModel => {
  const settings = { shrinkage: 10, staleShare: 0.02, neighbours: 200 };
  const common = new Float32Array(itemCount * itemCount);
  const lists = new WeightRows(itemCount, itemCount, settings.neighbours);
  const counts = new Float64Array(itemCount);
  const countsAtList = new Float64Array(itemCount);
  const similarities = new Float64Array(itemCount);
  const renew = (item: number): void => {
    const row = item * itemCount;
    for (let other = 0; other < itemCount; other++) {
      const shared = common[row + other]!;
      similarities[other] =
        shared === 0
          ? 0
          : shared / (Math.sqrt(counts[item]! * counts[other]!) + settings.shrinkage);
    }
    lists.setRow(item, similarities);
    countsAtList[item] = counts[item]!;
  };
  return {
    name: 'item cosine',
    settings,
    score(_user, history, scores) {
      scores.fill(0);
      for (const item of history) {
        if (counts[item]! > countsAtList[item]! * (1 + settings.staleShare)) renew(item);
        lists.addRow(item, 1, scores);
      }
    },
    learn(_user, history, item) {
      counts[item]! += 1;
      for (const earlier of history) {
        common[earlier * itemCount + item]! += 1;
        common[item * itemCount + earlier]! += 1;
      }
    },
  };
};
