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
let measured = new Float64Array(4096);

/** Keys in order, with the value that the order goes by. */
export interface OrderedKeys {
  readonly keys: Int32Array;
  readonly values: Float64Array;
}

/**
 * Of `keys` (slots) the `k` with the largest values, largest first, ties by the smaller key, so that
 * equal input gives equal order. Each key is measured once: most of the work is there.
 */
export const largestWithValues = (
  keys: ArrayLike<number>,
  count: number,
  k: number,
  measure: (key: number) => number,
): OrderedKeys => {
  const places = largestPlaces(keys, count, k, measure);
  const ordered = new Int32Array(places.length);
  const values = new Float64Array(places.length);
  for (let at = 0; at < places.length; at++) {
    ordered[at] = keys[places[at]!]!;
    values[at] = measured[places[at]!]!;
  }
  return { keys: ordered, values };
};

/** The same without the values. */
export const largest = (
  keys: ArrayLike<number>,
  count: number,
  k: number,
  measure: (key: number) => number,
): number[] => largestPlaces(keys, count, k, measure).map((place) => keys[place]!);

/** Places in `keys`; the values of all keys are in `measured` until the next call. */
const largestPlaces = (
  keys: ArrayLike<number>,
  count: number,
  k: number,
  measure: (key: number) => number,
): number[] => {
  if (k <= 0 || count === 0) return [];
  if (scratch.length < count) {
    scratch = new Float64Array(Math.max(count, scratch.length * 2));
    measured = new Float64Array(scratch.length);
  }
  for (let index = 0; index < count; index++) {
    const value = measure(keys[index]!);
    measured[index] = value;
    scratch[index] = value;
  }
  const floor = k >= count ? Number.NEGATIVE_INFINITY : kthLargest(scratch, count, k);
  const places: number[] = [];
  for (let index = 0; index < count; index++) if (measured[index]! >= floor) places.push(index);
  const values = measured;
  places.sort((left, right) => values[right]! - values[left]! || keys[left]! - keys[right]!);
  return places.slice(0, k);
};
