import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historiesOfRows, historyOfItems } from '../histories/histories.ts';
import { fitItemPopularity, readItemPopularity } from './item-popularity.ts';
import { DEFAULT_TOP_RATED_OPTIONS, topRated } from './top-rated.ts';
import { checkTrendOptions, DEFAULT_TREND_OPTIONS, trendOf } from './trend.ts';

describe('item popularity', () => {
  it('counts events, whoever asks, and comes back from its bytes', () => {
    const model = fitItemPopularity(historiesOfRows([[0, 2, 2], [2]], 3));
    const scores = new Float64Array(3);
    readItemPopularity(model.serialise()).score(historyOfItems([1]), scores);
    expect([...scores]).toEqual([1, 0, 3]);
  });
});

describe('top-rated', () => {
  const ratings = [
    { item: 0, count: 1, sum: 5 },
    { item: 1, count: 10, sum: 45 },
    { item: 2, count: 10, sum: 40 },
    { item: 3, count: 0, sum: 0 },
    { item: 4, count: 20, sum: 60 },
  ];

  it('is the weighted rating of items with enough ratings', () => {
    const { items, minVotes, overallMean } = topRated(ratings, { minVotesQuantile: 0.5 });
    const mean = 150 / 41;
    expect(minVotes).toBe(10);
    expect(overallMean).toBeCloseTo(mean, 12);
    expect(items.map(({ item }) => item)).toEqual([1, 2, 4]);
    expect(items[0]!.weightedRating).toBeCloseTo((10 / 20) * 4.5 + (10 / 20) * mean, 12);
  });

  it('lists nothing where nothing is rated, and the only rated item alone', () => {
    expect(topRated([], DEFAULT_TOP_RATED_OPTIONS)).toEqual({
      items: [],
      minVotes: null,
      overallMean: null,
    });
    expect(topRated([ratings[0]!], DEFAULT_TOP_RATED_OPTIONS).items).toHaveLength(1);
  });

  it('lies between the item’s mean and the mean of all', () => {
    const entry = fc.record({
      count: fc.nat(50),
      mean: fc.double({ min: 1, max: 5, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(entry),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (entries, minVotesQuantile) => {
          const all = entries.map(({ count, mean }, item) => ({ item, count, sum: count * mean }));
          const { items, overallMean } = topRated(all, { minVotesQuantile });
          for (const { weightedRating, mean } of items) {
            const [low, high] = [Math.min(mean, overallMean!), Math.max(mean, overallMean!)];
            expect(weightedRating).toBeGreaterThanOrEqual(low - 1e-9);
            expect(weightedRating).toBeLessThanOrEqual(high + 1e-9);
          }
        },
      ),
    );
  });

  it('refuses sums that are not numbers', () => {
    const odd = [{ item: 7, count: 2, sum: Number.NaN }];
    expect(() => topRated(odd, DEFAULT_TOP_RATED_OPTIONS)).toThrow(/ratings of item 7/);
    expect(() => topRated([], { minVotesQuantile: 2 })).toThrow(/minVotesQuantile/);
  });
});

describe('the trend', () => {
  const options = DEFAULT_TREND_OPTIONS;
  const ratio = options.shortHalfLifeMs / options.longHalfLifeMs;

  it('is 0 for steady activity, however much there is', () => {
    for (const long of [0, 10, 10_000]) {
      expect(trendOf({ short: long * ratio, long }, options)).toBeCloseTo(0, 12);
    }
  });

  it('is larger for a rise against little than for the same rise against much', () => {
    const quiet = trendOf({ short: 20, long: 10 }, options);
    const busy = trendOf({ short: 1000 * ratio + 20, long: 1000 }, options);
    expect(quiet).toBeGreaterThan(busy);
    expect(busy).toBeGreaterThan(0);
  });

  it('does not call a single click news', () => {
    expect(trendOf({ short: 1, long: 1 }, options)).toBeLessThan(1);
  });

  it('stays a number where undone events left less than nothing', () => {
    expect(trendOf({ short: -1, long: -3 }, { ...options, caution: 0 })).toBe(0);
    expect(() => checkTrendOptions({ ...options, longHalfLifeMs: 1 })).toThrow(
      /above shortHalfLifeMs/,
    );
  });
});
