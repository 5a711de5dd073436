import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DataEvent, historiesOf, historyOf } from '../histories/histories.ts';
import { transposeOf, userItemsOf } from '../histories/user-items.ts';
import { inlineEngine } from '../kernels/kernel-engine.ts';
import { seededRandom } from '../random/seeded-random.ts';
import { DEFAULT_BIASED_MF_OPTIONS, fitBiasedMf } from './biased-mf.ts';
import {
  type AlsSide,
  alsHalfStep,
  DEFAULT_EXPLICIT_ALS_OPTIONS,
  fitExplicitAls,
} from './explicit-als.ts';
import { readFactorRatings } from './factor-rating-model.ts';
import { referenceEpoch } from './factor-reference.ts';
import { FactorSgd, reshuffle, type SgdState, startState } from './factor-sgd.ts';
import { DEFAULT_SVD_PLUS_PLUS_OPTIONS, fitSvdPlusPlus } from './svd-plus-plus.ts';

const USERS = 5;
const ITEMS = 6;
const SIZE = { userCount: USERS, itemCount: ITEMS };
const context = { seed: 3 };

const rating: fc.Arbitrary<DataEvent> = fc.record({
  user: fc.nat(USERS - 1),
  item: fc.nat(ITEMS - 1),
  weight: fc.integer({ min: 1, max: 5 }),
});
const ratings = fc.array(rating, { minLength: 1, maxLength: 25 });

const arraysOf = (state: SgdState): Float64Array[] =>
  [
    state.userBiases,
    state.itemBiases,
    state.userFactors,
    state.itemFactors,
    state.implicitFactors,
  ].filter((array) => array !== null);

describe('a factor model by stochastic gradient descent', () => {
  it.each(['plain', 'relaxed'] as const)(
    'takes the steps of the textbook, in every parameter, in the %s build',
    (build) => {
      fc.assert(
        fc.property(
          ratings,
          fc.boolean(),
          fc.nat(),
          fc.constantFrom(1, 4, 5, 22, 128),
          (events, isImplicit, seed, factors) => {
            const deviation = 0.5 / Math.sqrt(factors);
            const options = { ...DEFAULT_SVD_PLUS_PLUS_OPTIONS, factors, deviation };
            const rows = userItemsOf(historiesOf(events, SIZE));
            const start = startState(rows, options, { random: seededRandom(seed), isImplicit });
            const engine = inlineEngine();
            using sgd = new FactorSgd(rows, options, start, { engine, build });
            const random = seededRandom(seed + 1);
            for (let epoch = 0; epoch < 3; epoch++) {
              reshuffle(sgd.order, rows.starts, random);
              const steps = { rate: 0.05 / (epoch + 1), biasRate: 0.03 };
              sgd.epoch(steps);
              referenceEpoch(rows, options, start, { order: sgd.order, steps });
            }
            const others = arraysOf(start);
            arraysOf(sgd.state()).forEach((array, which) => {
              array.forEach((value, k) => {
                const wanted = others[which]![k]!;
                expect(Math.abs(value - wanted)).toBeLessThan(1e-5 * (1 + Math.abs(wanted)));
              });
            });
          },
        ),
        { numRuns: 60 },
      );
    },
  );

  it('gives memory back', async () => {
    const engine = inlineEngine();
    const rows = userItemsOf(historiesOf([{ user: 0, item: 0, weight: 3 }], SIZE));
    const random = seededRandom(1);
    const options = { ...DEFAULT_SVD_PLUS_PLUS_OPTIONS, factors: 1000 };
    const start = startState(rows, options, { random, isImplicit: true });
    const addressOf = (): number => {
      using sgd = new FactorSgd(rows, options, start, { engine, build: 'plain' });
      return sgd.order.users.byteOffset;
    };
    expect(addressOf()).toBe(addressOf());
  });

  it('is the same for the same seed, and as bytes predicts the same', async () => {
    const histories = historiesOf(
      [0, 1, 2, 3, 4].map((k) => ({ user: k, item: (k * 2) % ITEMS, weight: 1 + k })),
      SIZE,
    );
    for (const train of [fitSvdPlusPlus, fitBiasedMf]) {
      const options = { ...DEFAULT_SVD_PLUS_PLUS_OPTIONS, factors: 4 };
      const model = await train(histories, options, context);
      const again = await train(histories, options, context);
      expect(model.serialise()).toEqual(again.serialise());
      const history = historyOf(histories, 2);
      const items = [0, 3, 5, 99];
      expect(readFactorRatings(model.serialise()).predict(history, items)).toEqual(
        model.predict(history, items),
      );
    }
  });

  it('refuses a rate at which it diverges', async () => {
    const histories = historiesOf(
      Array.from({ length: 30 }, (_, k) => ({
        user: k % 5,
        item: k % 6,
        weight: 1 + (k % 5) * 50,
      })),
      SIZE,
    );
    const options = { ...DEFAULT_BIASED_MF_OPTIONS, factors: 3, rate: 5, epochs: 200 };
    await expect(fitBiasedMf(histories, options, context)).rejects.toThrow(/option rate/);
  });
});

describe('explicit ALS', () => {
  const options = { ...DEFAULT_EXPLICIT_ALS_OPTIONS, factors: 3, iterations: 4 };

  it('never raises its loss', () => {
    fc.assert(
      fc.property(ratings, fc.nat(), (events, seed) => {
        const userItems = userItemsOf(historiesOf(events, SIZE));
        const itemUsers = transposeOf(userItems);
        const random = seededRandom(seed);
        const side = (count: number): AlsSide => ({
          factors: Float64Array.from({ length: count * 3 }, () => random.normal()),
          biases: new Float64Array(count),
        });
        const users = side(USERS);
        const items = side(ITEMS);
        const problem = { mean: 3, options };
        const squares = (of: AlsSide, rows: typeof userItems): number => {
          let sum = 0;
          for (let row = 0; row < rows.rowCount; row++) {
            const count = rows.starts[row + 1]! - rows.starts[row]!;
            if (count === 0) continue;
            sum += options.biasRegularisation * of.biases[row]! ** 2;
            for (let k = 0; k < 3; k++)
              sum += options.regularisation * count * of.factors[row * 3 + k]! ** 2;
          }
          return sum;
        };
        const loss = (): number => {
          let sum = squares(users, userItems) + squares(items, itemUsers);
          for (let user = 0; user < USERS; user++) {
            for (let at = userItems.starts[user]!; at < userItems.starts[user + 1]!; at++) {
              const item = userItems.columns[at]!;
              let error = userItems.values[at]! - 3 - users.biases[user]! - items.biases[item]!;
              for (let k = 0; k < 3; k++)
                error -= users.factors[user * 3 + k]! * items.factors[item * 3 + k]!;
              sum += error * error;
            }
          }
          return sum;
        };
        let last = loss();
        for (let iteration = 0; iteration < 4; iteration++) {
          alsHalfStep(userItems, { into: users, held: items }, problem);
          alsHalfStep(itemUsers, { into: items, held: users }, problem);
          const now = loss();
          expect(now).toBeLessThanOrEqual(last * (1 + 1e-9));
          last = now;
        }
      }),
      { numRuns: 60 },
    );
  });

  it('folds a person in as its own half step solves them', async () => {
    const events = Array.from({ length: 20 }, (_, k) => ({
      user: k % USERS,
      item: (k * 7) % ITEMS,
      weight: 1 + ((k * 3) % 5),
    }));
    const histories = historiesOf(events, SIZE);
    const model = await fitExplicitAls(histories, options, context);
    const rows = userItemsOf(histories);
    const all = Array.from({ length: ITEMS }, (_, item) => item);
    const nobody = model.predict({ items: new Uint32Array(0), weights: null, times: null }, all);
    const folded = model.foldIn(historyOf(histories, 1));
    const predicted = model.predictFor(folded, all);
    // The gradient of the person's own loss is zero where the fold-in stands.
    let sum = -options.biasRegularisation * folded.bias;
    for (let at = rows.starts[1]!; at < rows.starts[2]!; at++) {
      sum += rows.values[at]! - predicted[rows.columns[at]!]!;
    }
    expect(sum).toBeCloseTo(0, 9);
    expect(nobody.every(Number.isFinite)).toBe(true);
  });
});
