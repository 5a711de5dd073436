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
  const sorted = Float64Array.from(touched, (index) => similarity[index]!).sort();
  const least = sorted[touched.length - count]!;
  let equalsLeft = count;
  for (const index of touched) if (similarity[index]! > least) equalsLeft -= 1;
  for (const index of touched) {
    if (similarity[index]! > least) continue;
    if (similarity[index]! < least || equalsLeft <= 0) similarity[index] = 0;
    else equalsLeft -= 1;
  }
};
