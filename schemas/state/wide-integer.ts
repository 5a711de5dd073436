/**
 * Signed 64-bit integers as two 32-bit words (low, high; two's complement) in an Int32Array, and
 * their shortest little-endian bytes. Counters are summed a million times a minute: words cost
 * nanoseconds where a bigint would allocate.
 */
import { type ByteReader, type ByteWriter, corrupt } from './byte-cursor.ts';

const BITS_32 = 32n;

export const wideOfWords = (words: Int32Array, at: number): bigint =>
  (BigInt(words[at + 1]!) << BITS_32) | BigInt(words[at]! >>> 0);

export const wordsOfWide = (value: bigint, words: Int32Array, at: number): void => {
  words[at] = Number(BigInt.asIntN(32, value));
  words[at + 1] = Number(BigInt.asIntN(32, value >> BITS_32));
};

/** How few bytes hold the counter: 0 for zero, at most 8. */
export const wideByteCount = (words: Int32Array, at: number): number => {
  const low = words[at]!;
  const high = words[at + 1]!;
  if (high === low >> 31) return low === 0 ? 0 : wordByteCount(low);
  return 4 + wordByteCount(high);
};

const wordByteCount = (word: number): number => {
  if (word === (word << 24) >> 24) return 1;
  if (word === (word << 16) >> 16) return 2;
  return word === (word << 8) >> 8 ? 3 : 4;
};

/** Writes as many bytes as `wideByteCount` says; the count itself is the caller's to write. */
export const writeWide = (writer: ByteWriter, words: Int32Array, at: number): void => {
  const byteCount = wideByteCount(words, at);
  writer.reserve(byteCount);
  for (let index = 0; index < byteCount; index++) {
    writer.buffer[writer.length++] = words[at + (index >> 2)]! >>> ((index & 3) * 8);
  }
};

export const readWide = (
  reader: ByteReader,
  words: Int32Array,
  at: number,
  byteCount: number,
): void => {
  if (byteCount > 8) throw corrupt(`a counter of ${byteCount} bytes`);
  let low = 0;
  let high = 0;
  let last = 0;
  for (let index = 0; index < byteCount; index++) {
    last = reader.u8();
    if (index < 4) low |= last << (index * 8);
    else high |= last << ((index - 4) * 8);
  }
  // The sign of the last byte fills what was left out.
  const sign = (last << 24) >> 31;
  if (byteCount < 4) low |= byteCount === 0 ? 0 : sign << (byteCount * 8);
  if (byteCount <= 4) high = byteCount === 0 ? 0 : sign;
  else if (byteCount < 8) high |= sign << ((byteCount - 4) * 8);
  words[at] = low;
  words[at + 1] = high;
};
