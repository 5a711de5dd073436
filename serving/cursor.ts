/**
 * Cursors of ranked lists: the hashes of the items on the pages so far. A list moves between two
 * pages, so only what was shown can say what must not be shown again; and since the cursor itself
 * holds it, any server goes on where another stopped.
 *
 * Bytes: version, hash of the list's question (4), then 4 for each item. At most CURSOR_ITEMS_MAX
 * items, after which a list ends. An item is skipped wrongly once in 4·10^9 comparisons.
 *
 * Cursors of fixed orders (histories, titles) are a text that says where to go on.
 */
import { FreshetError } from '../schemas/errors.ts';
import { hash32 } from '../schemas/hash.ts';
import type { ItemSlots } from './item-slots.ts';

const VERSION = 1;
const HEAD_BYTES = 5;
const ITEM_BYTES = 4;
export const CURSOR_ITEMS_MAX = 1_000;

export interface PageCursor {
  /** Items on the pages so far. */
  readonly count: number;
  has(slot: number): boolean;
  readonly hashes: readonly number[];
}

export const FIRST_PAGE: PageCursor = { count: 0, has: () => false, hashes: [] };

const badCursor = (): FreshetError =>
  new FreshetError('bad_request', {
    problem: 'Expected cursor to be the nextCursor of the same list, got another text.',
  });

/** `question` is all that decides the list but its page: path and parameters. */
export const readPageCursor = (
  cursor: string | undefined,
  question: string,
  slots: ItemSlots,
): PageCursor => {
  if (cursor === undefined) return FIRST_PAGE;
  const bytes = Buffer.from(cursor, 'base64url');
  const itemBytes = bytes.length - HEAD_BYTES;
  const isWhole = itemBytes >= 0 && itemBytes % ITEM_BYTES === 0;
  if (!isWhole || bytes[0] !== VERSION || bytes.readUInt32LE(1) !== hash32(question)) {
    throw badCursor();
  }
  const count = itemBytes / ITEM_BYTES;
  const hashes = Array.from({ length: count }, (_, index) =>
    bytes.readUInt32LE(HEAD_BYTES + index * ITEM_BYTES),
  );
  const known = new Set(hashes);
  return { count, hashes, has: (slot) => known.has(slots.hashLowOf(slot)) };
};

/** null where the list ends. */
export const writePageCursor = (
  question: string,
  before: PageCursor,
  shown: readonly number[],
  slots: ItemSlots,
): string | null => {
  const count = before.count + shown.length;
  if (count > CURSOR_ITEMS_MAX || shown.length === 0) return null;
  const bytes = Buffer.alloc(HEAD_BYTES + count * ITEM_BYTES);
  bytes[0] = VERSION;
  bytes.writeUInt32LE(hash32(question), 1);
  let at = HEAD_BYTES;
  for (const hash of before.hashes) at = bytes.writeUInt32LE(hash, at);
  for (const slot of shown) at = bytes.writeUInt32LE(slots.hashLowOf(slot), at);
  return bytes.toString('base64url');
};

/** The parts of a place in a fixed order, as text. */
export const writePlaceCursor = (place: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(place)).toString('base64url');

export const readPlaceCursor = (
  cursor: string | undefined,
  shape: readonly ('string' | 'number')[],
): readonly (string | number)[] | undefined => {
  if (cursor === undefined) return undefined;
  let place: unknown;
  try {
    place = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw badCursor();
  }
  const fits =
    Array.isArray(place) &&
    place.length === shape.length &&
    place.every((part, index) => typeof part === shape[index]);
  if (!fits) throw badCursor();
  return place as (string | number)[];
};
