/** An item as the log holds it, for tests and benchmarks: plain, shown to everybody, and what is given. */
import { type EpochMs, type ItemId, itemId } from './ids.ts';
import type { CatalogueItemRecord } from './records.ts';

export const catalogueItem = (
  id: string | ItemId,
  given: Partial<CatalogueItemRecord> & { readonly updatedAt: EpochMs },
): CatalogueItemRecord => ({
  itemId: itemId(id),
  title: id,
  categories: [],
  tags: [],
  people: [],
  attributes: {},
  publishedAt: null,
  availableFrom: null,
  expiresAt: null,
  available: true,
  price: null,
  hidden: false,
  image: null,
  ...given,
});
