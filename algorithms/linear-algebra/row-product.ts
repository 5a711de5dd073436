/**
 * The product of two rows of numbers in four sums beside each other: an addition waits for the one before
 * it, and four that do not wait for each other take a third of the time of one chain. Not the bits of the
 * plain loop, so for whoever compares products, not for whoever shows them.
 */
export const rowProduct = (
  left: Float32Array,
  leftStart: number,
  right: Float32Array,
  rightStart: number,
  width: number,
): number => {
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  let k = 0;
  for (; k + 4 <= width; k += 4) {
    first += left[leftStart + k]! * right[rightStart + k]!;
    second += left[leftStart + k + 1]! * right[rightStart + k + 1]!;
    third += left[leftStart + k + 2]! * right[rightStart + k + 2]!;
    fourth += left[leftStart + k + 3]! * right[rightStart + k + 3]!;
  }
  for (; k < width; k++) first += left[leftStart + k]! * right[rightStart + k]!;
  return first + second + (third + fourth);
};
