/** Applies what the live channel says to a list: pure, so that it can be checked without a page. */
import type { ListAnswer } from '../../schemas/api/lists.ts';
import type { LiveDiff } from '../../schemas/api/live.ts';
import type { ListChange, LiveList } from './page-state.ts';

export const listOfSnapshot = (answer: ListAnswer, before: LiveList | null): LiveList => ({
  answer,
  change: null,
  entered: new Set(),
  movedBy: new Map(),
  revision: (before?.revision ?? 0) + 1,
});

export const applyDiff = (
  before: LiveList,
  diff: LiveDiff,
  change: ListChange | null,
): LiveList => {
  const places = new Map(before.answer.items.map((item) => [item.itemId, item.rank]));
  const leaving = new Set<string>(diff.left);
  const target = new Map<string, number>(diff.moved.map(({ itemId, to }) => [itemId, to]));
  const changed = new Map(diff.changed.map((item) => [item.itemId, item]));
  const staying = before.answer.items
    .filter((item) => !leaving.has(item.itemId))
    .map((item) => changed.get(item.itemId) ?? item)
    .map((item) => ({ ...item, rank: target.get(item.itemId) ?? item.rank }));
  const enteredIds = new Set<string>(diff.entered.map((item) => item.itemId));
  const items = [...staying.filter((item) => !enteredIds.has(item.itemId)), ...diff.entered].sort(
    (one, other) => one.rank - other.rank,
  );
  const movedBy = new Map<string, number>();
  for (const { itemId, rank } of items) {
    const place = places.get(itemId);
    if (place !== undefined && place !== rank) movedBy.set(itemId, place - rank);
  }
  return {
    answer: { ...before.answer, items, asOf: diff.asOf, rung: diff.rung },
    change,
    entered: new Set(items.map(({ itemId }) => itemId).filter((itemId) => !places.has(itemId))),
    movedBy,
    revision: before.revision + (change === before.change ? 0 : 1),
  };
};
