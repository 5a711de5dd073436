/** The neighbour models that end as rows of weights: item–item, random walk, transitions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Histories, historiesOfRows, historyOfItems } from '../histories/histories.ts';
import type { LinearItemModel } from '../linear/linear-item-model.ts';
import type { FitContext } from '../model/fit-context.ts';
import {
  DEFAULT_ITEM_ITEM_OPTIONS,
  fitItemItem,
  logLikelihoodRatio,
  readItemItem,
} from './item-item.ts';
import { DEFAULT_RANDOM_WALK_OPTIONS, fitRandomWalk, readRandomWalk } from './random-walk.ts';
import { DEFAULT_TRANSITION_OPTIONS, fitTransitions, readTransitions } from './transitions.ts';

const context = { seed: 1 };
const ITEMS = 6;
const people = fc.array(fc.array(fc.nat(ITEMS - 1), { maxLength: 8 }), { maxLength: 8 });

const weightsFrom = (model: LinearItemModel, item: number): number[] => {
  const scores = new Float64Array(model.itemCount);
  model.score(historyOfItems([item]), scores);
  return [...scores];
};

const expectClose = (got: number[], wanted: number[]): void => {
  got.forEach((value, k) => {
    expect(value).toBeCloseTo(wanted[k]!, 6);
  });
};

describe('item–item neighbours', () => {
  it('equal the definition on any data', async () => {
    const options = { similarity: 'cosine', shrinkage: 2, neighbours: 100 } as const;
    await fc.assert(
      fc.asyncProperty(people, async (rows) => {
        const sets = rows.map((row) => new Set(row));
        const has = (...items: number[]): number =>
          sets.filter((set) => items.every((item) => set.has(item))).length;
        const data = historiesOfRows(rows, ITEMS);
        const cosine = await fitItemItem(data, options, context);
        const jaccard = await fitItemItem(data, { ...options, similarity: 'jaccard' }, context);
        for (let a = 0; a < ITEMS; a++) {
          const others = Array.from({ length: ITEMS }, (_, b) => b);
          expectClose(
            weightsFrom(cosine, a),
            others.map((b) => (a === b ? 0 : has(a, b) / (Math.sqrt(has(a) * has(b)) + 2))),
          );
          expectClose(
            weightsFrom(jaccard, a),
            others.map((b) => (a === b ? 0 : has(a, b) / (has(a) + has(b) - has(a, b) + 2))),
          );
        }
      }),
    );
  });

  it('have the log-likelihood ratios of Dunning’s tables', () => {
    const ratio = (both: number, onlyA: number, onlyB: number, neither: number): number =>
      logLikelihoodRatio({
        common: both,
        a: both + onlyA,
        b: both + onlyB,
        people: both + onlyA + onlyB + neither,
      });
    expect(ratio(1, 0, 0, 1)).toBeCloseTo(2.7726, 4);
    expect(ratio(10, 0, 0, 10)).toBeCloseTo(27.7259, 4);
    expect(ratio(5, 1995, 0, 100_000)).toBeCloseTo(39.331, 3);
    expect(ratio(1000, 1995, 1000, 100_000)).toBeCloseTo(4730.737, 3);
  });

  it('by log-likelihood leave out what meets less often than by chance', async () => {
    const rows = [[0, 1], [0, 1], [0, 1], [2], [2], [2, 0]];
    const options = { similarity: 'log-likelihood', shrinkage: 0, neighbours: 9 } as const;
    const model = await fitItemItem(historiesOfRows(rows, 3), options, context);
    expect(weightsFrom(model, 0)[1]).toBeGreaterThan(0);
    expect(weightsFrom(model, 0)[2]).toBe(0);
  });
});

describe('RP3β', () => {
  it('is three steps of the walk, damped by popularity', async () => {
    await fc.assert(
      fc.asyncProperty(people, async (rows) => {
        const sets = rows.map((row) => new Set(row));
        const options = { alpha: 0.7, beta: 0.4, neighbours: 100 };
        const model = await fitRandomWalk(historiesOfRows(rows, ITEMS), options, context);
        const popularity = (item: number): number => sets.filter((set) => set.has(item)).length;
        for (let a = 0; a < ITEMS; a++) {
          const wanted = Array.from({ length: ITEMS }, (_, b) => {
            const both = sets.filter((set) => a !== b && set.has(a) && set.has(b));
            const walk = both.reduce(
              (sum, set) => sum + popularity(a) ** -0.7 * set.size ** -0.7,
              0,
            );
            return both.length === 0 ? 0 : walk / popularity(b) ** 0.4;
          });
          expectClose(weightsFrom(model, a), wanted);
        }
      }),
    );
  });
});

describe('transitions', () => {
  const options = { ...DEFAULT_TRANSITION_OPTIONS, steps: 2, stepDecay: 0.5, shrinkage: 1 };

  it('count what follows, a step further away for less', async () => {
    const model = await fitTransitions(historiesOfRows([[0, 1, 2, 1]], 3), options, context);
    // After 0: item 1 at once (1), item 2 a step later (.5); row sum 1.5, plus shrinkage 1.
    expectClose(weightsFrom(model, 0), [0, 1 / 2.5, 0.5 / 2.5]);
    // After 2: item 1. After 1: item 2, and itself, which does not count.
    expectClose(weightsFrom(model, 2), [0, 1 / 2, 0]);
    expectClose(weightsFrom(model, 1), [0, 0, 1 / 2]);
  });

  it('may look back as well', async () => {
    const model = await fitTransitions(
      historiesOfRows([[0, 1]], 2),
      { ...options, backward: 0.3, shrinkage: 0.7 },
      context,
    );
    expectClose(weightsFrom(model, 1), [0.3, 0]);
  });

  it('score from the newest events, older ones less', async () => {
    const model = await fitTransitions(
      historiesOfRows(
        [
          [0, 1],
          [2, 3],
        ],
        4,
      ),
      { ...options, shrinkage: 0, reach: 2, historyDecay: 0.8 },
      context,
    );
    const scores = new Float64Array(4);
    model.score(historyOfItems([0, 0, 2]), scores);
    expectClose([...scores], [0, 0.8, 0, 1]);
  });
});

const MODELS = [
  {
    name: 'item–item',
    fitOn: (data: Histories, context: FitContext) =>
      fitItemItem(data, DEFAULT_ITEM_ITEM_OPTIONS, context),
    read: readItemItem,
  },
  {
    name: 'RP3β',
    fitOn: (data: Histories, context: FitContext) =>
      fitRandomWalk(data, DEFAULT_RANDOM_WALK_OPTIONS, context),
    read: readRandomWalk,
  },
  {
    name: 'transitions',
    fitOn: (data: Histories, context: FitContext) =>
      fitTransitions(data, DEFAULT_TRANSITION_OPTIONS, context),
    read: readTransitions,
  },
];

for (const { name, fitOn, read } of MODELS) {
  describe(`${name}, on odd data`, () => {
    it('gives finite scores whatever the data, explains them, and comes back from bytes', async () => {
      await fc.assert(
        fc.asyncProperty(people, fc.array(fc.nat(ITEMS - 1)), async (rows, items) => {
          const model = read((await fitOn(historiesOfRows(rows, ITEMS), context)).serialise());
          const history = historyOfItems(items);
          const scores = new Float64Array(ITEMS).fill(Number.NaN);
          model.score(history, scores);
          scores.forEach((score, item) => {
            const parts = model.explain(history, item);
            expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(score, 9);
          });
        }),
      );
    });

    it('stops when it is told to', async () => {
      const stop = new AbortController();
      stop.abort(new Error('stopped'));
      const data = historiesOfRows([[0, 1]], 2);
      await expect(fitOn(data, { seed: 1, signal: stop.signal })).rejects.toThrow('stopped');
    });
  });
}
