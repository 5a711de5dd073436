import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historiesOf, historyOf } from '../histories/histories.ts';
import { kFolds } from './k-fold.ts';
import { leaveLastOut } from './leave-one-out.ts';
import { prequentialPlan } from './prequential.ts';
import { splitNewest } from './temporal.ts';

describe('leave-one-out', () => {
  const histories = historiesOf(
    [
      { user: 0, item: 2, time: 30 },
      { user: 0, item: 1, time: 10 },
      { user: 0, item: 3, time: 20 },
      { user: 1, item: 3, time: 5 },
    ],
    { userCount: 3, itemCount: 4 },
  );

  it('holds the newest event out and trains on the rest', () => {
    const { train, targets } = leaveLastOut(histories);
    expect([...targets]).toEqual([2, -1, -1]);
    expect([...historyOf(train, 0).items]).toEqual([1, 3]);
    expect([...historyOf(train, 0).times!]).toEqual([10, 20]);
  });

  it('leaves users alone who have nothing to spare', () => {
    const { train } = leaveLastOut(histories);
    expect([...historyOf(train, 1).items]).toEqual([3]);
    expect(historyOf(train, 2).items).toHaveLength(0);
  });
});

describe('temporal split', () => {
  it('never cuts inside a moment', () => {
    const events = [1, 2, 3, 3, 3].map((time, user) => ({ user, time }));
    const { train, test, from } = splitNewest(events, 0.4);
    expect(from).toBe(3);
    expect(train).toHaveLength(2);
    expect(test).toHaveLength(3);
  });

  it('refuses a time that is not a number', () => {
    expect(() => splitNewest([{ user: 0, time: Number.NaN }], 0.5)).toThrow(/Expected a time/);
  });
});

describe('prequential plan', () => {
  it('ranks all events of one user at one moment before it learns any of them', () => {
    const events = [
      { user: 0, time: 1, item: 1 },
      { user: 1, time: 2, item: 2 },
      { user: 2, time: 2, item: 3 },
      { user: 1, time: 2, item: 4 },
      { user: 0, time: 3, item: 5 },
    ];
    const { warmUp, steps } = prequentialPlan(events, 0.2);
    expect(warmUp.map(({ item }) => item)).toEqual([1]);
    expect(steps.map((step) => step.map(({ item }) => item))).toEqual([[2, 4], [3], [5]]);
  });

  it('keeps every event exactly once, in time order of the steps', () => {
    const event = fc.record({ user: fc.nat(3), time: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(event), fc.double({ min: 0, max: 1, noNaN: true }), (events, share) => {
        const { warmUp, steps } = prequentialPlan(events, share);
        expect(warmUp.length + steps.flat().length).toBe(events.length);
        expect(new Set([...warmUp, ...steps.flat()]).size).toBe(events.length);
        const times = steps.map((step) => step[0]!.time);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        const keys = steps.map((step) => `${step[0]!.user}@${step[0]!.time}`);
        expect(new Set(keys).size).toBe(keys.length);
      }),
    );
  });
});

describe('k-fold', () => {
  it('tests every event once, in folds whose sizes differ by one at most', () => {
    const folds = kFolds(103, { folds: 5, seed: 1 });
    const sizes = [0, 1, 2, 3, 4].map((fold) => folds.filter((of) => of === fold).length);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(103);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });

  it('is decided by the seed', () => {
    expect(kFolds(50, { folds: 5, seed: 1 })).toEqual(kFolds(50, { folds: 5, seed: 1 }));
    expect(kFolds(50, { folds: 5, seed: 1 })).not.toEqual(kFolds(50, { folds: 5, seed: 2 }));
  });

  it('refuses more folds than events', () => {
    expect(() => kFolds(3, { folds: 5, seed: 1 })).toThrow(/Expected option folds/);
  });
});
