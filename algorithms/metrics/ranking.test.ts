import { describe, expect, it } from 'vitest';
import {
  averagePrecision,
  hitAtRank,
  hitRate,
  meanOf,
  ndcg,
  ndcgAtRank,
  precision,
  rankOfTarget,
  recall,
  reciprocalAtRank,
  reciprocalRank,
} from './ranking.ts';

const ranked = [7, 3, 9, 1, 5];
const relevant = new Set([3, 1, 8]);

describe('metrics of one list', () => {
  it('agree with a case worked out by hand', () => {
    expect(hitRate(ranked, relevant, 1)).toBe(0);
    expect(hitRate(ranked, relevant, 2)).toBe(1);
    expect(recall(ranked, relevant, 5)).toBeCloseTo(2 / 3, 12);
    expect(precision(ranked, relevant, 5)).toBeCloseTo(2 / 5, 12);
    expect(reciprocalRank(ranked, relevant, 5)).toBe(1 / 2);
    expect(averagePrecision(ranked, relevant, 5)).toBeCloseTo((1 / 2 + 2 / 4) / 3, 12);
    const ideal = 1 + 1 / Math.log2(3) + 1 / 2;
    expect(ndcg(ranked, relevant, 5)).toBeCloseTo(
      (1 / Math.log2(3) + 1 / Math.log2(5)) / ideal,
      12,
    );
  });

  it('give 1 to the ideal list', () => {
    const ideal = [1, 3, 8, 2];
    for (const metric of [hitRate, recall, ndcg, reciprocalRank, averagePrecision]) {
      expect(metric(ideal, relevant, 3)).toBeCloseTo(1, 12);
    }
  });

  it('are undefined where nothing was relevant, and such people are left out of the mean', () => {
    for (const metric of [hitRate, recall, precision, ndcg, reciprocalRank, averagePrecision]) {
      expect(metric(ranked, new Set(), 5)).toBeNull();
    }
    expect(meanOf([1, null, 0])).toBe(0.5);
    expect(meanOf([null])).toBeNull();
  });

  it('are 0 for an empty list, and precision divides by k also where the list is short', () => {
    for (const metric of [hitRate, recall, precision, ndcg, reciprocalRank, averagePrecision]) {
      expect(metric([], relevant, 5)).toBe(0);
    }
    expect(precision([3], relevant, 10)).toBe(0.1);
  });

  it('count an item that stands in the list twice once, at its first place', () => {
    expect(recall([3, 3, 3], relevant, 3)).toBeCloseTo(1 / 3, 12);
    expect(precision([3, 3, 3], relevant, 3)).toBeCloseTo(1 / 3, 12);
  });

  it('refuse a cut-off that is not a count', () => {
    for (const k of [0, -1, 1.5, Number.NaN]) {
      expect(() => hitRate(ranked, relevant, k)).toThrow(/Expected option k to be/);
    }
  });
});

describe('rank of a target', () => {
  it('places ties as the rule says', () => {
    const others = [5, 4, 4, 4, 1];
    expect(rankOfTarget(4, others, 'best')).toBe(1);
    expect(rankOfTarget(4, others, 'average')).toBe(2.5);
    expect(rankOfTarget(4, others, 'worst')).toBe(4);
  });

  it('puts a score that is not a number last, so a broken model cannot look good', () => {
    expect(rankOfTarget(Number.NaN, [1, 2, 3], 'best')).toBe(3);
  });

  it('gives the metrics of a single target', () => {
    expect([hitAtRank(9, 10), hitAtRank(10, 10)]).toEqual([1, 0]);
    expect(ndcgAtRank(0, 10)).toBe(1);
    expect(ndcgAtRank(2, 10)).toBe(0.5);
    expect(reciprocalAtRank(3)).toBe(0.25);
    expect(reciprocalAtRank(20, 20)).toBe(0);
  });
});
