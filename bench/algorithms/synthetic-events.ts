/** Implicit data of a given shape: people's and items' activity fall off as in MovieLens 20M. */
import type { Histories } from '../../algorithms/histories/histories.ts';
import { seededRandom } from '../../algorithms/random/seeded-random.ts';

export interface EventShape {
  readonly userCount: number;
  readonly itemCount: number;
  readonly eventCount: number;
}

/** 138 k people, 27 k items, ten million likes. */
export const ML_20M: EventShape = { userCount: 138_493, itemCount: 26_744, eventCount: 10_000_000 };

/** Distinct items a person; people's lengths are log-normal, items are drawn by 1 ÷ (rank + 50). */
export const syntheticHistories = (
  { userCount, itemCount, eventCount }: EventShape,
  seed: number,
): Histories => {
  const random = seededRandom(seed);
  const sizes = Float64Array.from({ length: userCount }, () => Math.exp(1.2 * random.normal()));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const starts = new Uint32Array(userCount + 1);
  for (let user = 0; user < userCount; user++) {
    const wanted = Math.round((eventCount * sizes[user]!) / total);
    starts[user + 1] = starts[user]! + Math.min(Math.max(wanted, 1), itemCount >> 2);
  }
  const items = new Uint32Array(starts[userCount]!);
  const seenBy = new Int32Array(itemCount).fill(-1);
  const span = Math.log((itemCount + 50) / 50);
  for (let user = 0; user < userCount; user++) {
    for (let k = starts[user]!; k < starts[user + 1]!; ) {
      const item = Math.min(Math.floor(50 * Math.exp(span * random.next()) - 50), itemCount - 1);
      if (seenBy[item] === user) continue;
      seenBy[item] = user;
      items[k++] = item;
    }
  }
  return { userCount, itemCount, starts, items, weights: null, times: null };
};
