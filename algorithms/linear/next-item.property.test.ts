import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historiesOfRows, historyOfItems } from '../histories/histories.ts';
import { fitNextItem, readNextItem } from './next-item.ts';
import { SequenceBatch } from './next-item-batch.ts';
import { nextItemReference } from './next-item-reference.ts';
import { NextItemStatistics } from './next-item-statistics.ts';

const ITEMS = 5;
const context = { seed: 1 };
const shape = {
  blocks: [
    { decay: 0.3, length: 2, isNormalised: false },
    { decay: 0.8, length: 4, isNormalised: true },
    { decay: 0.97, length: 9, isNormalised: true },
  ],
  targetDecay: 0.6,
  targetLength: 3,
};
const options = { shape, regularisation: 0.5, keepPerRow: 500 };

const sequence = fc.array(fc.nat(ITEMS - 1), { maxLength: 40 });
const sequences = fc.array(sequence, { maxLength: 6 });

const largestDifference = (a: Float64Array, b: Float64Array): number =>
  a.reduce((largest, value, k) => Math.max(largest, Math.abs(value - b[k]!)), 0);

const expectSame = (
  statistics: NextItemStatistics,
  other: { readonly gram: { readonly lower: Float64Array }; readonly cross: Float64Array },
): void => {
  expect(largestDifference(statistics.gram.lower, other.gram.lower)).toBeLessThan(1e-9);
  expect(largestDifference(statistics.cross, other.cross)).toBeLessThan(1e-9);
};

const batchOf = (rows: number[][]): NextItemStatistics => {
  const statistics = new NextItemStatistics(ITEMS, shape);
  statistics.addAll(historiesOfRows(rows, ITEMS));
  return statistics;
};

describe('next-item statistics', () => {
  it('by shared tables equal those of the definition', () => {
    fc.assert(
      fc.property(sequences, (rows) => {
        const reference = nextItemReference(
          rows.map((row) => Uint32Array.from(row)),
          { shape, itemCount: ITEMS },
        );
        expectSame(batchOf(rows), reference);
      }),
    );
  });

  it('are the same however many sequences are gathered at a time, and taken back leave nothing', () => {
    const gatherings = fc.record({
      endsBytesMax: fc.constantFrom(0, 1000, 1e9),
      eventsMax: fc.constantFrom(0, 30, 1e9),
    });
    // Longer than twice the longest block, where places weigh alike.
    const long = fc.array(fc.nat(ITEMS - 1), { minLength: 15, maxLength: 60 });
    fc.assert(
      fc.property(
        fc.array(long, { maxLength: 5 }),
        sequences,
        gatherings,
        (longer, rows, sizes) => {
          const all = [...rows, ...longer].sort((a, b) => a.length - b.length);
          const parts = all.map((row) => Uint32Array.from(row));
          const reference = nextItemReference(parts, { shape, itemCount: ITEMS });
          const statistics = new NextItemStatistics(ITEMS, shape);
          const { gram } = statistics;
          const target = { itemCount: ITEMS, shape, gram, addTarget: () => {} };
          for (const sign of [1, -1] as const) {
            const batch = new SequenceBatch(target, { ...sizes, sign });
            for (const part of parts) batch.add(part);
            batch.flush();
            const wanted = sign === 1 ? reference.gram.lower : gram.lower.map(() => 0);
            expect(largestDifference(gram.lower, wanted)).toBeLessThan(1e-9);
          }
        },
      ),
    );
  });

  it('kept in steps of any size equal those of the batch', () => {
    fc.assert(
      fc.property(
        sequences,
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        (rows, steps) => {
          const stepwise = new NextItemStatistics(ITEMS, shape);
          for (const row of rows) {
            for (let known = 0, step = 0; known < row.length; step++) {
              const next = Math.min(known + steps[step % steps.length]!, row.length);
              stepwise.appendTo(row.slice(0, next), known);
              known = next;
            }
          }
          expectSame(stepwise, batchOf(rows));
        },
      ),
    );
  });

  it('after a late event are those of the sequence that it makes', () => {
    fc.assert(
      fc.property(sequences, sequence, sequence, (rows, before, after) => {
        const statistics = batchOf([...rows, before]);
        statistics.addSequence(before, -1);
        statistics.addSequence(after);
        expectSame(statistics, batchOf([...rows, after]));
      }),
    );
  });
});

describe('the next-item model', () => {
  /** 0 → 1 → 2 → 3 → 4 → 0 …, from several starts. */
  const cycle = [0, 1, 2, 3, 4].map((start) =>
    Array.from({ length: 20 }, (_, k) => (start + k) % ITEMS),
  );

  const scoresFor = async (items: number[]): Promise<Float64Array> => {
    const model = await fitNextItem(historiesOfRows(cycle, ITEMS), options, context);
    const scores = new Float64Array(ITEMS);
    model.score(historyOfItems(items), scores);
    return scores;
  };

  it('learns what comes next', async () => {
    for (const [items, next] of [
      [[0, 1], 2],
      [[3, 4], 0],
    ] as const) {
      const scores = await scoresFor([...items]);
      expect(scores.indexOf(Math.max(...scores))).toBe(next);
    }
  });

  it('explains its score by the events that it comes from and comes back from its bytes', async () => {
    const model = await fitNextItem(
      historiesOfRows(cycle, ITEMS),
      { ...options, keepPerRow: 3 },
      context,
    );
    const read = readNextItem(model.serialise());
    const history = historyOfItems([4, 2, 2, 0]);
    const scores = new Float64Array(ITEMS);
    read.score(history, scores);
    for (let item = 0; item < ITEMS; item++) {
      const parts = model.explain(history, item);
      expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(scores[item]!, 12);
    }
  });

  it('gives zeros where there is nothing to learn from, and a sequence of 10⁵ events is no trouble', async () => {
    for (const rows of [[], [[]], [[3]]]) {
      const model = await fitNextItem(historiesOfRows(rows, ITEMS), options, context);
      const scores = new Float64Array(ITEMS).fill(Number.NaN);
      model.score(historyOfItems([1]), scores);
      expect([...scores]).toEqual([0, 0, 0, 0, 0]);
    }
    const long = Array.from({ length: 100_000 }, (_, k) => (k * k) % ITEMS);
    const model = await fitNextItem(historiesOfRows([long], ITEMS), options, context);
    const scores = new Float64Array(ITEMS);
    model.score(historyOfItems(long), scores);
    expect(scores.every(Number.isFinite)).toBe(true);
  });

  it('refuses options that make no sense', async () => {
    const histories = historiesOfRows(cycle, ITEMS);
    const wrong = [
      { ...options, regularisation: 0 },
      { ...options, keepPerRow: 1.5 },
      { ...options, shape: { ...shape, blocks: [] } },
      { ...options, shape: { ...shape, targetDecay: Number.NaN } },
      { ...options, shape: { ...shape, blocks: [{ decay: 2, length: 3, isNormalised: true }] } },
    ];
    for (const odd of wrong) {
      await expect(fitNextItem(histories, odd, context)).rejects.toThrow(/Expected option/);
    }
  });
});
