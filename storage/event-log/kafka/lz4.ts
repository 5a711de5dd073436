/**
 * Reads LZ4 frames (format 1.6), which Node.js does not. A frame is a header and blocks; a block is
 * sequences of literals and of copies of what came before, and the last one ends with its literals.
 * Checksums of blocks and content are passed over: the record batch has one over all of it.
 */
import { InflatedBytes } from './inflated-bytes.ts';

const MAGIC = 0x184d2204;
const BLOCK_CHECKSUM_BIT = 0x10;
const CONTENT_SIZE_BIT = 0x08;
const DICTIONARY_BIT = 0x01;
const PLAIN_BLOCK_BIT = 0x8000_0000;
const COPY_BYTES_MIN = 4;
/** A length of so much in a token goes on in the bytes that follow. */
const LONG = 15;

export const inflateLz4 = (source: Buffer, bytesMax: number): Buffer => {
  if (source.readUInt32LE(0) !== MAGIC) throw new RangeError('Expected an LZ4 frame, got no magic');
  const flags = source[4]!;
  if (flags & DICTIONARY_BIT) throw new RangeError('Expected no dictionary, got one');
  const inflated = new InflatedBytes(4 * source.length, bytesMax);
  let at = 7 + (flags & CONTENT_SIZE_BIT ? 8 : 0);
  for (;;) {
    const size = source.readUInt32LE(at);
    at += 4;
    if (size === 0) return inflated.written;
    const end = at + (size & ~PLAIN_BLOCK_BIT);
    if (end > source.length) throw new RangeError('Expected a whole block, got a part');
    if (size & PLAIN_BLOCK_BIT) inflated.append(source, at, end - at);
    else inflateBlock(source.subarray(at, end), inflated);
    at = end + (flags & BLOCK_CHECKSUM_BIT ? 4 : 0);
  }
};

const inflateBlock = (block: Buffer, inflated: InflatedBytes): void => {
  let at = 0;
  /** The rest of a length: bytes of 255 and one below. */
  const longer = (length: number): number => {
    let sum = length;
    if (length < LONG) return sum;
    for (let byte = 255; byte === 255; sum += byte) byte = block.readUInt8(at++);
    return sum;
  };
  while (at < block.length) {
    const token = block.readUInt8(at++);
    const literals = longer(token >> 4);
    inflated.append(block, at, literals);
    at += literals;
    if (at === block.length) return;
    const distance = block.readUInt16LE(at);
    at += 2;
    inflated.repeat(distance, longer(token & 0x0f) + COPY_BYTES_MIN);
  }
};
