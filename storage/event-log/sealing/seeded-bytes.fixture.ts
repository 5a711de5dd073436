/** Bytes by chance that are the same in every run, for tests of what otherwise takes real ones. */
import { createHash } from 'node:crypto';

export const seededBytes = (seed: number): ((count: number) => Buffer) => {
  let made = 0;
  return (count) => {
    const pieces: Buffer[] = [];
    for (let length = 0; length < count; length += 32) {
      pieces.push(createHash('sha256').update(`${seed} ${made++}`).digest());
    }
    return Buffer.concat(pieces).subarray(0, count);
  };
};
