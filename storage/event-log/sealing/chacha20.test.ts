import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CHACHA_BLOCK_WORDS, chachaBlock } from './chacha20.ts';
import { seededBytes } from './seeded-bytes.fixture.ts';

const SEED = 20;
const wordsOf = (bytes: Buffer): Int32Array =>
  Int32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readInt32LE(at * 4));

describe('the ChaCha20 block', () => {
  it(`is that of node:crypto for any key and input, seed ${SEED}`, () => {
    const bytes = seededBytes(SEED);
    for (let round = 0; round < 200; round++) {
      const key = bytes(32);
      const input = bytes(16);
      const out = new Int32Array(CHACHA_BLOCK_WORDS);
      chachaBlock(out, { key: wordsOf(key), input: wordsOf(input) });
      const expected = createCipheriv('chacha20', key, input).update(Buffer.alloc(64));
      expect(Buffer.from(out.buffer).toString('hex')).toBe(expected.toString('hex'));
    }
  });

  it('is the one of RFC 8439, section 2.3.2', () => {
    const key = Buffer.from(Array.from({ length: 32 }, (_, at) => at));
    const input = Buffer.from('01000000000000090000004a00000000', 'hex');
    const out = new Int32Array(CHACHA_BLOCK_WORDS);
    chachaBlock(out, { key: wordsOf(key), input: wordsOf(input) });
    expect(Buffer.from(out.buffer).toString('hex')).toMatch(/^10f1e7e4d13b5915500fdd1fa32071c4/);
  });
});
