/** The best k by the product of vectors, as anybody would write it: multiply all, keep the best. */
export interface ItemVectors {
  readonly itemCount: number;
  readonly dimensions: number;
  /** Row-major. */
  readonly factors: Float32Array;
}

export const productOf = (
  { dimensions, factors }: ItemVectors,
  item: number,
  vector: ArrayLike<number>,
): number => {
  let sum = 0;
  for (let i = 0, at = item * dimensions; i < dimensions; i++, at++)
    sum += factors[at]! * vector[i]!;
  return sum;
};

/** Best first, ties by the smaller item. */
export const topItemsReference = (
  items: ItemVectors,
  vector: ArrayLike<number>,
  k: number,
): number[] => {
  const best: number[] = [];
  const scores: number[] = [];
  for (let item = 0; item < items.itemCount; item++) {
    const score = productOf(items, item, vector);
    if (best.length === k && !(score > scores[k - 1]!)) continue;
    let place = best.length;
    while (place > 0 && score > scores[place - 1]!) place -= 1;
    best.splice(place, 0, item);
    scores.splice(place, 0, score);
    best.length = scores.length = Math.min(best.length, k);
  }
  return best;
};
