import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historiesOfRows, historyOfItems } from '../histories/histories.ts';
import { coreItemsOf, fitOnCore, NEXT_ITEM_CORE_LIMIT, readCoreModel } from './core-item-model.ts';
import { DEFAULT_EASE_OPTIONS, fitEase, readEase } from './ease.ts';
import { DEFAULT_NEXT_ITEM_OPTIONS, fitNextItem } from './next-item.ts';

const context = { seed: 1 };
const rows = [
  [0, 5, 2],
  [2, 5, 2],
  [5, 1],
  [2, 5, 3],
  [2, 4],
];
const ease = { ...DEFAULT_EASE_OPTIONS, regularisation: 2, keepPerItem: 100 };

const scoresOf = (
  model: {
    readonly itemCount: number;
    score(history: ReturnType<typeof historyOfItems>, into: Float64Array): void;
  },
  items: number[],
): number[] => {
  const scores = new Float64Array(model.itemCount).fill(Number.NaN);
  model.score(historyOfItems(items), scores);
  return [...scores];
};

describe('a model of the core', () => {
  it('is the whole model where the catalogue is small enough', async () => {
    const data = historiesOfRows(rows, 6);
    const whole = await fitEase(data, ease, context);
    const core = await fitOnCore(data, NEXT_ITEM_CORE_LIMIT, (of) => fitEase(of, ease, context));
    expect(scoresOf(core, [2, 1])).toEqual(scoresOf(whole, [2, 1]));
  });

  it('holds the items with the most events and scores the others 0', async () => {
    const data = historiesOfRows(rows, 6);
    expect([...coreItemsOf(data, 2)]).toEqual([2, 5]);
    const core = await fitOnCore(data, 2, (of) => fitEase(of, ease, context));
    const scores = scoresOf(core, [2, 3]);
    expect(scores[5]).toBeGreaterThan(0);
    expect([0, 1, 3, 4].map((item) => scores[item])).toEqual([0, 0, 0, 0]);
  });

  it('explains its score by the places of the events, and comes back from its bytes', async () => {
    const history = fc.array(fc.nat(7), { maxLength: 9 });
    const data = historiesOfRows(rows, 6);
    const model = await fitOnCore(data, 3, (of) => fitEase(of, ease, context));
    const read = readCoreModel(model.serialise(), readEase);
    fc.assert(
      fc.property(history, (items) => {
        const scores = scoresOf(read, items);
        scores.forEach((score, item) => {
          const parts = model.explain(historyOfItems(items), item);
          expect(parts).toHaveLength(items.length);
          expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(score, 12);
        });
      }),
    );
  });

  it('bounds what the next-item model needs', async () => {
    const data = historiesOfRows([Array.from({ length: 4000 }, (_, k) => (k * k) % 1999)], 2000);
    const model = await fitOnCore(data, 20, (of) =>
      fitNextItem(of, DEFAULT_NEXT_ITEM_OPTIONS, context),
    );
    expect(model.items).toHaveLength(20);
    expect(36 * NEXT_ITEM_CORE_LIMIT ** 2).toBeLessThan(1e9);
    expect(scoresOf(model, [1, 4]).every(Number.isFinite)).toBe(true);
  });
});
