import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blend, blendFeatures, partsOf, shareOfEvents, sumOfParts } from './blend.ts';
import { fitBlendWeights } from './blend-weights.ts';
import { EMPTY_LIST, type SourceList, topList } from './source-list.ts';

const context = { seed: 1 };
const score = fc.double({ min: 0, max: 1e6, noNaN: true });
const list = fc
  .uniqueArray(fc.tuple(fc.nat(30), score), { selector: ([item]) => item, maxLength: 20 })
  .map(
    (pairs): SourceList => ({
      items: Uint32Array.from(pairs, ([item]) => item),
      scores: Float64Array.from(pairs, ([, raw]) => raw),
    }),
  );
const source = fc.record({
  weight: fc.double({ min: 0, max: 10, noNaN: true }),
  floor: fc.double({ min: 1e-6, max: 1, noNaN: true }),
});
const blended = fc.array(fc.tuple(source, list), { minLength: 1, maxLength: 5 }).map((pairs) => ({
  recipe: pairs.map(([settings], k) => ({ name: `source ${k}`, ...settings })),
  lists: pairs.map(([, of]) => of),
}));

describe('the blend', () => {
  it('has parts that sum to the score in every bit, also after a trip through JSON', () => {
    fc.assert(
      fc.property(blended, ({ recipe, lists }) => {
        const result = blend(recipe, lists);
        result.items.forEach((_, candidate) => {
          const parts = partsOf(result, recipe, candidate);
          expect(sumOfParts(parts)).toBe(result.scores[candidate]);
          const exported = JSON.parse(
            JSON.stringify({ parts: [...parts], score: result.scores[candidate] }),
          );
          expect(sumOfParts(exported.parts)).toBe(exported.score);
          expect(parts.every((part) => part >= 0)).toBe(true);
        });
      }),
    );
  });

  it('holds every proposed item once, and gives 0 for a source that does not list it', () => {
    fc.assert(
      fc.property(blended, ({ recipe, lists }) => {
        const result = blend(recipe, lists);
        const union = new Set(lists.flatMap(({ items }) => [...items]));
        expect(new Set(result.items)).toEqual(union);
        expect(result.items).toHaveLength(union.size);
        result.items.forEach((item, candidate) => {
          lists.forEach(({ items }, k) => {
            if (!items.includes(item)) expect(partsOf(result, recipe, candidate)[k]).toBe(0);
          });
        });
      }),
    );
  });

  it('is the formula, for a case worked out by hand', () => {
    const lists = [
      { items: Uint32Array.of(4, 7), scores: Float64Array.of(3, 1) },
      { items: Uint32Array.of(7), scores: Float64Array.of(10) },
    ];
    const recipe = [
      { name: 'a', weight: 2, floor: 0.25 },
      { name: 'b', weight: 1, floor: 0.5 },
    ];
    const { items, scores } = blend(recipe, lists);
    expect([...items]).toEqual([4, 7]);
    expect(scores[0]).toBeCloseTo(2 * Math.log(4), 12);
    expect(scores[1]).toBeCloseTo(2 * Math.log(2) + Math.log(3), 12);
  });

  it('refuses what is not a proposal', () => {
    const recipe = [{ name: 'a', weight: 1, floor: 0.1 }];
    const odd = (raw: number): SourceList => ({
      items: Uint32Array.of(1),
      scores: Float64Array.of(raw),
    });
    for (const raw of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => blend(recipe, [odd(raw)])).toThrow(/Expected a raw score/);
    }
    expect(() => blend(recipe, [])).toThrow(/one a source/);
    expect(() => blend([{ name: 'a', weight: -1, floor: 0.1 }], [EMPTY_LIST])).toThrow(
      /weight of a/,
    );
    expect(blend(recipe, [EMPTY_LIST]).items).toHaveLength(0);
  });

  it('shares a part among the events that spoke for the item', () => {
    expect([...shareOfEvents(6, Float64Array.of(1, -5, 2))]).toEqual([2, 0, 4]);
    expect([...shareOfEvents(6, Float64Array.of(-1, 0))]).toEqual([0, 0]);
  });
});

describe('the top of a source', () => {
  it('is what sorting gives', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -3, max: 5 })),
        fc.integer({ min: 1, max: 9 }),
        (raw, limit) => {
          const scores = Float64Array.from(raw);
          const sorted = raw
            .map((value, item) => ({ value, item }))
            .filter(({ value, item }) => value > 0 && item !== 2)
            .sort((a, b) => b.value - a.value || a.item - b.item)
            .slice(0, limit);
          const isLeftOut = Uint8Array.from(raw, (_, item) => Number(item === 2));
          const top = topList(scores, { limit, isLeftOut });
          expect([...top.items]).toEqual(sorted.map(({ item }) => item));
          expect([...top.scores]).toEqual(sorted.map(({ value }) => value));
        },
      ),
    );
  });
});

describe('the weights of the blend', () => {
  /** 40 lists of 6: the first source knows what will be taken, the second is noise, the third errs. */
  const examples = Array.from({ length: 40 }, (_, n) => {
    const taken = n % 6;
    const features = Float64Array.from({ length: 18 }, (_unused, k) => {
      const [candidate, column] = [Math.floor(k / 3), k % 3];
      const right = candidate === taken ? 1 : 0;
      if (column === 0) return n % 4 === 0 ? 1 - right : right;
      if (column === 1) return ((n * 7 + candidate * 3) % 5) / 5;
      return 1 - right;
    });
    return { features, taken };
  });
  const options = { shrinkage: 0.1, previous: [1, 1, 1], iterations: 50 };

  it('favour the source that knows, and never fall below 0', async () => {
    const { weights } = await fitBlendWeights(examples, options, context);
    expect(weights[0]).toBeGreaterThan(0.5);
    expect(weights[2]).toBe(0);
    expect(weights.every((weight) => weight >= 0)).toBe(true);
  });

  it('do not depend on where the search starts, and no step around them is better', async () => {
    const { weights } = await fitBlendWeights(examples, options, context);
    const objective = (w: Float64Array): number =>
      examples.reduce((sum, { features, taken }) => {
        const u = Array.from(
          { length: 6 },
          (_, i) =>
            w[0]! * features[3 * i]! + w[1]! * features[3 * i + 1]! + w[2]! * features[3 * i + 2]!,
        );
        return sum + Math.log(u.reduce((total, v) => total + Math.exp(v), 0)) - u[taken]!;
      }, 0) +
      0.05 * w.reduce((sum, v) => sum + (v - 1) ** 2, 0);
    const best = objective(weights);
    for (let m = 0; m < 3; m++) {
      for (const by of [-1e-3, 1e-3]) {
        const other = weights.slice();
        other[m] = Math.max(other[m]! + by, 0);
        expect(objective(other)).toBeGreaterThanOrEqual(best - 1e-9);
      }
    }
  });

  it('stay with the last release where there is nothing to learn from', async () => {
    const { weights, logLikelihood } = await fitBlendWeights(
      [],
      { ...options, previous: [2, 0, 1] },
      context,
    );
    expect([...weights]).toEqual([2, 0, 1]);
    expect(logLikelihood).toBe(0);
  });

  it('stay finite where a source separates the choices perfectly and shrinkage is all that holds', async () => {
    const clear = [{ features: Float64Array.of(1, 0), taken: 0 }];
    const { weights } = await fitBlendWeights(
      clear,
      { shrinkage: 1e-3, previous: [1], iterations: 100 },
      context,
    );
    expect(Number.isFinite(weights[0])).toBe(true);
    expect(weights[0]).toBeGreaterThan(1);
  });

  it('are refused for examples that are not finite', async () => {
    const odd = [{ features: Float64Array.of(Number.NaN, 0), taken: 0 }];
    await expect(fitBlendWeights(odd, { ...options, previous: [1] }, context)).rejects.toThrow(
      /an example/,
    );
  });

  it('learn on the features that the blend multiplies', () => {
    const recipe = [{ name: 'a', weight: 3, floor: 0.5 }];
    const lists = [{ items: Uint32Array.of(9, 4), scores: Float64Array.of(1, 1) }];
    const { parts } = blendFeatures(recipe, lists);
    const result = blend(recipe, lists);
    expect([...parts].map((feature) => 3 * feature)).toEqual([...result.scores]);
  });
});
