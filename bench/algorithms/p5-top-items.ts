/** P5: the exact top 10 of N items for a vector of 64 numbers, on one core. */
import { inlineEngine } from '../../algorithms/kernels/kernel-engine.ts';
import { TopItems } from '../../algorithms/selection/top-items.ts';
import { topItemsReference } from '../../algorithms/selection/top-items-reference.ts';
import type { Figure } from '../result.ts';
import { factorsLikeTrained, rateOf, secondsPerCall } from './timing.ts';

const DIMENSIONS = 64;
const QUERIES = 64;
const K = 10;
const SIZES = [
  { itemCount: 10_000, reach: 20_000 },
  { itemCount: 50_000, reach: 5_000 },
  { itemCount: 200_000, reach: 1_000 },
];
const RATIO_REACH = 8;

export const topItemRows = async (): Promise<Figure[]> => {
  const vectors = factorsLikeTrained(QUERIES, DIMENSIONS, 2);
  const vectorOf = (k: number): Float32Array => {
    const start = (k % QUERIES) * DIMENSIONS;
    return vectors.subarray(start, start + DIMENSIONS);
  };
  return SIZES.flatMap(({ itemCount, reach }) => {
    const items = {
      itemCount,
      dimensions: DIMENSIONS,
      factors: factorsLikeTrained(itemCount, DIMENSIONS),
    };
    const finder = new TopItems(inlineEngine(), items);
    checkAgainstReference(finder, items, vectorOf);
    const fast = rateOf(secondsPerCall((k) => finder.find(vectorOf(k), K)));
    const slow = rateOf(secondsPerCall((k) => topItemsReference(items, vectorOf(k), K)));
    const name = `P5 top ${K} of ${itemCount.toLocaleString('en-US')}, d = ${DIMENSIONS}`;
    return [
      {
        name,
        value: fast.median,
        spread: fast.spread,
        unit: 'queries/s',
        reach: { atLeast: reach },
      },
      {
        name: `${name}, against plain JavaScript`,
        value: fast.median / slow.median,
        unit: '×',
        reach: { atLeast: RATIO_REACH },
        isRatio: true,
      },
    ];
  });
};

/** A figure counts only if the answers are right. */
const checkAgainstReference = (
  finder: TopItems,
  items: Parameters<typeof topItemsReference>[0],
  vectorOf: (k: number) => Float32Array,
): void => {
  for (let k = 0; k < 8; k++) {
    const found = finder.find(vectorOf(k), K).map(({ item }) => item);
    const expected = topItemsReference(items, vectorOf(k), K);
    if (found.join() !== expected.join()) {
      throw new Error(`Expected the items ${expected.join()}, got ${found.join()}`);
    }
  }
};
