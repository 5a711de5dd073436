/**
 * Leaves no byte of a removed key in the file of a state partition. LMDB removes by no longer pointing
 * to things: the key stands on in the index of changes, on free pages, in the gap of the page that it
 * stood on, and, if it was the first of that page, in a page above, which finds its way by it. (One in
 * some ten thousand is the first of so many pages that it also stands two pages above, and stays there.)
 *
 * So first the index goes, and the keys near it are removed and put again in one transaction, which
 * makes the pages and the way to them anew. What is then free is written over, and so are, by that,
 * the buffers that LMDB makes its next pages in: a page that is copied now takes only what is in use
 * along. So the keys near it are put once more, and the pages freed by that written over.
 */
import type { LmdbPartition } from './lmdb-partition.ts';

export const eraseKeys = async (
  partition: LmdbPartition,
  keys: readonly string[],
): Promise<void> => {
  partition.forgetChanges();
  for (const isMoved of [true, false]) {
    for (const key of keys) partition.rewriteAround(key, { isMoved });
    await partition.overwriteFreePages();
  }
};
