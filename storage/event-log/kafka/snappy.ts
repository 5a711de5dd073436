/**
 * Reads Snappy, which Node.js does not: plain, as most clients write it, or in the frames of Java's. A
 * block is its length and then literals and copies of what came before, each behind a tag of two bits.
 */
import { InflatedBytes } from './inflated-bytes.ts';

const JAVA_MAGIC = Buffer.from('82534e4150505900', 'hex');
/** The magic and two versions. */
const JAVA_HEADER_BYTES = 16;

export const inflateSnappy = (source: Buffer, bytesMax: number): Buffer => {
  const inflated = new InflatedBytes(4 * source.length, bytesMax);
  if (!source.subarray(0, JAVA_MAGIC.length).equals(JAVA_MAGIC)) {
    inflateBlock(source, inflated);
    return inflated.written;
  }
  for (let at = JAVA_HEADER_BYTES; at < source.length; ) {
    const start = at + 4;
    const end = start + source.readUInt32BE(at);
    if (end > source.length) throw new RangeError('Expected a whole block, got a part');
    inflateBlock(source.subarray(start, end), inflated);
    at = end;
  }
  return inflated.written;
};

const inflateBlock = (block: Buffer, inflated: InflatedBytes): void => {
  let at = 0;
  // The length is a hint to whoever allocates; here the bytes speak for themselves.
  while (block.readUInt8(at++) >= 0x80);
  while (at < block.length) {
    const tag = block.readUInt8(at++);
    switch (tag & 0b11) {
      case 0b00: {
        const short = tag >> 2;
        const lengthBytes = Math.max(0, short - 59);
        const length = 1 + (lengthBytes === 0 ? short : block.readUIntLE(at, lengthBytes));
        inflated.append(block, at + lengthBytes, length);
        at += lengthBytes + length;
        break;
      }
      case 0b01:
        inflated.repeat(((tag >> 5) << 8) | block.readUInt8(at), 4 + ((tag >> 2) & 0b111));
        at += 1;
        break;
      case 0b10:
        inflated.repeat(block.readUInt16LE(at), 1 + (tag >> 2));
        at += 2;
        break;
      case 0b11:
        inflated.repeat(block.readUInt32LE(at), 1 + (tag >> 2));
        at += 4;
        break;
    }
  }
};
