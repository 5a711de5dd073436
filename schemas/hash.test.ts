import { describe, expect, it } from 'vitest';
import { hash32, hash128Into, itemHashHex, itemHashLow, newHash128 } from './hash.ts';

describe('the hash of a text', () => {
  it('is the same for ever, since stored state names items by it', () => {
    expect(['', 'a', 'heat-1995', 'amélie-🎬', 'x'.repeat(128)].map(itemHashHex)).toEqual([
      '0000000000000000',
      '4247a2790e8ff097',
      '34f8d86e8a93dd8c',
      '762f57489c530c95',
      '10a44e0b359042f3',
    ]);
  });

  it('has as its low half what evicted items are remembered by', () => {
    const low = itemHashLow('heat-1995');
    expect(itemHashHex('heat-1995').slice(8)).toBe(low.toString(16).padStart(8, '0'));
  });

  it('tells apart texts that differ in one character, in length or in order', () => {
    const seen = new Set<string>();
    const out = newHash128();
    for (let index = 0; index < 20_000; index++) {
      for (const text of [`${index}`, `${index}\0`, `u:${index}`, `${index}:u`]) {
        hash128Into(out, text);
        seen.add(out.join());
      }
    }
    expect(seen.size).toBe(80_000);
  });

  it('depends on the seed', () => {
    expect(hash32('heat-1995', 1)).not.toBe(hash32('heat-1995', 2));
  });
});
