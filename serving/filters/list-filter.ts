/** What keeps an item out of a list, and what is said about it to whoever asks why. */
import type { Removal } from '../../schemas/api/explanations.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import type { Catalogue } from '../catalogue.ts';
import type { PageCursor } from '../cursor.ts';
import type { ItemSlots } from '../item-slots.ts';
import type { Profile } from '../profile.ts';
import type { ItemPredicate } from './filter-expression.ts';

export interface FilterRequest {
  readonly profile: Profile;
  readonly now: EpochMs;
  readonly category: number | undefined;
  readonly predicate: ItemPredicate | undefined;
  readonly includeSeen: boolean;
  /** Items that the caller excludes, and those that the list is about. */
  readonly excluded: ReadonlySet<number>;
  /** The pages so far. */
  readonly page: PageCursor;
}

/** undefined for an item that may be shown. The cheap looks come first. */
export const removalOf = (
  slot: number,
  catalogue: Catalogue,
  request: FilterRequest,
): Removal | undefined => {
  if (!catalogue.isVisible(slot, request.now)) return invisibility(slot, catalogue, request.now);
  const { excluded, page, profile, category, predicate } = request;
  if (excluded.size > 0 && excluded.has(slot)) return 'excluded';
  if (page.count > 0 && page.has(slot)) return 'excluded';
  if (profile.hidden.size > 0 && profile.hidden.has(slot)) return 'hidden-by-person';
  if (!request.includeSeen && profile.seen.has(slot, catalogue.slots)) return 'seen';
  if (category !== undefined && !catalogue.categoriesOf(slot).includes(category)) return 'category';
  if (predicate !== undefined && !predicate(catalogue.record(slot)!)) return 'filter';
  return undefined;
};

/** Visits the slots that a request rules out by name: what `lateFilter` need not look for any more. */
export const eachNamedRemoval = (
  { excluded, profile, includeSeen }: FilterRequest,
  slots: ItemSlots,
  visit: (slot: number) => void,
): void => {
  for (const slot of excluded) visit(slot);
  for (const slot of profile.hidden) visit(slot);
  if (includeSeen) return;
  for (const slot of profile.seen.slots) visit(slot);
  profile.seen.eachEvicted(slots, visit);
};

/** With what `eachNamedRemoval` visits taken out it lets through what `removalOf` says nothing against. */
export const lateFilter = (
  catalogue: Catalogue,
  request: FilterRequest,
): ((slot: number) => boolean) => {
  const { now, page, category, predicate } = request;
  const isPlain = page.count === 0 && category === undefined && predicate === undefined;
  if (isPlain) return (slot) => catalogue.isVisible(slot, now);
  return (slot) =>
    catalogue.isVisible(slot, now) && removalOf(slot, catalogue, request) === undefined;
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
