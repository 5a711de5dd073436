/** Of the record at the covered offset, so that a log that lost it and went on is noticed. */
import type { LogRecord } from '../storage/event-log/event-log.ts';
import { murmur2 } from '../storage/event-log/partitioner.ts';

const HASHED_BYTES_MAX = 4_096;

export const hashOf = ({ key, value, timestamp }: LogRecord): number => {
  let hash = (timestamp % 0x7fff_ffff) ^ (key === null ? 0 : murmur2(key));
  if (value === null) return hash >>> 0;
  hash = Math.imul(hash, 31) ^ value.length;
  return (Math.imul(hash, 31) ^ murmur2(value.subarray(0, HASHED_BYTES_MAX))) >>> 0;
};
