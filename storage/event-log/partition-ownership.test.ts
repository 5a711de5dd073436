import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GroupMember, shareUnits } from './partition-ownership.ts';

const units = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `interactions.${at}`);
const fresh = (...ids: readonly string[]): readonly GroupMember[] =>
  ids.map((id) => ({ id, had: [] }));

const kind = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${name}.${at}`);
const sorted = (shares: ReadonlyMap<string, readonly string[]>) =>
  [...shares].map(([id, share]) => [id, [...share].sort()]);

describe('shareUnits', () => {
  it('gives every unit to one member and no member two more than another, whoever had what', () => {
    const member = fc.record({
      id: fc.uuid(),
      had: fc.uniqueArray(fc.constantFrom(...units(12), ...kind('users', 5), 'gone.1', 'gone.2')),
    });
    const members = fc.uniqueArray(member, {
      minLength: 1,
      maxLength: 6,
      selector: ({ id }) => id,
    });
    fc.assert(
      fc.property(fc.nat(12), fc.nat(5), members, (count, others, all) => {
        const shared = [...units(count), ...kind('users', others)];
        const shares = [...shareUnits(shared, all).values()];
        expect(shares.flat().sort()).toEqual(shared.sort());
        const sizes = shares.map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
      { seed: 4_711, numRuns: 200 },
    );
  });

  it('moves no more than it must when a member comes or goes', () => {
    const two = shareUnits(units(8), fresh('a', 'b'));
    const three = shareUnits(units(8), [
      ...[...two].map(([id, had]) => ({ id, had })),
      ...fresh('c'),
    ]);
    expect(three.get('c')).toHaveLength(2);
    for (const id of ['a', 'b']) {
      expect(two.get(id)).toEqual(expect.arrayContaining([...three.get(id)!]));
    }
    const left = [...three].filter(([id]) => id !== 'b').map(([id, had]) => ({ id, had }));
    const again = shareUnits(units(8), left);
    for (const { id, had } of left) {
      expect(again.get(id)).toEqual(expect.arrayContaining([...had]));
    }
  });

  it('spreads each kind, also when one that had all is joined by another', () => {
    const all = ['control', ...kind('items', 2), ...kind('users', 3)];
    const shares = shareUnits(all, [{ id: 'a', had: all }, ...fresh('b')]);
    for (const name of ['items', 'users']) {
      const counts = [...shares.values()].map((share) =>
        share.filter((unit) => unit.startsWith(name)),
      );
      expect(Math.min(...counts.map(({ length }) => length))).toBe(1);
    }
    expect([...shares.values()].map(({ length }) => length)).toEqual([3, 3]);
  });

  it('leaves all as it is while the members stay', () => {
    const kinds = fc.tuple(fc.nat(9), fc.nat(9), fc.boolean());
    fc.assert(
      fc.property(kinds, fc.integer({ min: 1, max: 5 }), ([users, items, hasControl], count) => {
        const all = [...kind('users', users), ...kind('items', items)];
        if (hasControl) all.push('control');
        const members = fresh(...Array.from({ length: count }, (_, at) => `member-${at}`));
        const first = shareUnits(all, members);
        const again = shareUnits(
          all,
          [...first].map(([id, had]) => ({ id, had })),
        );
        expect(sorted(again)).toEqual(sorted(first));
        for (const [name, size] of [
          ['users', users],
          ['items', items],
        ] as const) {
          for (const share of first.values()) {
            const own = share.filter((unit) => unit.startsWith(name)).length;
            expect([Math.floor(size / count), Math.ceil(size / count)]).toContain(own);
          }
        }
      }),
      { seed: 4_712, numRuns: 200 },
    );
  });

  it('does not depend on the order of its arguments', () => {
    const members = fresh('b', 'a', 'c');
    const shares = shareUnits(units(5), members);
    const reversed = shareUnits([...units(5)].reverse(), [...members].reverse());
    expect(new Map(reversed)).toEqual(new Map(shares));
  });
});
