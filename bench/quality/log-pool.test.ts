import { expect, it } from 'vitest';
import { logPool } from './log-pool.ts';

it('a log pool adds logarithms of shares, logits and z-scores over unseen items', () => {
  const pool = logPool('pool', { shares: { a: 0.5 }, logits: { b: 2 }, zScores: { c: 1 } });
  const parts = [
    Float64Array.of(3, 1, -5, 100),
    Float64Array.of(0, 1, 2, 0),
    Float64Array.of(1, 2, 3, 50),
  ];
  const into = new Float64Array(4);
  pool.combine(parts, into, Uint8Array.of(0, 0, 0, 1));
  const unit = Math.sqrt(2 / 3);
  expect(into[0]).toBeCloseTo(0.5 * Math.log(0.75 + 1e-4) - 1 / unit, 10);
  expect(into[1]).toBeCloseTo(0.5 * Math.log(0.25 + 1e-4) + 2, 10);
  expect(into[2]).toBeCloseTo(0.5 * Math.log(1e-4) + 4 + 1 / unit, 10);
});
