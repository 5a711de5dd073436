/**
 * The k largest of n without sorting n: Hoare's quickselect with the median of three, over a scratch
 * copy. A request looks for the best few of some thousands, where a full sort would cost half of it.
 */

/** The k-th largest of the first `count` values (k from 1), which it reorders. */
export const kthLargest = (values: Float64Array, count: number, k: number): number => {
  let left = 0;
  let right = count - 1;
  const target = k - 1;
  while (left < right) {
    const pivot = medianOfThree(values, left, right);
    let low = left;
    let high = right;
    while (low <= high) {
      while (values[low]! > pivot) low++;
      while (values[high]! < pivot) high--;
      if (low > high) break;
      const held = values[low]!;
      values[low++] = values[high]!;
      values[high--] = held;
    }
    if (target <= high) right = high;
    else if (target >= low) left = low;
    else return values[target]!;
  }
  return values[target]!;
};

const medianOfThree = (values: Float64Array, left: number, right: number): number => {
  const first = values[left]!;
  const middle = values[(left + right) >>> 1]!;
  const last = values[right]!;
  if (first < middle) return middle < last ? middle : Math.max(first, last);
  return first < last ? first : Math.max(middle, last);
};

let scratch = new Float64Array(4096);

/**
 * Of `keys` (slots) the `k` with the largest values, largest first, ties by the smaller key, so that
 * equal input gives equal order.
 */
export const largest = (
  keys: ArrayLike<number>,
  count: number,
  k: number,
  measure: (key: number) => number,
): number[] => {
  if (k <= 0 || count === 0) return [];
  if (scratch.length < count) scratch = new Float64Array(Math.max(count, scratch.length * 2));
  for (let index = 0; index < count; index++) scratch[index] = measure(keys[index]!);
  const floor = k >= count ? Number.NEGATIVE_INFINITY : kthLargest(scratch, count, k);
  const best: { readonly key: number; readonly value: number }[] = [];
  for (let index = 0; index < count; index++) {
    const key = keys[index]!;
    const value = measure(key);
    if (value >= floor) best.push({ key, value });
  }
  best.sort((left, right) => right.value - left.value || left.key - right.key);
  return best.slice(0, k).map(({ key }) => key);
};
