/**
 * A seeded stream of interactions for benchmarks: people and items drawn by Zipf's law, six weeks of
 * live events in order of arrival, now and then a late one or a repetition, UUIDs as event ids.
 */
import type { EpochMs, EventId, ItemId, UserId } from '../../schemas/ids.ts';
import type { InteractionRecord } from '../../schemas/records.ts';

export interface SyntheticOptions {
  readonly seed: number;
  readonly events: number;
  readonly people: number;
  readonly items: number;
}

const START = 1_755_000_000_000;
export const SIX_WEEKS_MS = 42 * 86_400_000;
/** When the last one is received. */
export const LAST_EVENT = (START + SIX_WEEKS_MS) as EpochMs;
const LATE_SHARE = 0.005;
const REPEATED_SHARE = 0.01;

export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Draws ranks from 0 with probability falling as 1 / (rank + shift)^exponent. */
const zipf = (count: number, exponent: number, shift: number): ((u: number) => number) => {
  const cumulated = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) {
    sum += 1 / (rank + shift) ** exponent;
    cumulated[rank] = sum;
  }
  return (u) => {
    const wanted = u * sum;
    let from = 0;
    let to = count - 1;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (cumulated[middle]! < wanted) from = middle + 1;
      else to = middle;
    }
    return from;
  };
};

const uuid = (random: () => number): string => {
  let hex = '';
  for (let word = 0; word < 4; word++) {
    hex += Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  }
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-9${hex.slice(17, 20)}-${hex.slice(20)}`;
};

export const syntheticInteractions = function* (
  options: SyntheticOptions,
): Generator<InteractionRecord> {
  const random = seededRandom(options.seed);
  const person = zipf(options.people, 0.8, 10);
  const item = zipf(options.items, 0.9, 5);
  let last: InteractionRecord | undefined;
  for (let index = 0; index < options.events; index++) {
    const receivedAt = Math.floor(START + (SIX_WEEKS_MS * index) / options.events);
    if (last !== undefined && random() < REPEATED_SHARE) {
      yield { ...last, receivedAt: receivedAt as EpochMs };
      continue;
    }
    const kindDraw = random();
    const kind =
      kindDraw < 0.5 ? 'click' : kindDraw < 0.75 ? 'view' : kindDraw < 0.9 ? 'rating' : 'watch';
    const late = random() < LATE_SHARE ? Math.floor(random() * 86_400_000) : 0;
    last = {
      source: 'bench',
      eventId: uuid(random) as EventId,
      userId: `person-${person(random())}` as UserId,
      sessionId: null,
      itemId: `film-${item(random())}` as ItemId,
      kind,
      value: kind === 'rating' ? Math.ceil(random() * 10) / 2 : null,
      occurredAt: (receivedAt - 500 - late) as EpochMs,
      receivedAt: receivedAt as EpochMs,
      backfill: null,
      sequence: null,
      context: null,
    };
    yield last;
  }
};
