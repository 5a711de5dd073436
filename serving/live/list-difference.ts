/** What changed between two states of a list, as the live socket tells it. Pure. */
import type { RankedItem } from '../recommend.ts';

export interface ListDifference {
  readonly moved: readonly { readonly slot: number; readonly from: number; readonly to: number }[];
  readonly entered: readonly RankedItem[];
  readonly left: readonly number[];
  readonly changed: readonly RankedItem[];
}

/** Scores that drift by less than this share, as trends do by themselves, are not told again. */
const DRIFT = 0.005;

export const listDifference = (
  before: readonly RankedItem[],
  after: readonly RankedItem[],
): ListDifference => {
  const earlier = new Map(before.map((item) => [item.slot, item]));
  const moved: { slot: number; from: number; to: number }[] = [];
  const entered: RankedItem[] = [];
  const changed: RankedItem[] = [];
  for (const item of after) {
    const old = earlier.get(item.slot);
    earlier.delete(item.slot);
    if (old === undefined) {
      entered.push(item);
      continue;
    }
    if (old.rank !== item.rank) moved.push({ slot: item.slot, from: old.rank, to: item.rank });
    if (isChanged(old, item)) changed.push(item);
  }
  return { moved, entered, left: [...earlier.keys()], changed };
};

export const isNothing = ({ moved, entered, left, changed }: ListDifference): boolean =>
  moved.length + entered.length + left.length + changed.length === 0;

const isChanged = (old: RankedItem, item: RankedItem): boolean => {
  if (old === item) return false;
  if (isApart(old.score, item.score)) return true;
  if (old.parts.some((part, index) => isApart(part, item.parts[index]!))) return true;
  return foundationOf(old) !== foundationOf(item);
};

const isApart = (left: number, right: number): boolean =>
  Math.abs(left - right) > DRIFT * Math.max(Math.abs(left), Math.abs(right));

/** The reasons without what changes by itself: ages and shares. */
const foundationOf = ({ reasons }: RankedItem): string =>
  reasons
    .map(
      ({ part, text, because }) =>
        `${part}\0${text}\0${because.map(({ event }) => event.entry.eventId).join('\0')}`,
    )
    .sort()
    .join('\n');
