import { describe, expect, it } from 'vitest';
import { movieLensMarginals, simulatedMarginals } from '../../bench/audience-marginals.ts';
import { absenceOf, isPresent } from '../../bench/quality/datasets/location.ts';
import { ML_SMALL_FILE } from '../../bench/quality/datasets/movielens.ts';
import {
  jensenShannon,
  kolmogorovDistance,
  lorenzDistance,
  MARGINAL_BOUNDS,
  marginalDistances,
  marginalsOf,
} from './marginals.ts';

describe('distances of spreads', () => {
  it('are nothing between a spread and itself, at any scale', () => {
    const counts = [1, 2, 3, 10, 50];
    expect(lorenzDistance(counts, counts)).toBe(0);
    expect(
      lorenzDistance(
        counts,
        counts.map((count) => 100 * count),
      ),
    ).toBeCloseTo(0, 12);
    expect(kolmogorovDistance(counts, counts)).toBe(0);
    expect(jensenShannon([0.5, 0.5], [0.5, 0.5])).toBe(0);
  });

  it('are one, or nearly, between opposites', () => {
    const equal = new Array<number>(1_000).fill(1);
    const one = [1_000_000, ...equal.slice(1)];
    expect(lorenzDistance(equal, one)).toBeGreaterThan(0.98);
    expect(kolmogorovDistance([1, 2], [8, 9])).toBe(1);
    expect(jensenShannon([1, 0], [0, 1])).toBe(1);
  });

  it('count sessions by pauses of thirty minutes', () => {
    const minutes = [0, 10, 41, 45, 100];
    const ratings = minutes.map((minute) => ({
      user: 'a',
      item: minute,
      stars: 4,
      time: minute * 60_000,
    }));
    expect(marginalsOf(ratings).sessionLengths).toEqual([2, 2, 1]);
    expect(marginalsOf(ratings).starShares[7]).toBeCloseTo(1, 12);
  });
});

const present = isPresent(ML_SMALL_FILE);
if (!present)
  process.stdout.write(`${absenceOf(ML_SMALL_FILE, 'the marginals of the audience')}\n`);

describe.runIf(present)('the simulated history beside MovieLens', () => {
  it('keeps to the stated bounds', async () => {
    const distances = marginalDistances(simulatedMarginals({}), await movieLensMarginals());
    for (const name of Object.keys(MARGINAL_BOUNDS) as (keyof typeof MARGINAL_BOUNDS)[]) {
      expect(distances[name], name).toBeLessThanOrEqual(MARGINAL_BOUNDS[name]);
    }
  });
});
