/** When a partition is behind, and so had better write seldom and much than often and little. */
import type { LogRecord } from '../storage/event-log/event-log.ts';

const RECORDS = 512;

/**
 * Whoever finds so many records waiting is behind; or half of what one read may give, since envelopes
 * are large and a read of them is full long before it holds many.
 */
export const isBacklog = (slice: readonly LogRecord[], readBytesMax: number): boolean => {
  if (slice.length >= RECORDS) return true;
  let bytes = 0;
  for (const { value } of slice) bytes += value?.length ?? 0;
  return bytes * 2 >= readBytesMax;
};
