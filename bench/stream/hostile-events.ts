/**
 * Events made to find a map without a cap: one account that never stops, one item that everybody
 * meets, sessions and items that come once and never again, takings-back of what never was, kinds
 * that nobody knows. Seeded; all of a run lies within two days, so no window empties by itself.
 */
import {
  type EpochMs,
  type EventId,
  epochMs,
  eventId,
  itemId,
  sessionId,
  userId,
} from '../../schemas/ids.ts';
import type { InteractionRecord } from '../../schemas/records.ts';
import { seededRandom } from './synthetic-interactions.ts';

const START = 1_755_000_000_000;
const EVENT_MS = 100;
const PEOPLE = 2_000;
const ITEMS = 20_000;

export interface Lap {
  readonly seed: number;
  /** Number of its first event; laps follow one another. */
  readonly first: number;
  readonly events: number;
}

type Deed = Pick<InteractionRecord, 'userId' | 'sessionId' | 'itemId' | 'kind'> &
  Partial<Pick<InteractionRecord, 'value' | 'context'>>;

export const hostileEvents = function* ({
  seed,
  first,
  events,
}: Lap): Generator<InteractionRecord> {
  const random = seededRandom(seed + first);
  const below = (count: number): number => Math.floor(random() * count);
  for (let number = first; number < first + events; number++) {
    const at = epochMs(START + number * EVENT_MS);
    yield recordOf(deedOf(number, random(), below), idOf(number), at);
  }
};

const deedOf = (number: number, draw: number, below: (count: number) => number): Deed => {
  const person = { userId: userId(`person-${below(PEOPLE)}`), sessionId: null };
  const item = itemId(`item-${below(ITEMS)}`);
  if (draw < 0.2) return { userId: userId('loud'), sessionId: null, itemId: item, kind: 'click' };
  if (draw < 0.3) {
    return { ...person, itemId: itemId('famous'), kind: 'rating', value: 1 + below(5) };
  }
  if (draw < 0.4) {
    return { userId: null, sessionId: sessionId(`s-${number}`), itemId: item, kind: 'click' };
  }
  if (draw < 0.45) return { ...person, itemId: itemId(`once-${number}`), kind: 'click' };
  if (draw < 0.47) return undoOf(idOf(number + 1_000_000_000));
  if (draw < 0.49) return { ...person, itemId: item, kind: 'whistle' };
  return { ...person, itemId: item, kind: 'click' };
};

const undoOf = (undoes: EventId): Deed => ({
  userId: userId('undoer'),
  sessionId: null,
  itemId: itemId('famous'),
  kind: 'undo',
  context: { listId: null, rank: null, placement: null, undoes },
});

const idOf = (number: number): EventId =>
  eventId(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`);

const recordOf = (deed: Deed, id: EventId, at: EpochMs): InteractionRecord => ({
  source: 'bench',
  eventId: id,
  value: null,
  occurredAt: at,
  receivedAt: at,
  backfill: null,
  sequence: null,
  context: null,
  ...deed,
});
