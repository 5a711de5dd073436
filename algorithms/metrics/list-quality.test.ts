import { describe, expect, it } from 'vitest';
import { coverage, gini, novelty } from './list-quality.ts';
import { mae, rmse } from './rating.ts';

describe('what lists do to the catalogue', () => {
  it('coverage is the share of items that are shown at all', () => {
    expect(
      coverage(
        [
          [0, 1],
          [1, 2],
        ],
        6,
      ),
    ).toBe(0.5);
    expect(coverage([], 6)).toBe(0);
  });

  it('novelty is the mean surprise in bits, finite also for items that nobody knows', () => {
    expect(novelty([[0, 1]], { knownBy: [4, 1], userCount: 4 })).toBe(1);
    expect(novelty([[2]], { knownBy: [4, 1, 0], userCount: 4 })).toBe(3);
    expect(novelty([], { knownBy: [1], userCount: 4 })).toBeNull();
  });

  it('the Gini index is 0 for equal shares and near 1 where one item has everything', () => {
    expect(gini([2, 2, 2, 2])).toBe(0);
    expect(gini([0, 0, 0, 8])).toBe(0.75);
    expect(gini([1, 2, 3])).toBeCloseTo(2 / 9, 12);
    expect(gini([0, 0])).toBeNull();
  });
});

describe('errors of ratings', () => {
  it('agree with a case worked out by hand', () => {
    expect(rmse([1, 2, 3], [1, 4, 1])).toBeCloseTo(Math.sqrt(8 / 3), 12);
    expect(mae([1, 2, 3], [1, 4, 1])).toBeCloseTo(4 / 3, 12);
  });

  it('are undefined over nothing and refuse unequal lengths', () => {
    expect(rmse([], [])).toBeNull();
    expect(() => mae([1], [])).toThrow(/Expected the number of predictions to be 0, got 1/);
  });
});
