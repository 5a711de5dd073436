import { describe, expect, it } from 'vitest';
import { crc32c } from './checksum.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('crc32c', () => {
  it('gives the values that RFC 3720 and the catalogue of CRCs publish', () => {
    expect(crc32c(bytesOf('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at))).toBe(0x46dd794e);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, at) => 31 - at))).toBe(0x113fdb5c);
    expect(crc32c(new Uint8Array(0))).toBe(0);
  });

  it('agrees with the bit-by-bit definition at every length and offset', () => {
    const bytes = Uint8Array.from({ length: 80 }, (_, at) => (at * 37 + 11) & 0xff);
    for (let start = 0; start < 9; start += 1) {
      for (let end = start; end <= bytes.length; end += 1) {
        expect(crc32c(bytes, start, end)).toBe(slowCrc32c(bytes.subarray(start, end)));
      }
    }
  });

  it('sums parts one after another to the sum of the whole', () => {
    const bytes = bytesOf('a value that is stored in two parts');
    expect(crc32c(bytes, 9, bytes.length, crc32c(bytes, 0, 9))).toBe(crc32c(bytes));
  });
});

const slowCrc32c = (bytes: Uint8Array): number => {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
};
