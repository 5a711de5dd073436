/**
 * How much the items that a person turned against take from the items like them, by content and by
 * co-visitation: a share of every part, from 0 towards 1.
 */
import type { EpochMs } from '../../schemas/ids.ts';
import { type ItemIndex, TRIPLE } from '../item-index.ts';
import type { Profile } from '../profile.ts';
import { type ContentNeighbours, PAIR } from './content-source.ts';

const NONE: ReadonlyMap<number, number> = new Map();
/** The likeness, weighted, at which half is taken. */
const HALF_AT = 0.3;

export const aversionOf = (
  profile: Profile,
  given: {
    readonly itemIndex: ItemIndex;
    readonly content: ContentNeighbours;
    readonly now: EpochMs;
  },
): ReadonlyMap<number, number> => {
  if (profile.negatives.length === 0) return NONE;
  const { itemIndex, content, now } = given;
  const likeness = new Map<number, number>();
  const add = (slot: number, amount: number): void => {
    likeness.set(slot, (likeness.get(slot) ?? 0) + amount);
  };
  const scale = itemIndex.pairScale(now);
  for (const { slot, weight } of profile.negatives) {
    add(slot, weight);
    const alike = content.neighboursOf(slot);
    for (let at = 0; at < alike.length; at += PAIR) add(alike[at]!, weight * alike[at + 1]!);
    const neighbours = itemIndex.neighboursOf(slot);
    const factor = weight * scale * itemIndex.dampingOf(slot);
    for (let at = 0; at < neighbours.length; at += TRIPLE) {
      const neighbour = neighbours[at]!;
      add(neighbour, factor * neighbours[at + 1]! * itemIndex.dampingOf(neighbour));
    }
  }
  const aversion = new Map<number, number>();
  for (const [slot, amount] of likeness) aversion.set(slot, amount / (amount + HALF_AT));
  return aversion;
};
