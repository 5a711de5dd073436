import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GroupMember, shareUnits } from './partition-ownership.ts';

const units = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `interactions.${at}`);
const fresh = (...ids: readonly string[]): readonly GroupMember[] =>
  ids.map((id) => ({ id, had: [] }));

describe('shareUnits', () => {
  it('gives every unit to one member and no member two more than another, whoever had what', () => {
    const member = fc.record({
      id: fc.uuid(),
      had: fc.uniqueArray(fc.constantFrom(...units(12), 'gone.1', 'gone.2')),
    });
    const members = fc.uniqueArray(member, {
      minLength: 1,
      maxLength: 6,
      selector: ({ id }) => id,
    });
    fc.assert(
      fc.property(fc.nat(12), members, (count, all) => {
        const shares = [...shareUnits(units(count), all).values()];
        expect(shares.flat().sort()).toEqual([...units(count)].sort());
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

  it('does not depend on the order of its arguments', () => {
    const members = fresh('b', 'a', 'c');
    const shares = shareUnits(units(5), members);
    const reversed = shareUnits([...units(5)].reverse(), [...members].reverse());
    expect(new Map(reversed)).toEqual(new Map(shares));
  });
});
