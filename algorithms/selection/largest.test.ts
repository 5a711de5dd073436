import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kthLargest, largest, largestWithValues } from './largest.ts';

// A sort does not tell the two zeros apart.
const values = fc.array(
  fc.double({ noNaN: true }).map((value) => value + 0),
  { minLength: 1, maxLength: 300 },
);

// Long ones as well, which are looked at in groups first.
const anyScores = fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 700, size: 'max' });

describe('the largest of many', () => {
  it('are the first of a full sort, ties by the smaller key', () => {
    fc.assert(
      fc.property(anyScores, fc.nat(30), (scores, k) => {
        const keys = scores.map((_, index) => index);
        const sorted = [...keys].sort((a, b) => scores[b]! - scores[a]! || a - b);
        expect(largest(keys, keys.length, k, (key) => scores[key]!)).toEqual(sorted.slice(0, k));
      }),
    );
  });

  it('come with their values, each key measured once', () => {
    fc.assert(
      fc.property(values, fc.nat(30), (numbers, k) => {
        const keys = numbers.map((_, index) => 7 * index);
        let measurings = 0;
        const ordered = largestWithValues(keys, keys.length, k, (key) => {
          measurings++;
          return numbers[key / 7]!;
        });
        expect([...ordered.keys]).toEqual(
          largest(keys, keys.length, k, (key) => numbers[key / 7]!),
        );
        expect([...ordered.values]).toEqual([...ordered.keys].map((key) => numbers[key / 7]!));
        expect(measurings).toBe(k === 0 ? 0 : keys.length);
      }),
    );
  });

  it('has its k-th where a sort has it', () => {
    fc.assert(
      fc.property(values, fc.nat(), (numbers, place) => {
        const k = (place % numbers.length) + 1;
        const sorted = [...numbers].sort((a, b) => b - a);
        expect(kthLargest(Float64Array.from(numbers), numbers.length, k)).toBe(sorted[k - 1]);
      }),
    );
  });
});
