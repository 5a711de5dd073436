/**
 * How much of the log is kept. All topics whose records expire share one budget of live bytes. No
 * partition has a share of its own: the largest ones give until the sum fits, so a small topic keeps
 * its whole past while a large one is cut. Once the sum is over the budget it is brought down to nine
 * tenths of it, so that cleaning is something that happens now and then, not with every record.
 */
const FILLED_SHARE = 0.9;

/** The most live bytes that a partition may keep; undefined while all of them fit. */
export const bytesLevel = (sizes: readonly number[], bytesMax: number): number | undefined => {
  if (sizes.reduce((sum, bytes) => sum + bytes, 0) <= bytesMax) return undefined;
  let left = bytesMax * FILLED_SHARE;
  const rising = [...sizes].sort((a, b) => a - b);
  for (const [index, bytes] of rising.entries()) {
    const share = left / (rising.length - index);
    if (bytes > share) return Math.floor(share);
    left -= bytes;
  }
  return undefined;
};
