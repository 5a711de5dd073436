/**
 * What producers outside may compress their batches with. The adapter itself writes plain ones: inside
 * a data centre the processor is dearer than the wire. Snappy and LZ4 have no decoder in Node.js.
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

const NONE = 0;
const GZIP = 1;
const ZSTD = 4;
const NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** A batch is at most a few megabytes; what claims to be more is a bomb. */
const INFLATED_BYTES_MAX = 64 * 1_048_576;

export const decompress = (codec: number, bytes: Buffer): Buffer => {
  const limits = { maxOutputLength: INFLATED_BYTES_MAX };
  switch (codec) {
    case NONE:
      return bytes;
    case GZIP:
      return gunzipSync(bytes, limits);
    case ZSTD:
      return zstdDecompressSync(bytes, limits);
    default:
      throw new RangeError(`Expected plain, gzip or zstd records, got ${NAMES[codec] ?? codec}`);
  }
};
