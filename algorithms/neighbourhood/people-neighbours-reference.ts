/** User-based collaborative filtering by the formula, over everybody: what `people-neighbours.ts` is compared with. */
import type { ChosenItem, PeopleNeighbourOptions } from './people-neighbours.ts';

/** `people` are the items of each. Nobody is kept out of sight here: `peoplePerItem` is not looked at. */
export const referencePeopleScores = (
  people: ReadonlyMap<string, readonly number[]>,
  chosen: readonly ChosenItem[],
  except: string | undefined,
  { neighbours, sharedMin, supportMin, decay }: PeopleNeighbourOptions,
): ReadonlyMap<number, number> => {
  const others = [...people].filter(([key]) => key !== except);
  const countOf = (item: number): number =>
    [...people.values()].filter((items) => items.includes(item)).length;
  const alike = others
    .map(([key, items]) => {
      const shared = chosen
        .map(({ item, weight }, age) => ({ item, weight: weight * decay ** age }))
        .filter(({ item }) => items.includes(item));
      const sum = shared.reduce(
        (total, { item, weight }) => total + weight / Math.sqrt(countOf(item)),
        0,
      );
      const likeness = shared.length < sharedMin ? 0 : sum / Math.sqrt(items.length);
      return { key, items, likeness };
    })
    .filter(({ likeness }) => likeness > 0)
    .sort((one, other) => other.likeness - one.likeness)
    .slice(0, neighbours);
  const scores = new Map<number, number>();
  for (const item of new Set(alike.flatMap(({ items }) => items))) {
    const choosers = alike.filter(({ items }) => items.includes(item));
    if (choosers.length < supportMin) continue;
    scores.set(
      item,
      choosers.reduce((total, { likeness }) => total + likeness ** 2, 0),
    );
  }
  return scores;
};
