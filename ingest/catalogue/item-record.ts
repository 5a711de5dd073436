/** From what a request says of an item to the item as the log holds it. Pure. */
import type { ItemInput, ItemPatch, ItemReplacement } from '../../schemas/api/items.ts';
import { parseTime } from '../../schemas/api/time.ts';
import type { EpochMs, ItemId } from '../../schemas/ids.ts';
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import { badValue } from '../edge/event-check.ts';
import { shownText } from '../edge/ids.ts';

/** The whole item; what is not said takes its default. */
export const itemRecord = (
  input: ItemReplacement | ItemInput,
  { itemId, updatedAt }: { itemId: ItemId; updatedAt: EpochMs },
): CatalogueItemRecord =>
  checkedSpan({
    itemId,
    title: input.title,
    categories: input.categories ?? [],
    tags: input.tags ?? [],
    people: input.people ?? [],
    attributes: input.attributes ?? {},
    publishedAt: timeOf('publishedAt', input.publishedAt),
    availableFrom: timeOf('availableFrom', input.availableFrom),
    expiresAt: timeOf('expiresAt', input.expiresAt),
    available: input.available ?? true,
    price: input.price ?? null,
    hidden: input.hidden ?? false,
    image: imageOf(input.image),
    updatedAt,
  });

/** What the patch names is set anew, lists and attributes as a whole; the rest stays. */
export const patchedItem = (
  item: CatalogueItemRecord,
  patch: ItemPatch,
  updatedAt: EpochMs,
): CatalogueItemRecord =>
  checkedSpan({
    itemId: item.itemId,
    title: patch.title ?? item.title,
    categories: patch.categories ?? item.categories,
    tags: patch.tags ?? item.tags,
    people: patch.people ?? item.people,
    attributes: patch.attributes ?? item.attributes,
    publishedAt: patchedTime('publishedAt', item, patch),
    availableFrom: patchedTime('availableFrom', item, patch),
    expiresAt: patchedTime('expiresAt', item, patch),
    available: patch.available ?? item.available,
    price: patch.price === undefined ? item.price : patch.price,
    hidden: patch.hidden ?? item.hidden,
    image: patch.image === undefined ? item.image : imageOf(patch.image),
    updatedAt,
  });

type TimeField = 'publishedAt' | 'availableFrom' | 'expiresAt';

const patchedTime = (
  field: TimeField,
  item: CatalogueItemRecord,
  patch: ItemPatch,
): EpochMs | null => (patch[field] === undefined ? item[field] : timeOf(field, patch[field]));

const timeOf = (field: TimeField, text: string | null | undefined): EpochMs | null => {
  if (text == null) return null;
  const time = parseTime(text);
  if (time !== undefined) return time;
  throw badValue(
    `Expected ${field} to be a time such as 2026-01-31T18:30:00Z, got ${shownText(text)}.`,
  );
};

/** A page shows it: no scheme that runs something. */
const imageOf = (address: string | null | undefined): string | null => {
  if (address == null || address === '') return null;
  if (/^(https?:\/\/|\/(?!\/))/i.test(address)) return address;
  throw badValue(
    `Expected image to be an address with http or https, or a path, got ${shownText(address)}.`,
  );
};

const checkedSpan = (item: CatalogueItemRecord): CatalogueItemRecord => {
  const { availableFrom, expiresAt } = item;
  if (availableFrom === null || expiresAt === null || availableFrom < expiresAt) return item;
  throw badValue('Expected expiresAt to be after availableFrom, got it before.');
};
