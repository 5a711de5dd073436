import { describe, expect, it } from 'vitest';
import { type SeededRandom, seededRandom, shuffle } from './seeded-random.ts';

const sample = (count: number, draw: () => number): Float64Array =>
  Float64Array.from({ length: count }, draw);
const meanOf = (values: Float64Array): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const varianceOf = (values: Float64Array): number => {
  const mean = meanOf(values);
  return meanOf(values.map((value) => (value - mean) ** 2));
};

describe('seeded randomness', () => {
  it('is the same for the same seed and another for another, also above 2^32', () => {
    const firstOf = (seed: number): number => seededRandom(seed).next();
    expect(firstOf(1)).toBe(firstOf(1));
    const firsts = [0, 1, 2, 2 ** 32, 2 ** 32 + 1, 2 ** 40].map(firstOf);
    expect(new Set(firsts).size).toBe(firsts.length);
  });

  it('has the moments of its distributions', () => {
    const moments = (draw: (random: SeededRandom) => number): [number, number] => {
      const random = seededRandom(5);
      const values = sample(20_000, () => draw(random));
      return [meanOf(values), varianceOf(values)];
    };
    const near = ([mean, variance]: [number, number], expected: [number, number]): void => {
      expect(Math.abs(mean - expected[0])).toBeLessThan(0.03);
      expect(Math.abs(variance - expected[1])).toBeLessThan(0.08);
    };
    near(
      moments((random) => random.next()),
      [1 / 2, 1 / 12],
    );
    near(
      moments((random) => random.normal()),
      [0, 1],
    );
    near(
      moments((random) => random.gamma(0.4)),
      [0.4, 0.4],
    );
    near(
      moments((random) => random.gamma(2)),
      [2, 2],
    );
    near(
      moments((random) => random.beta(2, 6)),
      [1 / 4, 12 / (64 * 9)],
    );
  });

  it('forks generators that do not depend on how much the parent has drawn', () => {
    const parent = seededRandom(3);
    const before = parent.fork(1).next();
    parent.next();
    expect(parent.fork(1).next()).toBe(before);
    expect(parent.fork(2).next()).not.toBe(before);
  });

  it('shuffles without losing anything', () => {
    const values = shuffle(
      Uint32Array.from({ length: 50 }, (_, k) => k),
      seededRandom(8),
    );
    expect([...values].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, k) => k));
    expect([...values]).not.toEqual(Array.from({ length: 50 }, (_, k) => k));
  });
});
