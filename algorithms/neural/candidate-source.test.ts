import { describe, expect, it } from 'vitest';
import { historiesOfRows } from '../histories/histories.ts';
import { seededRandom } from '../random/seeded-random.ts';
import { CandidateSource } from './candidate-source.ts';

const SEED = 6;
/** Item 0 makes up 70 % of the events, item 5 is never met. */
const EVENTS = [0, 0, 0, 0, 0, 0, 0, 1, 2, 3];
const ITEMS = 6;

const drawnFor = (targets: number[], drawn: number, random = seededRandom(SEED)) => {
  const source = new CandidateSource(historiesOfRows([EVENTS], ITEMS));
  const arrays = {
    targets: Float32Array.from(targets),
    ids: new Float32Array(targets.length + drawn),
    corrections: new Float32Array(targets.length + drawn),
  };
  source.draw(arrays, random);
  return arrays;
};

describe('the candidates of a sampled softmax', () => {
  it('hold each item once, and every target points at its own', () => {
    const random = seededRandom(SEED);
    for (let trial = 0; trial < 200; trial++) {
      const asked = Array.from({ length: 8 }, () => random.below(ITEMS + 1) - 1);
      const { targets, ids } = drawnFor(asked, 5, random);
      const there = [...ids].filter((id) => id >= 0);
      expect(new Set(there).size).toBe(there.length);
      asked.forEach((item, k) => {
        expect(item < 0 ? -1 : ids[targets[k]!]).toBe(item);
      });
    }
  });

  it(`weigh so that the sum over them has the whole sum for its expectation (seed ${SEED})`, () => {
    const logits = [1, -0.5, 0.3, 0, 0.8, 1.2];
    const whole = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    const random = seededRandom(SEED);
    const trials = 20_000;
    let sum = 0;
    for (let trial = 0; trial < trials; trial++) {
      const asked = Array.from({ length: 3 }, () => EVENTS[random.below(EVENTS.length)]!);
      const { ids, corrections } = drawnFor(asked, 2, random);
      ids.forEach((id, k) => {
        if (id >= 0) sum += Math.exp(logits[id]! + corrections[k]!) / trials;
      });
    }
    expect(sum / whole).toBeCloseTo(1, 1);
  });

  it('are the whole catalogue where there is room, weighed as it is', () => {
    const { ids, corrections } = drawnFor([3, 3, -1, -1], 4);
    const there = [...ids].filter((id) => id >= 0);
    expect(there.toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...corrections].filter((_, k) => ids[k]! >= 0)).toEqual([0, 0, 0, 0, 0, 0]);
    const absent = ids.findIndex((id) => id < 0);
    expect(Math.exp(corrections[absent]!)).toBe(0);
  });
});
