/** Ids for events that come without one: a random start per process, then a count. */
import type { RandomSource } from '../../schemas/environment.ts';
import { type EventId, eventId } from '../../schemas/ids.ts';

const START_LETTERS = 14;

export const createEventIds = (random: RandomSource): (() => EventId) => {
  const start = Array.from({ length: START_LETTERS }, () =>
    Math.floor(random() * 36).toString(36),
  ).join('');
  let count = 0;
  return () => {
    count += 1;
    return eventId(`e-${start}-${count.toString(36)}`);
  };
};
