/** Messages as the server sends them, for tests of the store. */
import type { ListAnswer, ListEntry } from '../../schemas/api/lists.ts';
import type { LiveActivity, LiveDiff, LiveSnapshot } from '../../schemas/api/live.ts';
import { eventId, itemId, type ListId } from '../../schemas/ids.ts';

const AS_OF: ListAnswer['asOf'] = {
  eventTime: null,
  partition: null,
  offset: null,
  itemTime: null,
  freshnessMs: null,
};

export const entry = (id: string, rank: number): ListEntry => ({
  itemId: itemId(id),
  title: `Film ${id}`,
  rank,
  score: 1 / rank,
  parts: { popular: 1 / rank },
  reasons: [],
});

export const listAnswer = (...ids: string[]): ListAnswer => ({
  listId: 'l1' as ListId,
  placement: null,
  items: ids.map((id, at) => entry(id, at + 1)),
  rung: 'trend',
  asOf: AS_OF,
  models: {},
  configVersion: 1,
  tookMs: 1,
  nextCursor: null,
});

export const snapshot = (id: string, ...ids: string[]): LiveSnapshot => ({
  type: 'snapshot',
  id,
  seq: 0,
  list: listAnswer(...ids),
});

interface DiffParts {
  readonly id?: string;
  readonly left?: readonly string[];
  readonly entered?: readonly ListEntry[];
  readonly changed?: readonly ListEntry[];
  readonly moved?: readonly { itemId: string; from: number; to: number }[];
  /** Event and item that led to it. */
  readonly cause?: readonly [event: string, item: string];
}

export const diff = (parts: DiffParts): LiveDiff => ({
  type: 'diff',
  id: parts.id ?? 'mine',
  seq: 1,
  moved: (parts.moved ?? []).map((move) => ({ ...move, itemId: itemId(move.itemId) })),
  entered: [...(parts.entered ?? [])],
  left: (parts.left ?? []).map(itemId),
  changed: [...(parts.changed ?? [])],
  cause: parts.cause
    ? {
        eventId: eventId(parts.cause[0]),
        itemId: itemId(parts.cause[1]),
        title: `Film ${parts.cause[1]}`,
        kind: 'rating',
      }
    : null,
  asOf: AS_OF,
  rung: 'personalised',
  models: {},
  eventToPushMs: parts.cause ? 12 : null,
});

export const activity = (
  ...acts: readonly (readonly [who: string, item: string])[]
): LiveActivity => ({
  type: 'activity',
  id: 'activity',
  seq: 1,
  skipped: 0,
  events: acts.map(([who, item], at) => ({
    eventId: eventId(`e-${who}-${item}-${at}`),
    subject: who,
    itemId: itemId(item),
    title: `Film ${item}`,
    kind: 'rating',
    value: 4,
    occurredAt: '2026-01-01T00:00:00.000Z',
  })),
});
