/** The catalogue as people browse and search it: visible items in the order that is asked for. */

import { largest } from '../algorithms/selection/largest.ts';
import type { ITEM_SORTS, Item, ItemSearchQuery } from '../schemas/api/items.ts';
import type { Clock } from '../schemas/environment.ts';
import type { EpochMs } from '../schemas/ids.ts';
import type { Catalogue } from './catalogue.ts';
import {
  type PageCursor,
  readPageCursor,
  readPlaceCursor,
  writePageCursor,
  writePlaceCursor,
} from './cursor.ts';
import { itemOf } from './item-answer.ts';
import type { ItemIndex } from './item-index.ts';
import type { ItemSearch } from './item-search.ts';
import { rounded } from './list-answer.ts';
import { LIMIT_DEFAULT } from './list-query.ts';
import type { Rankings } from './rankings.ts';

type Sort = (typeof ITEM_SORTS)[number];

export interface ItemListingParts {
  readonly catalogue: Catalogue;
  readonly itemIndex: ItemIndex;
  readonly rankings: Rankings;
  readonly search: ItemSearch;
  readonly clock: Clock;
}

interface SearchAnswer {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
  readonly tookMs: number;
}

interface Page {
  readonly slots: readonly number[];
  readonly nextCursor: string | null;
}

export const searchAnswer = (query: ItemSearchQuery, parts: ItemListingParts): SearchAnswer => {
  const startedMs = parts.clock.monotonicMs();
  const now = parts.clock.now();
  const qualities = qualitiesOf(query, parts, now);
  const sort: Sort = query.sort ?? 'match';
  const page =
    sort === 'title'
      ? titlePage(qualities, query, parts)
      : rankedPage(qualities, sort, query, parts);
  return {
    items: page.slots.map((slot) => itemOf(slot, now, parts)),
    nextCursor: page.nextCursor,
    tookMs: rounded(parts.clock.monotonicMs() - startedMs),
  };
};

/** How well each visible item matches what was typed: 1 for all where nothing was. */
const qualitiesOf = (
  { search, category }: ItemSearchQuery,
  parts: ItemListingParts,
  now: EpochMs,
): Map<number, number> => {
  const { catalogue } = parts;
  const wanted = category === undefined ? undefined : catalogue.findCategory(category);
  const qualities = new Map<number, number>();
  const take = (slot: number, quality: number): void => {
    const isOf = wanted === undefined || catalogue.categoriesOf(slot).includes(wanted);
    if (isOf && catalogue.isVisible(slot, now)) qualities.set(slot, quality);
  };
  if (search !== undefined && search.trim() !== '') {
    for (const { slot, quality } of parts.search.find(search)) take(slot, quality);
  } else {
    for (const slot of catalogue.present()) take(slot, 1);
  }
  return qualities;
};

const rankedPage = (
  qualities: ReadonlyMap<number, number>,
  sort: Exclude<Sort, 'title'>,
  query: ItemSearchQuery,
  parts: ItemListingParts,
): Page => {
  const { catalogue } = parts;
  const question = JSON.stringify(['items', query.search, query.category, sort]);
  const before: PageCursor = readPageCursor(query.cursor, question, catalogue.slots);
  const limit = query.limit ?? LIMIT_DEFAULT;
  const left = [...qualities.keys()].filter((slot) => !before.has(slot));
  const best = largest(left, left.length, limit + 1, measure(sort, qualities, parts));
  const slots = best.slice(0, limit);
  const nextCursor =
    best.length > limit ? writePageCursor(question, before, slots, catalogue.slots) : null;
  return { slots, nextCursor };
};

const measure = (
  sort: Exclude<Sort, 'title'>,
  qualities: ReadonlyMap<number, number>,
  { itemIndex, rankings, clock }: ItemListingParts,
): ((slot: number) => number) => {
  const now = clock.now();
  switch (sort) {
    case 'match':
      return (slot) => qualities.get(slot)! * (1 + Math.log1p(itemIndex.everPopularOf(slot, now)));
    case 'popular':
      return (slot) => itemIndex.everPopularOf(slot, now);
    case 'trending':
      return (slot) => itemIndex.fastOf(slot, now) * itemIndex.liftOf(slot, now);
    case 'latest':
      return (slot) => rankings.latestValue(slot, now);
    case 'top-rated': {
      const weighted = rankings.weightedRating();
      return (slot) => weighted(slot);
    }
  }
};

/** By title, then id; the cursor names the last one shown, so that any depth can be reached. */
const titlePage = (
  qualities: ReadonlyMap<number, number>,
  query: ItemSearchQuery,
  { catalogue }: ItemListingParts,
): Page => {
  const place = readPlaceCursor(query.cursor, ['string', 'string']);
  const keyOf = (slot: number): readonly [string, string] => [
    catalogue.titleOf(slot),
    catalogue.slots.idOf(slot)!,
  ];
  const after = (
    key: readonly (string | number)[],
    other: readonly (string | number)[],
  ): boolean => (key[0] === other[0] ? key[1]! > other[1]! : key[0]! > other[0]!);
  const limit = query.limit ?? LIMIT_DEFAULT;
  const left = [...qualities.keys()]
    .filter((slot) => place === undefined || after(keyOf(slot), place))
    .sort((one, other) => (after(keyOf(one), keyOf(other)) ? 1 : -1));
  const slots = left.slice(0, limit);
  const last = slots.at(-1);
  const nextCursor =
    last !== undefined && left.length > limit ? writePlaceCursor(keyOf(last)) : null;
  return { slots, nextCursor };
};
