/**
 * What producers outside may compress their batches with. The adapter itself writes plain ones: inside
 * a data centre the processor is dearer than the wire.
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { inflateLz4 } from './lz4.ts';
import { inflateSnappy } from './snappy.ts';

const NONE = 0;
const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;
const ZSTD = 4;

/** A batch is at most a few megabytes; what claims to be more is a bomb. */
const INFLATED_BYTES_MAX = 64 * 1_048_576;

export const decompress = (codec: number, bytes: Buffer): Buffer => {
  const limits = { maxOutputLength: INFLATED_BYTES_MAX };
  switch (codec) {
    case NONE:
      return bytes;
    case GZIP:
      return gunzipSync(bytes, limits);
    case SNAPPY:
      return inflateSnappy(bytes, INFLATED_BYTES_MAX);
    case LZ4:
      return inflateLz4(bytes, INFLATED_BYTES_MAX);
    case ZSTD:
      return zstdDecompressSync(bytes, limits);
    default:
      throw new RangeError(`Expected a known compression, got ${codec}`);
  }
};
