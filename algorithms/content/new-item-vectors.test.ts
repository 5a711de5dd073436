import { describe, expect, it } from 'vitest';
import { type KnownFactors, newItemVector } from './new-item-vectors.ts';

const factors: KnownFactors = {
  itemCount: 3,
  factors: Float32Array.of(1, 0, 0, 1, 1, 1),
  options: { dimensions: 2 },
};
const options = { alikeMax: 2, sharpness: 1, contentPairs: 4 };
const near = (item: number, weight: number) => ({ item, weight });

describe('the vector of an item that no model knows', () => {
  it('is the weighted mean of those most alike while nobody has met it', () => {
    const alike = [near(0, 3), near(1, 1), near(2, 0.5)];
    expect(newItemVector(factors, { alike, together: [] }, options)).toEqual(
      Float64Array.of(0.75, 0.25),
    );
  });

  it('moves from its content to its company as pairs come in', () => {
    const alike = [near(0, 1)];
    const seen = [0, 4, 1e9].map(
      (pairs) => newItemVector(factors, { alike, together: [near(1, pairs)] }, options)![1]!,
    );
    expect(seen[0]).toBe(0);
    expect(seen[1]).toBe(0.5);
    expect(seen[2]).toBeCloseTo(1, 6);
  });

  it('is its company alone where it is like nothing, and is none where both are unknown', () => {
    const together = [near(2, 0.1)];
    expect(newItemVector(factors, { alike: [], together }, options)).toEqual(Float64Array.of(1, 1));
    expect(newItemVector(factors, { alike: [near(0, 0)], together: [] }, options)).toBeUndefined();
  });

  it('does not depend on the order of those equally alike', () => {
    const alike = [near(0, 1), near(1, 1), near(2, 1)];
    const turned = alike.toReversed();
    expect(newItemVector(factors, { alike, together: [] }, options)).toEqual(
      newItemVector(factors, { alike: turned, together: [] }, options),
    );
  });

  it('refuses neighbours and options that cannot be', () => {
    for (const bad of [near(3, 1), near(-1, 1), near(0.5, 1)]) {
      expect(() => newItemVector(factors, { alike: [bad], together: [] }, options)).toThrow(
        /a known item below 3/,
      );
    }
    for (const weight of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      const together = [near(0, weight)];
      expect(() => newItemVector(factors, { alike: [], together }, options)).toThrow(/at least 0/);
    }
    expect(() =>
      newItemVector(factors, { alike: [], together: [] }, { ...options, contentPairs: 0 }),
    ).toThrow(/contentPairs/);
  });
});
