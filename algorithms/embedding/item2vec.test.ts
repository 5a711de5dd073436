import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historiesOf, historiesOfRows, historyOfItems } from '../histories/histories.ts';
import { isAlgorithmError } from '../model/algorithm-error.ts';
import { atOnce } from '../model/pieces.ts';
import {
  DEFAULT_ITEM2VEC_OPTIONS,
  fitItem2vec,
  type Item2vecOptions,
  readItem2vec,
  sequencesOf,
} from './item2vec.ts';

const SMALL = { ...DEFAULT_ITEM2VEC_OPTIONS, dimensions: 8, epochs: 4 };
const context = { seed: 1 };

/** Two circles of items that never meet. */
const circles = (): number[][] =>
  Array.from({ length: 60 }, (_, row) =>
    Array.from({ length: 12 }, (_, k) => ((row + k) % 5) + 5 * (row % 2)),
  );

describe('item2vec', () => {
  it('finds what stands near and what keeps the same company', async () => {
    const options = { ...SMALL, window: 1, epochs: 30, rate: 0.1, countDamping: 0 };
    const model = await fitItem2vec(historiesOfRows(circles(), 11), options, context);
    const scores = new Float64Array(11);
    model.score(historyOfItems([2]), scores);
    const [best, next] = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]!);
    expect([best, next].sort()).toEqual([1, 3]);
    for (const item of model.similar(7, 2).items) expect(item).toBeGreaterThanOrEqual(5);
    expect(model.similar(10, 3).items).toHaveLength(0);
    expect(model.similar(99, 3).items).toHaveLength(0);
  });

  it('gives finite scores whatever the data, explains them, and comes back from bytes', async () => {
    const items = 6;
    const people = fc.array(fc.array(fc.nat(items - 1), { maxLength: 8 }), { maxLength: 5 });
    const scorings = fc.constantFrom<Item2vecOptions['scoring']>('in-out', 'cosine');
    await fc.assert(
      fc.asyncProperty(people, fc.array(fc.nat(items)), scorings, async (rows, met, scoring) => {
        const fitted = await fitItem2vec(historiesOfRows(rows, items), SMALL, context);
        const model = readItem2vec(fitted.scoredBy({ ...SMALL, scoring }).serialise());
        const history = historyOfItems(met);
        const scores = new Float64Array(items).fill(Number.NaN);
        model.score(history, scores);
        const width = model.searchDimensions;
        let shift: number | undefined;
        const answers = atOnce(model.answersInPieces());
        const query = model.queryOf(history);
        scores.forEach((score, item) => {
          const sum = model.explain(history, item).reduce((total, part) => total + part, 0);
          expect(sum).toBeCloseTo(score, 9);
          const answer = answers.subarray(item * width, (item + 1) * width);
          const found = query ? query.reduce((total, part, k) => total + part * answer[k]!, 0) : 0;
          shift ??= found - score;
          expect(found - score).toBeCloseTo(shift, 4);
          for (const other of model.similar(item, items).scores) expect(other).toBeLessThan(1.001);
        });
        expect(model.sizeBytes).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 50 },
    );
  });

  it('knows nothing and breaks nothing without people, pairs or items', async () => {
    for (const [rows, itemCount] of [
      [[], 0],
      [[], 3],
      [[[]], 3],
      [[[1]], 3],
      [[[1, 1, 1]], 3],
      [[[0], [1], [2]], 3],
    ] as const) {
      const model = await fitItem2vec(historiesOfRows(rows, itemCount), SMALL, context);
      const scores = new Float64Array(itemCount);
      model.score(historyOfItems([1, 0, 1]), scores);
      expect([...scores].every(Number.isFinite)).toBe(true);
    }
  });

  it('takes more dimensions than there are events', async () => {
    const model = await fitItem2vec(
      historiesOfRows([[0, 1]], 2),
      { ...SMALL, dimensions: 333 },
      context,
    );
    const scores = new Float64Array(2);
    model.score(historyOfItems([0]), scores);
    expect([...scores].every(Number.isFinite)).toBe(true);
  });

  it('takes a person of a hundred thousand events', async () => {
    const long = Array.from({ length: 100_000 }, (_, k) => (k * 7919) % 50);
    const options = { ...SMALL, epochs: 1, historyDecay: 1 };
    const model = await fitItem2vec(historiesOfRows([long], 50), options, context);
    const scores = new Float64Array(50);
    model.score(historyOfItems(long), scores);
    expect([...scores].every(Number.isFinite)).toBe(true);
    expect(model.explain(historyOfItems(long), 3)).toHaveLength(100_000);
  });

  it('says so where the rate is so large that vectors grow without end', async () => {
    const options = { ...SMALL, rate: 5, lastRate: 5, epochs: 50 };
    const refused = fitItem2vec(historiesOfRows(circles(), 10), options, context);
    await expect(refused).rejects.toThrow(/the rate must be lower/);
  });

  it('parts histories at pauses and leaves out what weighs nothing', () => {
    const events = [
      { user: 0, item: 0, time: 1, weight: 1 },
      { user: 0, item: 1, time: 2, weight: 1 },
      { user: 0, item: 2, time: 30, weight: -1 },
      { user: 0, item: 3, time: 31, weight: 1 },
      { user: 1, item: 4, time: 32, weight: 0 },
    ];
    const histories = historiesOf(events, { userCount: 2, itemCount: 5 });
    expect(sequencesOf(histories, 10)).toEqual({
      itemCount: 5,
      starts: Uint32Array.of(0, 2, 3),
      items: Uint32Array.of(0, 1, 3),
    });
    expect([...sequencesOf(histories, null).starts]).toEqual([0, 3]);
  });

  it('passes over disliked items of the history', async () => {
    const model = await fitItem2vec(historiesOfRows(circles(), 10), SMALL, context);
    const [liked, both] = [new Float64Array(10), new Float64Array(10)];
    const weights = Float32Array.of(1, -1);
    model.score(historyOfItems([2]), liked);
    model.score({ items: Uint32Array.of(2, 7), weights, times: null }, both);
    expect(both).toEqual(liked);
  });

  it('refuses settings that mean nothing, and data that is none', async () => {
    const data = historiesOfRows([[0, 1]], 2);
    const odd: Partial<Item2vecOptions>[] = [
      { dimensions: 0 },
      { window: 1.5 },
      { negatives: 0 },
      { negativeExponent: Number.NaN },
      { subsampling: -1 },
      { epochs: -1 },
      { rate: Number.POSITIVE_INFINITY },
      { lastRate: -1 },
      { sessionGap: 0 },
      { historyDecay: 0 },
      { countDamping: Number.NaN },
    ];
    for (const options of odd) {
      const refused = fitItem2vec(data, { ...SMALL, ...options }, context);
      await expect(refused, JSON.stringify(options)).rejects.toThrow(/Expected option/);
    }
    for (const weight of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const poisoned = { ...data, weights: Float32Array.of(1, weight) };
      const refused = await fitItem2vec(poisoned, SMALL, context).catch((error) => error);
      expect(isAlgorithmError(refused, 'bad_data')).toBe(true);
    }
  });

  it('reports progress that never falls, and stops when it is told to', async () => {
    const shares: number[] = [];
    const onProgress = (share: number): number => shares.push(share);
    await fitItem2vec(historiesOfRows(circles(), 10), SMALL, { seed: 1, onProgress });
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    const stopped = fitItem2vec(historiesOfRows(circles(), 10), SMALL, {
      seed: 1,
      signal: stop.signal,
    });
    await expect(stopped).rejects.toThrow('stopped');
  });
});
