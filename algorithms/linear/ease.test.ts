import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historiesOfRows, historyOfItems } from '../histories/histories.ts';
import { userItemsOf } from '../histories/user-items.ts';
import { symmetricIndex, symmetricMatrix } from '../linear-algebra/dense-linear-algebra.ts';
import { referenceLinearAlgebra } from '../linear-algebra/reference-linear-algebra.ts';
import { seededRandom } from '../random/seeded-random.ts';
import { DEFAULT_EASE_OPTIONS, EaseStatistics, fitEase, readEase, solveEase } from './ease.ts';

const context = { seed: 1 };
const options = { ...DEFAULT_EASE_OPTIONS, regularisation: 2, keepPerItem: 100 };
const rows = [[0, 1, 2], [1, 2, 4], [0, 2], [3, 1, 2], [4], []];
const ITEMS = 5;

const dense = (): number[][] =>
  rows.map((row) => Array.from({ length: ITEMS }, (_, item) => Number(row.includes(item))));

/** Column j by its definition: the ridge regression of item j on all the other items. */
const columnByDefinition = async (j: number): Promise<number[]> => {
  const x = dense();
  const others = Array.from({ length: ITEMS }, (_, item) => item).filter((item) => item !== j);
  const gram = symmetricMatrix(others.length);
  const product = (a: number, b: number): number =>
    x.reduce((sum, row) => sum + row[a]! * row[b]!, 0);
  others.forEach((a, row) => {
    others.slice(0, row + 1).forEach((b, column) => {
      gram.lower[symmetricIndex(row, column)] = product(a, b);
    });
  });
  const values = Float64Array.from(others, (a) => product(a, j));
  await referenceLinearAlgebra.solveRows(
    { matrix: gram, ridge: options.regularisation },
    { rowCount: 1, values },
    context,
  );
  const column = [...values];
  column.splice(j, 0, 0);
  return column;
};

describe('EASE', () => {
  it('is the ridge regression of every item on all the others', async () => {
    const model = await fitEase(historiesOfRows(rows, ITEMS), options, context);
    const scores = new Float64Array(ITEMS);
    for (let j = 0; j < ITEMS; j++) {
      const column = await columnByDefinition(j);
      for (let from = 0; from < ITEMS; from++) {
        model.score(historyOfItems([from]), scores);
        expect(scores[j]).toBeCloseTo(column[from]!, 6);
      }
    }
  });

  it('is the same by people as by items', async () => {
    const history = fc.uniqueArray(fc.nat(7), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(history, { maxLength: 7 }), async (people) => {
        const data = historiesOfRows(people, 8);
        const statistics = new EaseStatistics(8);
        statistics.addAll(userItemsOf(data));
        const byItems = await solveEase(statistics, options, context);
        const byPeople = await fitEase(data, options, context);
        const [a, b] = [new Float64Array(8), new Float64Array(8)];
        byItems.score(historyOfItems([0, 3, 5]), a);
        byPeople.score(historyOfItems([0, 3, 5]), b);
        a.forEach((score, item) => {
          expect(b[item]).toBeCloseTo(score, 6);
        });
      }),
    );
  });

  it('solved item by item on all neighbours is the same, and on few it is near', async () => {
    const random = seededRandom(3);
    const people = Array.from({ length: 60 }, () =>
      Array.from({ length: 12 }, (_, item) => item).filter(() => random.next() < 0.4),
    );
    const data = historiesOfRows(people, 12);
    const dense = await fitEase(data, options, context);
    const sparse = (sparseNeighbours: number) =>
      fitEase(data, { ...options, denseItemsMax: 0, sparseNeighbours }, context);
    const [exact, near, wanted] = [0, 1, 2].map(() => new Float64Array(12));
    dense.score(historyOfItems([1, 5, 7]), wanted!);
    (await sparse(12)).score(historyOfItems([1, 5, 7]), exact!);
    (await sparse(8)).score(historyOfItems([1, 5, 7]), near!);
    wanted!.forEach((score, item) => {
      expect(exact![item]).toBeCloseTo(score, 5);
      expect(Math.abs(near![item]! - score)).toBeLessThan(0.3);
    });
  });

  it('explains its score by the events that it comes from', async () => {
    const model = await fitEase(historiesOfRows(rows, ITEMS), options, context);
    const history = historyOfItems([0, 4, 0, 2]);
    const scores = new Float64Array(ITEMS);
    model.score(history, scores);
    const parts = model.explain(history, 1);
    expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(scores[1]!, 12);
    // The same item twice counts once, at its newest place.
    expect(parts[0]).toBe(0);
  });

  it('comes back from its bytes', async () => {
    const model = await fitEase(
      historiesOfRows(rows, ITEMS),
      { ...options, keepPerItem: 2 },
      context,
    );
    const read = readEase(model.serialise());
    const [before, after] = [new Float64Array(ITEMS), new Float64Array(ITEMS)];
    model.score(historyOfItems([1, 3]), before);
    read.score(historyOfItems([1, 3]), after);
    expect(after).toEqual(before);
    expect(read.sizeBytes).toBe(model.sizeBytes);
  });

  it('keeps the largest weights by absolute value, negative ones too', async () => {
    const all = await fitEase(historiesOfRows(rows, ITEMS), options, context);
    const few = await fitEase(
      historiesOfRows(rows, ITEMS),
      { ...options, keepPerItem: 2 },
      context,
    );
    const [full, kept] = [new Float64Array(ITEMS), new Float64Array(ITEMS)];
    all.score(historyOfItems([2]), full);
    few.score(historyOfItems([2]), kept);
    const largest = [...full]
      .map(Math.abs)
      .sort((a, b) => b - a)
      .slice(0, 2);
    expect(
      [...kept]
        .filter((weight) => weight !== 0)
        .map(Math.abs)
        .sort((a, b) => b - a),
    ).toEqual(largest);
  });

  it('counts in steps exactly what it counts at once, and takes back exactly what it added', () => {
    const history = fc.uniqueArray(fc.nat(7), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(history, { maxLength: 6 }), history, (people, gone) => {
        const batch = new EaseStatistics(8);
        batch.addAll(userItemsOf(historiesOfRows(people, 8)));
        const stepwise = new EaseStatistics(8);
        stepwise.addPerson(gone);
        for (const items of people) {
          items.forEach((item, k) => {
            stepwise.addItem(items.slice(0, k), item);
          });
        }
        stepwise.addPerson(gone, -1);
        expect(stepwise.gram.lower).toEqual(batch.gram.lower);
      }),
    );
  });

  it('gives a defined result for data with nothing to learn from', async () => {
    for (const [people, itemCount] of [
      [[], 0],
      [[], 3],
      [[[0]], 1],
      [[[], []], 2],
      [[[0, 0, 0]], 2],
    ] as const) {
      const model = await fitEase(historiesOfRows(people, itemCount), options, context);
      const scores = new Float64Array(itemCount).fill(Number.NaN);
      model.score(historyOfItems(itemCount > 0 ? [0] : []), scores);
      expect([...scores]).toEqual(Array.from({ length: itemCount }, () => 0));
    }
  });

  it('refuses options that make no sense', async () => {
    const histories = historiesOfRows(rows, ITEMS);
    for (const regularisation of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(fitEase(histories, { ...options, regularisation }, context)).rejects.toThrow(
        /Expected option regularisation to be a finite number above 0/,
      );
    }
    await expect(fitEase(histories, { ...options, keepPerItem: 0 }, context)).rejects.toThrow(
      /Expected option keepPerItem/,
    );
  });
});
