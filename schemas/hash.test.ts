import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hash32,
  hash64,
  hash64Hex,
  hash128Into,
  itemHashHex,
  itemHashLow,
  newHash128,
} from './hash.ts';

describe('the hash of a text', () => {
  it('is MurmurHash3_x86_128 of its UTF-16LE bytes', () => {
    const out = newHash128();
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.integer(), (text, seed) => {
        hash128Into(out, text, seed);
        expect([...out]).toEqual([...murmurOfBytes(Buffer.from(text, 'utf16le'), seed)]);
      }),
      { numRuns: 300 },
    );
  });

  it('is the same for ever, since stored state names items by it', () => {
    expect(['', 'a', 'heat-1995', 'amélie-🎬', 'x'.repeat(128)].map(itemHashHex)).toEqual([
      '0000000000000000',
      'ccef4fe1033bb196',
      'f3f9cd7daff75dd4',
      '4720dbe2532e3ec5',
      '25eb185dea5d0947',
    ]);
  });

  it('begins with its shorter forms', () => {
    const out = newHash128();
    hash128Into(out, 'heat-1995', 7);
    const low = out[0]! >>> 0;
    const high = out[1]! >>> 0;
    expect(hash32('heat-1995', 7)).toBe(low);
    expect(hash64('heat-1995', 7)).toEqual({ high, low });
    expect(BigInt(`0x${hash64Hex('heat-1995', 7)}`)).toBe((BigInt(high) << 32n) | BigInt(low));
  });

  it('has as its low half what evicted items are remembered by', () => {
    const low = itemHashLow('heat-1995');
    expect(itemHashHex('heat-1995').slice(8)).toBe(low.toString(16).padStart(8, '0'));
  });

  it('tells apart texts that differ in one character, in length or in order', () => {
    const seen = new Set<string>();
    const out = newHash128();
    for (let index = 0; index < 10_000; index++) {
      for (const text of [`${index}`, `${index}\0`, `u:${index}`, `${index}:u`]) {
        hash128Into(out, text);
        seen.add(out.join());
      }
    }
    expect(seen.size).toBe(40_000);
  });

  it('depends on the seed', () => {
    expect(hash32('heat-1995', 1)).not.toBe(hash32('heat-1995', 2));
  });
});

describe('the reference that it is compared with', () => {
  it('gives the verification value that SMHasher publishes for MurmurHash3_x86_128', () => {
    const hashes = Buffer.alloc(256 * 16);
    for (let length = 0; length < 256; length++) {
      const key = Uint8Array.from({ length }, (_, at) => at);
      murmurOfBytes(key, 256 - length).forEach((word, at) => {
        hashes.writeInt32LE(word, length * 16 + at * 4);
      });
    }
    expect(murmurOfBytes(hashes, 0)[0]! >>> 0).toBe(0xb3ece62a);
  });
});

/** As Appleby wrote it, byte by byte. */
const murmurOfBytes = (bytes: Uint8Array, seed: number): Int32Array => {
  const rotate = (word: number, by: number) => (word << by) | (word >>> (32 - by));
  const factors = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93];
  const turns = [15, 16, 17, 18];
  const blockTurns = [19, 17, 15, 13];
  const addends = [0x561ccd1b, 0x0bcaa747, 0x96cd1c35, 0x32ac3b17];
  const hash = new Int32Array(4).fill(seed);
  const sumUp = () => {
    hash[0]! += hash[1]! + hash[2]! + hash[3]!;
    for (const at of [1, 2, 3]) hash[at]! += hash[0]!;
  };
  for (let start = 0; start < bytes.length; start += 16) {
    const isWhole = start + 16 <= bytes.length;
    for (let at = 0; at < 4; at++) {
      let word = 0;
      for (let byte = 0; byte < 4; byte++) {
        word |= (bytes[start + at * 4 + byte] ?? 0) << (byte * 8);
      }
      word = rotate(Math.imul(word, factors[at]!), turns[at]!);
      hash[at]! ^= Math.imul(word, factors[(at + 1) % 4]!);
      if (isWhole) {
        hash[at] = rotate(hash[at]!, blockTurns[at]!) + hash[(at + 1) % 4]!;
        hash[at] = Math.imul(hash[at]!, 5) + addends[at]!;
      }
    }
  }
  hash.forEach((word, at) => {
    hash[at] = word ^ bytes.length;
  });
  sumUp();
  hash.forEach((word, at) => {
    let mixed = word ^ (word >>> 16);
    mixed = Math.imul(mixed, 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    hash[at] = mixed ^ (mixed >>> 16);
  });
  sumUp();
  return hash;
};
