import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LOG_BOUND_EXCESS, LOG_BOUND_GAP, logBound } from './log-bound.ts';

const anyNumber = fc
  .tuple(fc.integer({ min: 0, max: 40 }), fc.double({ min: 1, max: 2, noNaN: true }))
  .map(([octave, mantissa]) => mantissa * 2 ** octave);
const edges = Array.from(
  { length: 31 * 32 },
  (_, cell) => 2 ** (cell >> 5) * (1 + (cell % 32) / 32),
);

describe('the logarithm from below', () => {
  const check = (y: number): void => {
    expect(logBound(y)).toBeLessThanOrEqual(Math.log(y) + LOG_BOUND_EXCESS);
    expect(Math.log(y)).toBeLessThanOrEqual(logBound(y) + LOG_BOUND_GAP);
  };

  it('is no larger than the logarithm, and smaller by less than is said', () => {
    fc.assert(fc.property(anyNumber, check));
  });

  it('is so at the edges of its cells and next to them', () => {
    for (const edge of edges) {
      check(edge);
      check(edge * (1 + Number.EPSILON));
      if (edge > 1) check(edge * (1 - Number.EPSILON));
    }
  });
});
