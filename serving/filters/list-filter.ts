/** What keeps an item out of a list, and what is said about it to whoever asks why. */
import type { Removal } from '../../schemas/api/explanations.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import type { Catalogue } from '../catalogue.ts';
import type { Profile } from '../profile.ts';
import type { ItemPredicate } from './filter-expression.ts';

export interface FilterRequest {
  readonly profile: Profile;
  readonly now: EpochMs;
  readonly category: number | undefined;
  readonly predicate: ItemPredicate | undefined;
  readonly includeSeen: boolean;
  /** Items of earlier pages, those the caller excludes, and the one that the list is about. */
  readonly isExcluded: (slot: number) => boolean;
}

/** undefined for an item that may be shown. The cheap looks come first. */
export const removalOf = (
  slot: number,
  catalogue: Catalogue,
  request: FilterRequest,
): Removal | undefined => {
  if (!catalogue.isVisible(slot, request.now)) return invisibility(slot, catalogue, request.now);
  if (request.isExcluded(slot)) return 'excluded';
  if (request.profile.hidden.has(slot)) return 'hidden-by-person';
  if (!request.includeSeen && request.profile.seen.has(slot, catalogue.slots)) return 'seen';
  const { category, predicate } = request;
  if (category !== undefined && !catalogue.categoriesOf(slot).includes(category)) return 'category';
  if (predicate !== undefined && !predicate(catalogue.record(slot)!)) return 'filter';
  return undefined;
};

const invisibility = (slot: number, catalogue: Catalogue, now: EpochMs): Removal => {
  const record = catalogue.record(slot);
  if (record === undefined) return 'unknown';
  if (record.hidden) return 'hidden';
  if (!record.available) return 'unavailable';
  return record.availableFrom !== null && record.availableFrom > now
    ? 'not-yet-available'
    : 'expired';
};
