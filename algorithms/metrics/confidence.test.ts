import { describe, expect, it } from 'vitest';
import { seededRandom } from '../random/seeded-random.ts';
import { bootstrapMean, confidenceSequence, pairedBootstrap } from './confidence.ts';
import { SlidingMcNemar } from './mcnemar.ts';

const coinFlips = (count: number, probability: number, seed: number): Float64Array => {
  const random = seededRandom(seed);
  return Float64Array.from({ length: count }, () => Number(random.next() < probability));
};

describe('bootstrap over people', () => {
  it('has the standard error of the textbook for independent people', () => {
    const interval = bootstrapMean({ sums: coinFlips(4000, 0.3, 1), counts: null });
    expect(interval?.mean).toBeCloseTo(0.3, 1);
    expect(interval?.standardError).toBeCloseTo(Math.sqrt((0.3 * 0.7) / 4000), 3);
    expect(interval!.low).toBeLessThan(interval!.mean);
    expect(interval!.high).toBeGreaterThan(interval!.mean);
  });

  it('gives the same interval for the same seed', () => {
    const sample = { sums: coinFlips(100, 0.5, 2), counts: null };
    expect(bootstrapMean(sample, { seed: 9 })).toEqual(bootstrapMean(sample, { seed: 9 }));
  });

  it('weighs a person by the number of their events', () => {
    expect(bootstrapMean({ sums: [9, 0], counts: [9, 1] })?.mean).toBe(0.9);
  });

  it('is undefined without events and a point for people who are all alike', () => {
    expect(bootstrapMean({ sums: [], counts: null })).toBeNull();
    expect(bootstrapMean({ sums: [0], counts: [0] })).toBeNull();
    expect(bootstrapMean({ sums: [1, 1, 1], counts: null })).toMatchObject({ low: 1, high: 1 });
  });

  it('sees a small difference between two models on the same people', () => {
    const base = coinFlips(3000, 0.4, 3);
    const lift = coinFlips(3000, 0.03, 4);
    const better = base.map((hit, k) => Math.max(hit, lift[k]!));
    const pair = pairedBootstrap({ sums: better, counts: null }, { sums: base, counts: null });
    expect(pair!.low).toBeGreaterThan(0);
    expect(() =>
      pairedBootstrap({ sums: [1], counts: null }, { sums: [1, 2], counts: null }),
    ).toThrow(/Expected the second sample/);
  });
});

describe('confidence sequence', () => {
  it('rarely excludes the truth although it is read after every person', () => {
    let misses = 0;
    for (let run = 0; run < 40; run++) {
      const values = coinFlips(600, 0.5, 100 + run);
      let excluded = false;
      for (let size = 50; size <= 600; size += 10) {
        const interval = confidenceSequence(values.subarray(0, size), { expectedSize: 300 })!;
        excluded ||= interval.low > 0.5 || interval.high < 0.5;
      }
      misses += Number(excluded);
    }
    expect(misses).toBeLessThanOrEqual(4);
  });

  it('finds a real difference', () => {
    expect(confidenceSequence(coinFlips(2000, 0.6, 7))!.low).toBeGreaterThan(0.5);
  });

  it('is undefined for fewer than two people', () => {
    expect(confidenceSequence([1])).toBeNull();
  });
});

describe('McNemar on a sliding window', () => {
  it('counts only where the two models differ, and only within the window', () => {
    const test = new SlidingMcNemar(20);
    for (let k = 0; k < 30; k++) test.add({ a: true, b: false });
    expect(test.read()).toMatchObject({
      onlyA: 20,
      onlyB: 0,
      statistic: 19 ** 2 / 20,
      better: 'a',
    });
    for (let k = 0; k < 20; k++) test.add({ a: true, b: true });
    expect(test.read()).toEqual({ onlyA: 0, onlyB: 0, statistic: 0, better: 'neither' });
  });

  it('never makes a difference out of a tie', () => {
    const test = new SlidingMcNemar(4);
    test.add({ a: true, b: false });
    test.add({ a: false, b: true });
    expect(test.read().statistic).toBe(0);
  });
});
