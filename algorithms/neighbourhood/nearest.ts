import { kthLargest } from '../selection/largest.ts';

let scratch = new Float64Array(4096);

/**
 * Keeps the `count` most similar of those touched and sets the similarity of the others to 0. Of
 * equal ones those that were touched first stay, so the choice is the same on every run.
 */
export const keepNearest = (
  similarity: Float64Array,
  touched: Uint32Array,
  count: number,
): void => {
  if (touched.length <= count) return;
  if (scratch.length < touched.length) scratch = new Float64Array(touched.length * 2);
  for (let k = 0; k < touched.length; k++) scratch[k] = similarity[touched[k]!]!;
  const least = kthLargest(scratch, touched.length, count);
  let equalsLeft = count;
  for (const index of touched) if (similarity[index]! > least) equalsLeft -= 1;
  for (const index of touched) {
    if (similarity[index]! > least) continue;
    if (similarity[index]! < least || equalsLeft <= 0) similarity[index] = 0;
    else equalsLeft -= 1;
  }
};
