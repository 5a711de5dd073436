/** Rows of a release in ClickHouse's RowBinary: numbers little-endian, texts after their length. */
import { sha256Of } from './release-manifest.ts';

export const CHUNK_BYTES = 1_048_576;

/** Up to `chunksMax` rows of a file, from a byte of it on that begins a chunk. */
export const chunkRows = (file: {
  readonly part: number;
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly chunksMax: number;
}): Buffer => {
  const { part, bytes, from, chunksMax } = file;
  const till = Math.min(bytes.length, from + chunksMax * CHUNK_BYTES);
  const rows: Buffer[] = [];
  for (let at = from; at < till; at += CHUNK_BYTES) {
    const chunk = bytes.subarray(at, Math.min(at + CHUNK_BYTES, till));
    rows.push(chunkRow({ part, chunk: at / CHUNK_BYTES, bytes: chunk }));
  }
  return Buffer.concat(rows);
};

export const chunkRow = (row: {
  readonly part: number;
  readonly chunk: number;
  readonly bytes: Uint8Array;
}): Buffer => {
  const place = Buffer.alloc(8);
  place.writeUInt32LE(row.part, 0);
  place.writeUInt32LE(row.chunk, 4);
  const sha256 = Buffer.from(sha256Of(row.bytes));
  return Buffer.concat([place, lengthOf(sha256), sha256, lengthOf(row.bytes), row.bytes]);
};

/** The texts of an answer that has no other columns. */
export const readTexts = (answer: Buffer): readonly Buffer[] => {
  const texts: Buffer[] = [];
  for (let at = 0; at < answer.length; ) {
    let length = 0;
    let byte = 0x80;
    for (let factor = 1; byte & 0x80; factor *= 128) {
      if (at >= answer.length) throw cutOff();
      byte = answer[at++]!;
      length += (byte & 0x7f) * factor;
    }
    if (at + length > answer.length) throw cutOff();
    texts.push(answer.subarray(at, at + length));
    at += length;
  }
  return texts;
};

const cutOff = (): RangeError => new RangeError('Expected a whole answer, got a part.');

/** In groups of seven bits, the lowest first. */
const lengthOf = ({ length }: Uint8Array): Buffer => {
  const groups: number[] = [];
  let rest = length;
  for (; rest >= 128; rest = Math.floor(rest / 128)) groups.push((rest & 127) | 128);
  groups.push(rest);
  return Buffer.from(groups);
};
