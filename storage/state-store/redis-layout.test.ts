import { describe, expect, it } from 'vitest';
import { partitionIndex, statePartition } from '../../schemas/ids.ts';
import { BUCKETS, bucketOf, encodeChanges, partitionKeys, unframe } from './redis-layout.ts';

const bucketOfText = (key: string): number => bucketOf(Buffer.from(key));

describe('how state lies in Redis', () => {
  it('names and places stay what they were when state was written', () => {
    const place = { namespace: 'site', stateFormat: 1 };
    const keys = partitionKeys(place, statePartition('interactions', partitionIndex(3)));
    expect(keys.meta).toBe('{site:1:interactions.3}:meta');
    expect(keys.buckets[15]).toBe('{site:1:interactions.3}:values:15');
    expect(['partition', 'subject:u:1', 'item:☃', 'a', 'x'.repeat(200)].map(bucketOfText)).toEqual([
      10, 9, 3, 1, 15,
    ]);
  });

  it('what was moved of events from outside is known to programs of every format', () => {
    const marksOf = (stateFormat: number) =>
      partitionKeys(
        { namespace: 'site', stateFormat },
        statePartition('events-in', partitionIndex(0)),
      );
    expect(marksOf(1).meta).toBe('{site:1:events-in.0}:meta');
    expect(marksOf(2)).toEqual(marksOf(1));
  });

  it('a name that is none of a partition is refused', () => {
    const place = { namespace: 'site', stateFormat: 1 };
    expect(() => partitionKeys(place, '../x' as never)).toThrow(RangeError);
  });

  for (const [what, keyOf] of [
    ['numbers', (at: number) => `subject:u:${at}`],
    ['addresses', (at: number) => `subject:u:person.${at}@mail.example.com`],
    ['hashes', (at: number) => `item:${(at * 2_654_435_761).toString(16)}`],
  ] as const) {
    it(`keys that end in ${what} spread over all hashes`, () => {
      const counts = new Array<number>(BUCKETS).fill(0);
      for (let at = 0; at < 16_000; at += 1) counts[bucketOfText(keyOf(at))]! += 1;
      expect(Math.max(...counts)).toBeLessThan(1_250);
      expect(Math.min(...counts)).toBeGreaterThan(750);
    });
  }

  it('the last change of a key counts, once', () => {
    const bytes = (text: string) => Buffer.from(text);
    const { keys, sets, deletes } = encodeChanges([
      { key: 'a', value: bytes('1') },
      { key: 'a', value: bytes('2') },
      { key: 'b', value: bytes('3') },
      { key: 'b', value: undefined },
    ]);
    expect(keys).toEqual(['a', 'b']);
    const written = sets.filter((part) => Buffer.isBuffer(part));
    expect(written.map((part, at) => (at % 2 === 0 ? `${part}` : `${unframe(part)}`))).toEqual([
      'a',
      '2',
    ]);
    expect(deletes.filter((part) => Buffer.isBuffer(part)).map(String)).toEqual(['b']);
  });

  it('a value of which any bit was flipped, or that is too short, is no value', () => {
    const { sets } = encodeChanges([{ key: 'a', value: Buffer.from('value') }]);
    const framed = sets[2] as Buffer;
    for (let bit = 0; bit < framed.length * 8; bit += 1) {
      const damaged = Buffer.from(framed);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(unframe(damaged)).toBeUndefined();
    }
    expect(unframe(framed.subarray(0, 3))).toBeUndefined();
    expect(`${unframe(framed)}`).toBe('value');
  });
});
