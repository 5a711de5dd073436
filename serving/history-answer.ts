/** A person's hot history as JSON, newest first, page by page. */
import { formatTime } from '../schemas/api/time.ts';
import type { HistoryEntry } from '../schemas/state/subject-state.ts';
import type { Catalogue } from './catalogue.ts';
import { readPlaceCursor, writePlaceCursor } from './cursor.ts';
import { LIMIT_DEFAULT } from './list-query.ts';

/** `history` is oldest first, ordered by (occurredAt, eventId): the cursor names the last one shown. */
export const historyJson = (
  history: readonly HistoryEntry[],
  query: { readonly limit?: number | undefined; readonly cursor?: string | undefined },
  catalogue: Catalogue,
): string => {
  const place = readPlaceCursor(query.cursor, ['number', 'string']);
  const newestFirst = [...history].reverse();
  const rest =
    place === undefined
      ? newestFirst
      : newestFirst.filter((entry) => isOlder(entry, place as readonly [number, string]));
  const limit = query.limit ?? LIMIT_DEFAULT;
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const nextCursor =
    last !== undefined && rest.length > limit
      ? writePlaceCursor([last.occurredAt, last.eventId])
      : null;
  return JSON.stringify({ events: page.map((entry) => eventOf(entry, catalogue)), nextCursor });
};

const isOlder = (entry: HistoryEntry, [occurredAt, eventId]: readonly [number, string]): boolean =>
  entry.occurredAt < occurredAt || (entry.occurredAt === occurredAt && entry.eventId < eventId);

const eventOf = (entry: HistoryEntry, catalogue: Catalogue) => ({
  eventId: entry.eventId,
  itemId: entry.itemId,
  title: catalogue.titleOfId(entry.itemId),
  kind: entry.kind,
  value: entry.value,
  occurredAt: formatTime(entry.occurredAt),
});
