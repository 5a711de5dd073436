import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { inlineEngine } from '../kernels/kernel-engine.ts';
import { KernelPool } from '../kernels/kernel-pool.ts';
import { isAlgorithmError } from '../model/algorithm-error.ts';
import { seededRandom } from '../random/seeded-random.ts';
import { blockedLinearAlgebra } from './blocked-linear-algebra.ts';
import {
  type DenseLinearAlgebra,
  type RidgeSystem,
  symmetricIndex,
  symmetricMatrix,
} from './dense-linear-algebra.ts';
import { kernelLinearAlgebra } from './kernel-linear-algebra.ts';
import { referenceLinearAlgebra } from './reference-linear-algebra.ts';

const context = { seed: 1 };

/** GᵀG of a random G: positive semi-definite, and definite by its ridge. */
const randomGram = (size: number, seed: number): RidgeSystem => {
  const random = seededRandom(seed);
  const columns = Array.from({ length: size }, () =>
    Float64Array.from({ length: 5 }, () => random.normal()),
  );
  const gram = symmetricMatrix(size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      gram.lower[symmetricIndex(row, column)] = columns[row]!.reduce(
        (sum, value, k) => sum + value * columns[column]![k]!,
        0,
      );
    }
  }
  return { matrix: gram, ridge: 1 };
};

const largestDifference = (a: Float64Array, b: Float64Array): number =>
  a.reduce((largest, value, k) => Math.max(largest, Math.abs(value - b[k]!)), 0);

const pool = new KernelPool(2);
afterAll(() => pool.close());

/** Each with the largest difference that its precision allows on these well-conditioned systems. */
const FAST: readonly (readonly [DenseLinearAlgebra, number])[] = [
  [blockedLinearAlgebra, 1e-9],
  [kernelLinearAlgebra(inlineEngine(), { precision: 'f64' }), 1e-9],
  [kernelLinearAlgebra(pool, { precision: 'f64' }), 1e-9],
  [kernelLinearAlgebra(pool, { precision: 'f32' }), 1e-3],
];

for (const [algebra, tolerance] of FAST) {
  describe(`${algebra.name} linear algebra`, () => {
    it('equals the reference on any shape', async () => {
      const shape = fc.record({
        size: fc.integer({ min: 1, max: 220 }),
        rowCount: fc.integer({ min: 1, max: 110 }),
        seed: fc.nat(),
      });
      await fc.assert(
        fc.asyncProperty(shape, async ({ size, rowCount, seed }) => {
          const system = randomGram(size, seed);
          const random = seededRandom(seed + 1);
          const values = Float64Array.from({ length: size * rowCount }, () => random.normal());
          const fast = { rowCount, values: values.slice() };
          const slow = { rowCount, values: values.slice() };
          await algebra.solveRows(system, fast, context);
          await referenceLinearAlgebra.solveRows(system, slow, context);
          expect(largestDifference(fast.values, slow.values)).toBeLessThan(tolerance);
          const fastInverse = await algebra.invert(system, context);
          const slowInverse = await referenceLinearAlgebra.invert(system, context);
          expect(largestDifference(fastInverse.lower, slowInverse.lower)).toBeLessThan(tolerance);
        }),
        {
          numRuns: 6,
          examples: [
            [{ size: 1, rowCount: 1, seed: 1 }],
            [{ size: 48, rowCount: 48, seed: 2 }],
            [{ size: 97, rowCount: 49, seed: 3 }],
            [{ size: 96, rowCount: 97, seed: 4 }],
          ],
        },
      );
    });

    it('leaves the matrix as it was', async () => {
      const system = randomGram(50, 4);
      const before = system.matrix.lower.slice();
      await algebra.invert(system, context);
      expect(system.matrix.lower).toEqual(before);
    });
  });
}

describe('linear algebra on kernels', () => {
  it('gives the same bits for any number of threads', async () => {
    const system = randomGram(300, 5);
    const inverses = await Promise.all(
      [inlineEngine(), pool].map((engine) =>
        kernelLinearAlgebra(engine, { precision: 'f32' }).invert(system, context),
      ),
    );
    expect(inverses[0]).toEqual(inverses[1]);
  });
});

const ALL = [referenceLinearAlgebra, ...FAST.map(([algebra]) => algebra)];

for (const algebra of ALL) {
  describe(`${algebra.name} linear algebra`, () => {
    it('refuses a matrix that is not positive definite', async () => {
      const singular = { matrix: { size: 2, lower: Float64Array.of(1, 1, 1) }, ridge: 0 };
      const refused = await algebra.invert(singular, context).catch((error: unknown) => error);
      expect(isAlgorithmError(refused, 'not_positive_definite')).toBe(true);
      const poisoned = { matrix: { size: 1, lower: Float64Array.of(Number.NaN) }, ridge: 1 };
      await expect(algebra.invert(poisoned, context)).rejects.toThrow(/positive definite/);
    });

    it('gives nothing for nothing', async () => {
      const none = { matrix: { size: 0, lower: new Float64Array(0) }, ridge: 1 };
      expect((await algebra.invert(none, context)).size).toBe(0);
      await algebra.solveRows(none, { rowCount: 0, values: new Float64Array(0) }, context);
    });

    it('stops when it is told to and reports progress that never falls', async () => {
      const shares: number[] = [];
      await algebra.invert(randomGram(100, 1), {
        seed: 1,
        onProgress: (share) => shares.push(share),
      });
      expect(shares).toEqual(shares.toSorted((a, b) => a - b));
      const stop = new AbortController();
      stop.abort(new Error('stopped'));
      await expect(
        algebra.invert(randomGram(100, 1), { seed: 1, signal: stop.signal }),
      ).rejects.toThrow('stopped');
    });
  });
}
