/** Items' vectors that follow what people do. fast-check prints the seed of what fails. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_ITEM_PULL_OPTIONS,
  ItemPulls,
  type PullingEvent,
  pulledVector,
} from './item-pulls.ts';

const DIMENSIONS = 4;
const ITEMS = 5;
const number = fc.double({ min: -1, max: 1, noNaN: true });
const vector = fc
  .array(number, { minLength: DIMENSIONS, maxLength: DIMENSIONS })
  .map((values) => Float32Array.from(values));
const event = fc.record({
  item: fc.nat(ITEMS - 1),
  weight: fc.constantFrom(-0.5, 0.25, 1),
  person: vector,
});
const events = fc.array(event, { maxLength: 30 });
const vectors = fc.array(vector, { minLength: ITEMS, maxLength: ITEMS });

const pullsOf = (given: readonly PullingEvent[], own: readonly Float32Array[]): ItemPulls => {
  const pulls = new ItemPulls(DIMENSIONS, DEFAULT_ITEM_PULL_OPTIONS);
  for (const one of given) pulls.add(one, own[one.item]!);
  return pulls;
};
const HOLD = { hold: 1 };

/** By the formula, in one go. */
const plainVector = (item: number, own: Float32Array, given: readonly PullingEvent[]): number[] => {
  const about = given.filter((one) => one.item === item);
  const dot = (a: Float32Array, b: Float32Array): number => a.reduce((s, x, k) => s + x * b[k]!, 0);
  const mass = about.reduce(
    (s, { weight, person }) => s + Math.abs(weight) * dot(person, person),
    0,
  );
  return [...own].map((value, k) => {
    const pull = about.reduce(
      (s, { weight, person }) =>
        s + Math.abs(weight) * ((weight > 0 ? 1 : 0) - dot(person, own)) * person[k]!,
      0,
    );
    return value + pull / (HOLD.hold + mass);
  });
};

describe('an item that people are for or against', () => {
  it('has the vector that the formula gives', () => {
    fc.assert(
      fc.property(events, vectors, (given, own) => {
        const pulls = pullsOf(given, own);
        for (let item = 0; item < ITEMS; item++) {
          const moved = pulledVector(item, own[item]!, [pulls], HOLD);
          plainVector(item, own[item]!, given).forEach((value, k) => {
            expect(moved[k]).toBeCloseTo(value, 5);
          });
        }
      }),
    );
  });

  it('has the same bits however the events of partitions are woven into each other', () => {
    fc.assert(
      fc.property(
        events,
        events,
        vectors,
        fc.infiniteStream(fc.boolean()),
        (one, two, own, coin) => {
          const apart = [pullsOf(one, own), pullsOf(two, own)];
          const woven = [0, 1].map(() => new ItemPulls(DIMENSIONS, DEFAULT_ITEM_PULL_OPTIONS));
          const left = [[...one], [...two]];
          while (left.some((queue) => queue.length > 0)) {
            const wanted = coin.next().value ? 0 : 1;
            const side = left[wanted]!.length > 0 ? wanted : 1 - wanted;
            const next = left[side]!.shift()!;
            woven[side]!.add(next, own[next.item]!);
          }
          for (let item = 0; item < ITEMS; item++) {
            expect(pulledVector(item, own[item]!, woven, HOLD)).toEqual(
              pulledVector(item, own[item]!, apart, HOLD),
            );
          }
        },
      ),
    );
  });

  it('comes nearer to 1 for who chose it, and never beyond', () => {
    fc.assert(
      fc.property(vector, vector, fc.integer({ min: 1, max: 50 }), (own, person, times) => {
        const score = (of: Float32Array): number => of.reduce((s, x, k) => s + x * person[k]!, 0);
        fc.pre(score(own) < 1 && person.some((value) => Math.abs(value) > 0.1));
        const given = Array.from({ length: times }, () => ({ item: 0, weight: 1, person }));
        const moved = pulledVector(0, own, [pullsOf(given, [own])], HOLD);
        expect(score(moved)).toBeGreaterThan(score(own));
        expect(score(moved)).toBeLessThanOrEqual(1 + 1e-6);
      }),
    );
  });

  it('stays where it was without events, and beyond the cap, which counts them', () => {
    const own = Float32Array.of(1, 2, 3, 4);
    const pulls = new ItemPulls(DIMENSIONS, { itemsMax: 1 });
    const person = Float32Array.of(1, 0, 0, 0);
    pulls.add({ item: 0, weight: -1, person }, own);
    pulls.add({ item: 1, weight: 1, person }, own);
    expect(pulledVector(1, own, [pulls], HOLD)).toEqual(own);
    expect(pulls.leftOutCount).toBe(1);
    expect(pulledVector(0, own, [pulls], HOLD)[0]).toBeLessThan(1);
  });
});
