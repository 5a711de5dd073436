import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../test/faults/seeded-random.ts';
import { decompress } from './compression.ts';

const SNAPPY = 2;
const LZ4 = 3;

const TEXT = `Mississippi Mississippi ${'a'.repeat(40)}`;
const LITERAL = Buffer.from('Mississippi ');

/** Written out by hand: a literal, a copy from twelve back, a literal of one letter, a run of it. */
const SNAPPY_BLOCK = Buffer.concat([
  Buffer.from([TEXT.length, (LITERAL.length - 1) << 2]),
  LITERAL,
  Buffer.from([((LITERAL.length - 1) << 2) | 0b10, LITERAL.length, 0]),
  Buffer.from([0, 'a'.charCodeAt(0)]),
  Buffer.from([(38 << 2) | 0b11, 1, 0, 0, 0]),
]);
const LZ4_BLOCK = Buffer.concat([
  Buffer.from([(LITERAL.length << 4) | (LITERAL.length - 4)]),
  LITERAL,
  Buffer.from([LITERAL.length, 0]),
  Buffer.from([(1 << 4) | 15, 'a'.charCodeAt(0), 1, 0, 34 - 4 - 15]),
  Buffer.from([5 << 4]),
  Buffer.from('aaaaa'),
]);

const uint32 = (value: number, write: 'writeUInt32LE' | 'writeUInt32BE'): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes[write](value);
  return bytes;
};
const lz4Frame = (...blocks: readonly Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from('04224d18604082', 'hex'),
    ...blocks.flatMap((block) => [uint32(block.length, 'writeUInt32LE'), block]),
    Buffer.alloc(4),
  ]);
const javaFrames = (...blocks: readonly Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from('82534e41505059000000000100000001', 'hex'),
    ...blocks.flatMap((block) => [uint32(block.length, 'writeUInt32BE'), block]),
  ]);

describe('decompress', () => {
  it('reads Snappy, plain and in the frames of Java', () => {
    expect(decompress(SNAPPY, SNAPPY_BLOCK).toString()).toBe(TEXT);
    const framed = javaFrames(SNAPPY_BLOCK, SNAPPY_BLOCK);
    expect(decompress(SNAPPY, framed).toString()).toBe(TEXT + TEXT);
  });

  it('reads LZ4 frames of compressed and plain blocks', () => {
    expect(decompress(LZ4, lz4Frame(LZ4_BLOCK, LZ4_BLOCK)).toString()).toBe(TEXT + TEXT);
    const plain = lz4Frame(Buffer.from('as it is'));
    plain.writeUInt32LE((8 | 0x8000_0000) >>> 0, 7);
    expect(decompress(LZ4, plain).toString()).toBe('as it is');
  });

  it('ends with an error on bytes that mean nothing, and never with more than the limit', () => {
    const seed = 20_261_128;
    console.log(`seed ${seed}`);
    const random = seededRandom(seed);
    for (const [codec, valid] of [
      [SNAPPY, SNAPPY_BLOCK],
      [SNAPPY, javaFrames(SNAPPY_BLOCK)],
      [LZ4, lz4Frame(LZ4_BLOCK)],
    ] as const) {
      for (let run = 0; run < 3_000; run += 1) {
        const broken = Buffer.from(valid.subarray(0, 1 + Math.floor(random() * valid.length)));
        const flips = Math.floor(random() * 4);
        for (let flip = 0; flip < flips; flip += 1) {
          broken[Math.floor(random() * broken.length)] = Math.floor(random() * 256);
        }
        try {
          expect(decompress(codec, broken).length).toBeLessThanOrEqual(64 * 1_048_576);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }
    }
  });

  it('stops a bomb at the limit', () => {
    const run = Buffer.concat([
      Buffer.from([(1 << 4) | 15, 0, 1, 0]),
      Buffer.alloc(300_000, 255),
      Buffer.from([0]),
    ]);
    expect(() => decompress(LZ4, lz4Frame(run))).toThrow(/Expected at most 67108864 bytes/);
  });
});
