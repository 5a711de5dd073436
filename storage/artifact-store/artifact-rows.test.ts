import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, chunkRows, readTexts } from './artifact-rows.ts';
import { sha256Of } from './release-manifest.ts';

/** Rows without their places: checksum and bytes by turns, as an answer brings them. */
const textsOf = (rows: Buffer): readonly Buffer[] => {
  const texts: Buffer[] = [];
  for (let at = 0; at < rows.length; ) {
    const [sha256, bytes] = readTexts(rows.subarray(at + 8, at + 8 + rowLength(rows, at + 8)));
    texts.push(sha256!, bytes!);
    at += 8 + rowLength(rows, at + 8);
  }
  return texts;
};

const rowLength = (rows: Buffer, at: number): number => {
  const sha256End = at + 1 + rows[at]!;
  let length = 0;
  let factor = 1;
  let end = sha256End;
  for (; rows[end]! & 0x80; factor *= 128) length += (rows[end++]! & 0x7f) * factor;
  return end + 1 + length + rows[end]! * factor - at;
};

describe('rows of a release', () => {
  it('hold a file in chunks, each with its checksum', () => {
    const bytes = Buffer.alloc(2 * CHUNK_BYTES + 5, 'file');
    const texts = textsOf(chunkRows({ part: 3, bytes, from: 0, chunksMax: 9 }));
    const chunks = texts.filter((_, at) => at % 2 === 1);
    expect(chunks.map(({ length }) => length)).toEqual([CHUNK_BYTES, CHUNK_BYTES, 5]);
    expect(Buffer.compare(Buffer.concat(chunks), bytes)).toBe(0);
    expect(texts.filter((_, at) => at % 2 === 0).map(String)).toEqual(chunks.map(sha256Of));
  });

  it('name their part and chunk, and go on where the ones before ended', () => {
    const bytes = Buffer.alloc(3 * CHUNK_BYTES, 'x');
    const rows = chunkRows({ part: 7, bytes, from: CHUNK_BYTES, chunksMax: 1 });
    expect([rows.readUInt32LE(0), rows.readUInt32LE(4)]).toEqual([7, 1]);
    expect(textsOf(rows)[1]).toHaveLength(CHUNK_BYTES);
  });

  it('an answer that ends early is an error, whatever is missing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(), (bytes, cut) => {
        const answer = chunkRows({ part: 0, bytes, from: 0, chunksMax: 1 }).subarray(8);
        const whole = readTexts(answer);
        expect(whole).toHaveLength(2);
        const kept = 66 + (cut % (answer.length - 66));
        expect(() => readTexts(answer.subarray(0, kept))).toThrow(RangeError);
      }),
    );
  });
});
