/** Takes the newest batches of records out of a partition's file, while its broker is down. */
import { readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

const BATCH_HEAD_BYTES = 12;
const LENGTH_AT = 8;

/** Returns how many batches were left. */
export const cutNewestBatches = (directory: string, count: number): number => {
  const newest = readdirSync(directory)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .at(-1)!;
  const file = join(directory, newest);
  const starts = startsIn(readFileSync(file));
  const left = Math.max(0, starts.length - count);
  truncateSync(file, starts[left] ?? 0);
  return left;
};

/** A batch begins with its first offset and says how many bytes follow the two; space may be reserved behind. */
const startsIn = (bytes: Buffer): readonly number[] => {
  const starts: number[] = [];
  for (let at = 0; at + BATCH_HEAD_BYTES <= bytes.length; ) {
    const length = bytes.readInt32BE(at + LENGTH_AT);
    if (length <= 0) break;
    starts.push(at);
    at += BATCH_HEAD_BYTES + length;
  }
  return starts;
};
