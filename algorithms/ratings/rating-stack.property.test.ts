import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DataEvent, historiesOf, historyOf } from '../histories/histories.ts';
import { type SparseRows, userItemsOf } from '../histories/user-items.ts';
import { blockedLinearAlgebra } from '../linear-algebra/blocked-linear-algebra.ts';
import { DEFAULT_BIASED_MF_OPTIONS, fitBiasedMf } from './biased-mf.ts';
import { DEFAULT_EXPLICIT_ALS_OPTIONS, fitExplicitAls } from './explicit-als.ts';
import { RatingSpread } from './rating-spread.ts';
import { DEFAULT_RATING_STACK_OPTIONS, fitRatingStack, readRatingStack } from './rating-stack.ts';
import { fitResidualNeighbours } from './residual-neighbours.ts';
import { SmallRidge } from './small-ridge.ts';
import { DEFAULT_SVD_PLUS_PLUS_OPTIONS, fitSvdPlusPlus } from './svd-plus-plus.ts';

const ITEMS = 6;
const SIZE = { userCount: 5, itemCount: ITEMS };
const context = { seed: 3 };
const small = { factors: 9, epochs: 3 };
const svd = { ...DEFAULT_SVD_PLUS_PLUS_OPTIONS, ...small };
const options = { ...DEFAULT_RATING_STACK_OPTIONS, factorModels: [svd, svd], holdOutShare: 0.3 };

const rating: fc.Arbitrary<DataEvent> = fc.record({
  user: fc.nat(SIZE.userCount - 1),
  item: fc.nat(ITEMS - 1),
  weight: fc.integer({ min: -5, max: 5 }),
  time: fc.nat(100_000),
});
/** One rating, one person, one item, duplicates: all occur; nine factors are more than the data. */
const ratings = fc.array(rating, { minLength: 1, maxLength: 25 });
const everyItem = [0, 1, 2, 3, 4, 5, 77];

describe('every model of ratings', () => {
  it('predicts finite numbers for anybody, whatever it was fitted on', async () => {
    await fc.assert(
      fc.asyncProperty(ratings, async (events) => {
        const histories = historiesOf(events, SIZE);
        const als = { ...DEFAULT_EXPLICIT_ALS_OPTIONS, factors: 9, iterations: 2 };
        const models = [
          await fitBiasedMf(histories, { ...DEFAULT_BIASED_MF_OPTIONS, ...small }, context),
          await fitSvdPlusPlus(histories, svd, context),
          await fitExplicitAls(histories, als, context),
          await fitRatingStack(histories, options, context),
        ];
        for (const model of models) {
          expect(model.sizeBytes).toBeGreaterThan(0);
          for (let user = 0; user < SIZE.userCount; user++) {
            const predicted = model.predict(historyOf(histories, user), everyItem);
            expect(predicted).toHaveLength(everyItem.length);
            expect(predicted.every(Number.isFinite)).toBe(true);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it('refuses nothing, events without values, and values that are no numbers', async () => {
    const none = historiesOf([], SIZE);
    const bare = historiesOf([{ user: 0, item: 0 }], SIZE);
    const whole = historiesOf([{ user: 0, item: 0, weight: 3 }], SIZE);
    const odd = { ...whole, weights: Float32Array.of(Number.NaN) };
    for (const histories of [none, bare, odd]) {
      const refused = /Expected (the ratings|a weight)/;
      await expect(fitSvdPlusPlus(histories, svd, context)).rejects.toThrow(refused);
      await expect(fitRatingStack(histories, options, context)).rejects.toThrow(refused);
      const als = DEFAULT_EXPLICIT_ALS_OPTIONS;
      await expect(fitExplicitAls(histories, als, context)).rejects.toThrow(refused);
    }
    const model = await fitSvdPlusPlus(whole, svd, context);
    const weights = Float32Array.of(Number.POSITIVE_INFINITY);
    const history = { items: Uint32Array.of(0), weights, times: null };
    expect(() => model.predict(history, [0])).toThrow(/a rating/);
  });

  it('says which option it cannot use', async () => {
    const histories = historiesOf([{ user: 0, item: 0, weight: 3 }], SIZE);
    const fits = [
      () => fitSvdPlusPlus(histories, { ...svd, factors: 0 }, context),
      () => fitSvdPlusPlus(histories, { ...svd, decay: 2 }, context),
      () => fitRatingStack(histories, { ...options, holdOutShare: 0 }, context),
      () => fitRatingStack(histories, { ...options, factorModels: [] }, context),
    ];
    for (const attempt of fits) await expect(attempt()).rejects.toThrow(/Expected option/);
    const singular = new SmallRidge(2);
    singular.add(Float64Array.of(1, 1), 1);
    expect(() => singular.solve([0, 0])).toThrow(/positive definite/);
  });
});

describe('a stack of rating models', () => {
  it('as bytes predicts the same, with and without the moment of the rating', async () => {
    await fc.assert(
      fc.asyncProperty(ratings, async (events) => {
        const histories = historiesOf(events, SIZE);
        const stack = await fitRatingStack(histories, options, context);
        const read = readRatingStack(stack.serialise());
        const history = historyOf(histories, 0);
        for (const times of [null, everyItem.map((item) => item * 1000)]) {
          const predicted = stack.predict(history, everyItem, times);
          expect(read.predict(history, everyItem, times)).toEqual(predicted);
        }
        const { low, high } = read.interval(history, 3, 0.9);
        expect(low <= 3 && high >= 3).toBe(true);
      }),
      { numRuns: 20 },
    );
  });
});

describe('item neighbours on residuals', () => {
  const neighbours = { shrinkage: 2, neighbours: 3, caution: 0.5, ridge: 0.7, itemsMax: 10 };

  it('by ridge are the regression of each item on all others', async () => {
    await fc.assert(
      fc.asyncProperty(ratings, async (events) => {
        const rows = userItemsOf(historiesOf(events, SIZE));
        const model = await fitResidualNeighbours(rows, neighbours, context, blockedLinearAlgebra);
        for (let item = 0; item < ITEMS; item++) {
          const weights = regression(rows, item, neighbours.ridge);
          for (let other = 0; other < ITEMS; other++) {
            if (other === item) continue;
            const { ridge } = model.signals([other], [1], item);
            expect(ridge).toBeCloseTo(weights[other]!, 8);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it('refuses a catalogue beyond its bound', async () => {
    const rows = userItemsOf(historiesOf([{ user: 0, item: 0, weight: 1 }], SIZE));
    const tight = { ...neighbours, itemsMax: 3 };
    const attempt = fitResidualNeighbours(rows, tight, context, blockedLinearAlgebra);
    await expect(attempt).rejects.toThrow(/neighbours.itemsMax/);
  });
});

/** Ridge of one column on all others, straight from the normal equations. */
const regression = (rows: SparseRows, item: number, ridge: number): Float64Array => {
  const system = new SmallRidge(ITEMS);
  for (let user = 0; user < rows.rowCount; user++) {
    const row = new Float64Array(ITEMS);
    for (let k = rows.starts[user]!; k < rows.starts[user + 1]!; k++) {
      row[rows.columns[k]!] = rows.values[k]!;
    }
    const target = row[item]!;
    row[item] = 0;
    system.add(row, target);
  }
  return system.solve(new Float64Array(ITEMS).fill(ridge));
};

describe('the spread of predicted ratings', () => {
  it('holds as many of the held-out ratings as it says', () => {
    const errors = Array.from({ length: 1000 }, (_, k) => ({
      error: ((k * 7919) % 1000) / 500 - 1,
      ratings: k % 3 === 0 ? 4 : 200,
    }));
    const spread = RatingSpread.of(errors);
    for (const probability of [0.5, 0.8, 0.95]) {
      const held = errors.filter(({ error, ratings }) => {
        const { low, high } = spread.interval(0, ratings, probability);
        return error >= low && error <= high;
      });
      expect(Math.abs(held.length / 1000 - probability)).toBeLessThan(0.01);
    }
    expect(RatingSpread.of([]).interval(3, 5, 0.9)).toEqual({ low: 3, high: 3 });
  });
});
