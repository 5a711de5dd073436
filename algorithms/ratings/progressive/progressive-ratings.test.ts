import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SmallRidge } from '../small-ridge.ts';
import { OnlineRidge } from './online-ridge.ts';
import { DEFAULT_PROGRESSIVE_MF_OPTIONS, ProgressiveMf } from './progressive-mf.ts';
import { ProgressiveNeighbours } from './progressive-neighbours.ts';
import { DEFAULT_PROGRESSIVE_RATING_OPTIONS, ProgressiveRatings } from './progressive-ratings.ts';

const SIZE = { userCount: 4, itemCount: 5 };
const rating = fc.record({
  user: fc.nat(3),
  item: fc.nat(4),
  // In hundredths: whether 1e-41 counts as a difference of taste is nobody's question.
  value: fc.integer({ min: -500, max: 500 }).map((hundredths) => hundredths / 100),
});

describe('an online ridge', () => {
  it('after any number of cases is the ridge of the batch', () => {
    const cases = fc.array(
      fc.tuple(
        fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 3, maxLength: 3 }),
        fc.double({ min: -2, max: 2, noNaN: true }),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(cases, (rows) => {
        const online = new OnlineRidge([0, 0, 0], 0.7);
        const batch = new SmallRidge(3);
        for (const [x, target] of rows) {
          online.learn(Float64Array.from(x), target);
          batch.add(Float64Array.from(x), target);
        }
        const expected = batch.solve([0.7, 0.7, 0.7]);
        online.weights.forEach((weight, k) => {
          expect(weight).toBeCloseTo(expected[k]!, 8);
        });
      }),
    );
  });

  it('refuses a case that is no number', () => {
    expect(() => new OnlineRidge([0], 1).learn(Float64Array.of(Number.NaN), 1)).toThrow(/a case/);
  });
});

describe('progressive item neighbours', () => {
  const options = { shrinkage: 2, neighbours: 3, caution: 0.5 };

  it('say what the definition says of all ratings so far', () => {
    fc.assert(
      fc.property(fc.array(rating, { maxLength: 40 }), (events) => {
        const seen = new Set<string>();
        const once = events.filter(({ user, item }) => {
          const pair = `${user} ${item}`;
          return !seen.has(pair) && seen.add(pair);
        });
        const fast = new ProgressiveNeighbours(SIZE, options);
        for (const { user, item, value } of once) fast.learn(user, item, value);
        const of = (item: number) => once.filter((event) => event.item === item);
        const squares = (item: number): number =>
          of(item).reduce((sum, { value }) => sum + value * value, 0) / of(item).length;
        const similarity = (a: number, b: number): number => {
          const pairs = of(a).flatMap((one) =>
            of(b)
              .filter(({ user }) => user === one.user)
              .map(({ value }) => one.value * value),
          );
          const product = pairs.reduce((sum, value) => sum + value, 0);
          const spread = Math.sqrt(squares(a) * squares(b));
          return spread > 0 ? product / spread / (pairs.length + options.shrinkage) : 0;
        };
        for (let item = 0; item < SIZE.itemCount; item++) {
          const own = once.filter((event) => event.user === 0 && event.item !== item);
          if (own.length !== once.filter((event) => event.user === 0).length) continue;
          const weights = own.map((event) => similarity(item, event.item));
          const sizes = weights.map(Math.abs).sort((a, b) => b - a);
          const least = sizes[options.neighbours - 1] ?? 0;
          // Which of two equal neighbours counts is left open.
          if (sizes.some((size, k) => k > 2 && Math.abs(size - least) < 1e-4)) continue;
          let sum = 0;
          let total = options.caution;
          own.forEach(({ value }, k) => {
            if (Math.abs(weights[k]!) < least) return;
            sum += weights[k]! * value;
            total += Math.abs(weights[k]!);
          });
          expect(fast.predict(0, item)).toBeCloseTo(sum / total, 4);
        }
      }),
    );
  });
});

describe('progressive ratings', () => {
  it('give numbers whatever comes first, and refuse what is none', () => {
    const create = () => new ProgressiveRatings(SIZE, DEFAULT_PROGRESSIVE_RATING_OPTIONS, 1);
    fc.assert(
      fc.property(fc.array(rating, { maxLength: 30 }), (events) => {
        const model = create();
        for (const { user, item, value } of events) {
          const forecast = model.forecast(user, item);
          expect(Number.isFinite(forecast.value)).toBe(true);
          model.learn(forecast, value);
        }
      }),
      { numRuns: 50 },
    );
    const model = create();
    expect(() => model.forecast(4, 0)).toThrow(/person and item/);
    expect(() => model.learn(model.forecast(0, 0), Number.POSITIVE_INFINITY)).toThrow(/a rating/);
  });

  it('learn who rates high', () => {
    const model = new ProgressiveMf(SIZE, DEFAULT_PROGRESSIVE_MF_OPTIONS, 1);
    for (let round = 0; round < 40; round++) {
      model.learn(0, round % 5, 5);
      model.learn(1, round % 5, 1);
    }
    expect(model.predict(0, 0)).toBeGreaterThan(model.predict(1, 0) + 2);
  });
});
