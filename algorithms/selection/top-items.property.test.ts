import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inlineEngine, type KernelEngine } from '../kernels/kernel-engine.ts';
import { isAlgorithmError } from '../model/algorithm-error.ts';
import { inTurns } from '../model/pieces.ts';
import { seededRandom } from '../random/seeded-random.ts';
import { TopItems } from './top-items.ts';
import { type ItemVectors, productOf, topItemsReference } from './top-items-reference.ts';

const engine = inlineEngine();

interface Shape {
  readonly itemCount: number;
  readonly dimensions: number;
  readonly k: number;
  readonly seed: number;
}

const shapes = fc.record({
  itemCount: fc.integer({ min: 0, max: 900 }),
  dimensions: fc.integer({ min: 1, max: 70 }),
  k: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 32, max: 200 })),
  seed: fc.nat(),
});

const edgeCases: [Shape][] = [
  [{ itemCount: 1, dimensions: 1, k: 1, seed: 1 }],
  [{ itemCount: 33, dimensions: 5, k: 40, seed: 2 }],
  [{ itemCount: 320, dimensions: 64, k: 10, seed: 3 }],
  [{ itemCount: 3_000, dimensions: 64, k: 120, seed: 4 }],
];

const vectorsOf = (shape: Shape, number: () => number): ItemVectors => ({
  ...shape,
  factors: Float32Array.from({ length: shape.itemCount * shape.dimensions }, number),
});

/** An engine whose fast build is the plain one, as on a machine without relaxed SIMD. */
const plainEngine: KernelEngine = {
  ...engine,
  memory: engine.memory,
  functions: (module) => engine.functions(module, 'plain'),
};

describe('the best items', () => {
  it('are those of the reference, ties by the smaller item, in both builds', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const random = seededRandom(shape.seed);
        // Small whole numbers have no rounding and many ties.
        const items = vectorsOf(shape, () => random.below(7) - 3);
        const vector = Float32Array.from({ length: shape.dimensions }, () => random.below(7) - 3);
        const expected = topItemsReference(items, vector, shape.k);
        for (const each of [engine, plainEngine]) {
          const finder = new TopItems(each, items);
          const found = finder.find(vector, shape.k);
          expect(found.map(({ item }) => item)).toEqual(expected);
          expect(found.map(({ score }) => score)).toEqual(
            expected.map((item) => productOf(items, item, vector) + 0),
          );
          finder.release();
        }
      }),
      { numRuns: 60, examples: edgeCases },
    );
  });

  it('score as well as those of the reference for any numbers, the same bits in both builds', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const random = seededRandom(shape.seed);
        const size = 10 ** (random.next() * 8 - 4);
        const items = vectorsOf(shape, () => size * random.normal() * random.next() ** 3);
        const vector = Float32Array.from({ length: shape.dimensions }, () => random.normal());
        const expected = topItemsReference(items, vector, shape.k);
        const finders = [engine, plainEngine].map((each) => new TopItems(each, items));
        const [relaxed, plain] = finders.map((finder) => finder.find(vector, shape.k));
        expect(relaxed).toEqual(plain);
        expect(relaxed).toHaveLength(expected.length);
        relaxed!.forEach(({ item, score }, place) => {
          const best = productOf(items, expected[place]!, vector);
          expect(Math.abs(productOf(items, item, vector) - best)).toBeLessThan(1e-4 * size);
          expect(Math.abs(score - best)).toBeLessThan(1e-4 * size);
        });
        for (const finder of finders) finder.release();
      }),
      { numRuns: 60, examples: edgeCases },
    );
  });

  it('are the same when the items are packed piece by piece, which leaves nothing when given up', async () => {
    const random = seededRandom(9);
    const items = vectorsOf({ itemCount: 3_000, dimensions: 9, k: 0, seed: 9 }, () =>
      random.next(),
    );
    const vector = Float32Array.from({ length: 9 }, () => random.next());
    const whole = new TopItems(engine, items);
    const pieced = await inTurns(TopItems.inPieces(engine, items));
    expect(pieced.find(vector, 50)).toEqual(whole.find(vector, 50));
    whole.release();
    pieced.release();
    const used = engine.memory.usedBytes;
    const half = TopItems.inPieces(engine, items);
    for (let piece = 0; piece < 9; piece++) half.next();
    half.return(undefined as never);
    expect(engine.memory.usedBytes).toBe(used);
  });

  it('pass over those that are left out, this time and not the next', () => {
    const some = fc.uniqueArray(fc.nat(399), { maxLength: 100 });
    fc.assert(
      fc.property(shapes, some, (shape, unwanted) => {
        const random = seededRandom(shape.seed);
        const items = vectorsOf(shape, () => random.below(7) - 3);
        const vector = Float32Array.from({ length: shape.dimensions }, () => random.below(7) - 3);
        const leftOut = unwanted.filter((item) => item < shape.itemCount);
        const expected = topItemsReference(items, vector, shape.itemCount)
          .filter((item) => !leftOut.includes(item))
          .slice(0, shape.k);
        const finder = new TopItems(engine, items);
        const found = finder.search(vector, shape.k, leftOut);
        expect([...found.items.subarray(0, found.count)]).toEqual(expected);
        const all = finder.find(vector, shape.k).map(({ item }) => item);
        expect(all).toEqual(topItemsReference(items, vector, shape.k));
        finder.release();
      }),
    );
  });

  it('are any for a vector of zeros: the first ones', () => {
    const items = vectorsOf({ itemCount: 50, dimensions: 6, k: 3, seed: 1 }, () => 1);
    const found = new TopItems(engine, items).find(new Float32Array(6), 3);
    expect(found).toEqual([0, 1, 2].map((item) => ({ item, score: 0 })));
  });

  it('are refused for numbers that are none', () => {
    const items = vectorsOf({ itemCount: 2, dimensions: 2, k: 1, seed: 1 }, () => 1);
    const refused = (work: () => unknown): unknown => {
      try {
        return work();
      } catch (error) {
        return error;
      }
    };
    const finder = new TopItems(engine, items);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(
        isAlgorithmError(
          refused(() => finder.find([bad, 1], 1)),
          'bad_data',
        ),
      ).toBe(true);
      const factors = Float32Array.of(1, 1, bad, 1);
      const built = refused(() => new TopItems(engine, { ...items, factors }));
      expect(isAlgorithmError(built, 'bad_data')).toBe(true);
    }
  });
});
