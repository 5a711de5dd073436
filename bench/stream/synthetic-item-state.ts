/** An item's state as many events leave it, its neighbours drawn: what stores of benchmarks are filled with. */
import { itemHashHex } from '../../schemas/hash.ts';
import { type EpochMs, itemId } from '../../schemas/ids.ts';
import { encodeItemState } from '../../schemas/state/item-codec.ts';

export interface SyntheticItem {
  /** What the numbers of items are put behind to name them. */
  readonly prefix: string;
  /** Low ones are popular. */
  readonly number: number;
  readonly neighbours: number;
  readonly lastEventAt: EpochMs;
  readonly landmark: EpochMs;
}

export interface Draws {
  readonly below: (count: number) => number;
  /** An item, few of them often. */
  readonly popular: () => number;
}

const UNIT = 2 ** 24;
const units = (value: number): bigint => BigInt(Math.round(value * UNIT));

export const syntheticItemState = (item: SyntheticItem, { below, popular }: Draws): Uint8Array => {
  const { prefix, number, neighbours, lastEventAt, landmark } = item;
  const weight = Math.max(1, Math.round(5_000 / (1 + number)));
  const hashes = new Set<string>();
  while (hashes.size < neighbours) hashes.add(itemHashHex(`${prefix}${popular()}`));
  return encodeItemState({
    itemId: itemId(`${prefix}${number}`),
    categories: [],
    deleted: false,
    lastEventAt,
    landmark,
    interactionCount: weight * 10,
    popularity: units(weight),
    trendFast: units(below(100) / 10),
    trendSlow: units(below(300) / 10),
    ratingCount: weight,
    ratingSumTenths: weight * (25 + below(20)),
    ratingHistogram: [0, 0, 0, 0, 0, 0, weight, 0, 0, 0],
    neighbours: [...hashes].sort().map((itemHash) => ({
      itemHash,
      forward: units(1 + below(50) / 10),
      backward: units(1 + below(50) / 10),
      people: 3 as const,
      firstPeople: [],
    })),
  });
};
