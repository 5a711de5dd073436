/** Applies what the live channel says to a list: pure, so that it can be checked without a page. */
import type { ListAnswer, ListEntry } from '../../schemas/api/lists.ts';
import type { LiveDiff } from '../../schemas/api/live.ts';
import type { LiveList } from './page-state.ts';

export const listOfSnapshot = (answer: ListAnswer, before: LiveList | null): LiveList => ({
  answer,
  change: before?.change ?? null,
  rise: before?.rise ?? null,
  entered: new Set(),
  movedBy: new Map(),
  revision: (before?.revision ?? 0) + 1,
});

/** True where places changed; scores alone change all the time and are no news. */
export const isMoving = (diff: LiveDiff): boolean =>
  diff.moved.length + diff.entered.length + diff.left.length > 0;

/** The list after the diff; what changed it is for the caller to say. */
export const applyDiff = (before: LiveList, diff: LiveDiff): LiveList => {
  const items = itemsAfter(before.answer.items, diff);
  const { asOf, rung, models } = diff;
  const answer = { ...before.answer, items, asOf, rung, models };
  if (!isMoving(diff)) return { ...before, answer };
  const places = new Map(before.answer.items.map(({ itemId, rank }) => [itemId, rank]));
  const movedBy = new Map<string, number>();
  for (const { itemId, rank } of items) {
    const place = places.get(itemId);
    if (place !== undefined && place !== rank) movedBy.set(itemId, place - rank);
  }
  return {
    ...before,
    answer,
    entered: new Set(items.map(({ itemId }) => itemId).filter((itemId) => !places.has(itemId))),
    movedBy,
    revision: before.revision + 1,
  };
};

const itemsAfter = (before: readonly ListEntry[], diff: LiveDiff): ListEntry[] => {
  const gone = new Set<string>([...diff.left, ...diff.entered.map(({ itemId }) => itemId)]);
  const ranks = new Map<string, number>(diff.moved.map(({ itemId, to }) => [itemId, to]));
  const changed = new Map<string, ListEntry>(diff.changed.map((item) => [item.itemId, item]));
  const staying = before
    .filter(({ itemId }) => !gone.has(itemId))
    .map((item) => changed.get(item.itemId) ?? item)
    .map((item) => ({ ...item, rank: ranks.get(item.itemId) ?? item.rank }));
  return [...staying, ...diff.entered].sort((one, other) => one.rank - other.rank);
};
