import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historiesOf, historiesOfRows, historyOfItems } from '../histories/histories.ts';
import { type BprOptions, DEFAULT_BPR_OPTIONS, fitBpr, readBpr } from './bpr.ts';

const SMALL = { ...DEFAULT_BPR_OPTIONS, factors: 6, epochs: 5 };
const context = { seed: 1 };

/** Two camps; each person leaves out one item of theirs. */
const camps = Array.from({ length: 40 }, (_, user) =>
  [0, 1, 2, 3, 4].filter((item) => item !== user % 5).map((item) => item + 5 * (user % 2)),
);

describe('BPR', () => {
  it('ranks what a person’s camp likes first, for those it knows and for strangers', async () => {
    const options = { ...SMALL, epochs: 60, foldInPasses: 60 };
    const model = await fitBpr(historiesOfRows(camps, 10), options, context);
    const scores = new Float64Array(10);
    const lowestOfOwn = (first: number): number => Math.min(...scores.slice(first, first + 5));
    for (let user = 0; user < 4; user++) {
      model.scoreUser(user, scores);
      const [own, others] = [5 * (user % 2), 5 - 5 * (user % 2)];
      expect(lowestOfOwn(own)).toBeGreaterThan(Math.max(...scores.slice(others, others + 5)));
    }
    model.score(historyOfItems([5, 6]), scores);
    expect(lowestOfOwn(5)).toBeGreaterThan(Math.max(...scores.slice(0, 5)));
  });

  it('gives finite scores whatever the data, the same ones each time, also from bytes', async () => {
    const people = fc.array(fc.array(fc.nat(5), { maxLength: 8 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(people, fc.array(fc.nat(7)), async (rows, met) => {
        const data = historiesOfRows(rows, 6);
        const model = await fitBpr(data, SMALL, context);
        const read = readBpr((await fitBpr(data, SMALL, context)).serialise());
        const [scores, again] = [new Float64Array(6).fill(Number.NaN), new Float64Array(6)];
        model.score(historyOfItems(met), scores);
        read.score(historyOfItems(met), again);
        expect(again).toEqual(scores);
        for (const score of scores) expect(Number.isFinite(score)).toBe(true);
        for (let user = 0; user < rows.length; user++) {
          read.scoreUser(user, scores);
          for (const score of scores) expect(Number.isFinite(score)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('learns nothing from dislikes, people who met everything, and no data', async () => {
    const disliked = historiesOf([{ user: 0, item: 0, weight: -1 }], {
      userCount: 1,
      itemCount: 2,
    });
    for (const data of [
      historiesOfRows([], 0),
      historiesOfRows([[0]], 1),
      historiesOfRows([[0, 1, 0, 1]], 2),
      disliked,
    ]) {
      const model = await fitBpr(data, { ...SMALL, factors: 50 }, context);
      const scores = new Float64Array(data.itemCount);
      model.score(historyOfItems([0, 1]), scores);
      for (const score of scores) expect(Number.isFinite(score)).toBe(true);
    }
  });

  it('refuses settings that mean nothing and data that is none', async () => {
    const data = historiesOfRows(camps, 10);
    const odd: Partial<BprOptions>[] = [
      { factors: 0 },
      { epochs: -1 },
      { rate: Number.NaN },
      { userRegularisation: -1 },
      { itemRegularisation: Number.POSITIVE_INFINITY },
      { biasRegularisation: -1 },
      { foldInPasses: 0.5 },
    ];
    for (const options of odd) {
      const refused = fitBpr(data, { ...SMALL, ...options }, context);
      await expect(refused, JSON.stringify(options)).rejects.toThrow(/Expected option/);
    }
    const weights = new Float32Array(data.items.length).fill(Number.NaN);
    await expect(fitBpr({ ...data, weights }, SMALL, context)).rejects.toThrow(/a weight/);
    const wild = { ...SMALL, rate: 1e30 };
    await expect(fitBpr(data, wild, context)).rejects.toThrow(/the rate must be lower/);
  });

  it('reports progress that never falls, and stops when it is told to', async () => {
    const shares: number[] = [];
    const onProgress = (share: number): number => shares.push(share);
    await fitBpr(historiesOfRows(camps, 10), SMALL, { seed: 1, onProgress });
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    const stopped = fitBpr(historiesOfRows(camps, 10), SMALL, { seed: 1, signal: stop.signal });
    await expect(stopped).rejects.toThrow('stopped');
  });
});
