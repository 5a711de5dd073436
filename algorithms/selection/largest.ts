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

/** Keys whose largest value stands for all of them in a first look. */
const GROUP = 8;

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
  const values = measured;
  for (let index = 0; index < count; index++) values[index] = measure(keys[index]!);
  let places = placesReaching(lowFloor(count, k), count);
  if (places.length > k) {
    for (let at = 0; at < places.length; at++) scratch[at] = values[places[at]!]!;
    const floor = kthLargest(scratch, places.length, k);
    places = places.filter((place) => values[place]! >= floor);
  }
  places.sort((left, right) => values[right]! - values[left]! || keys[left]! - keys[right]!);
  return places.slice(0, k);
};

/**
 * No more than the k-th largest value: where k groups hold a value that reaches it, k values do. An eighth
 * of the values is searched, and little more than k are left.
 */
const lowFloor = (count: number, k: number): number => {
  const groups = Math.floor(count / GROUP);
  if (groups < k) return Number.NEGATIVE_INFINITY;
  for (let group = 0; group < groups; group++) {
    let most = measured[group * GROUP]!;
    for (let index = group * GROUP + 1; index < (group + 1) * GROUP; index++) {
      if (measured[index]! > most) most = measured[index]!;
    }
    scratch[group] = most;
  }
  return kthLargest(scratch, groups, k);
};

const placesReaching = (floor: number, count: number): number[] => {
  const places: number[] = [];
  for (let place = 0; place < count; place++) if (measured[place]! >= floor) places.push(place);
  return places;
};
