/**
 * What a person does with a film taken up: the events from the first click to the stars. Shared by
 * the history (whose films come from `film-choice.ts`) and the live audience (whose films come from
 * the lists that they are really served).
 */
import type { SeededRandom } from '../../algorithms/random/seeded-random.ts';
import type { Person } from './people.ts';
import { type Opinion, starsFor } from './stars.ts';

/** One step: what is done, and how long after the step before. */
export interface Step {
  readonly kind: string;
  readonly value: number | null;
  readonly afterMs: number;
  /** True for an `undo` of the step before it. */
  readonly undoes?: true;
}

/** Shares of visits that begin with a click and go on to watching. */
const CLICK_SHARE = 0.4;
const WATCH_SHARE = 0.55;
const VIEW_SHARE = 0.4;
const UNDO_SHARE = 0.004;
/** A film looked at without a rating, for each one rated. */
export const BROWSED_PER_RATED = 0.35;
/** Affinities above and below which people say so. */
const LIKED_FROM = 2;
const HIDDEN_BELOW = -0.6;
const LIKE_SHARE = 0.2;
const HIDE_SHARE = 0.25;

/** Milliseconds between two steps: half of them within twenty seconds, never half an hour. */
export const pauseMs = (random: SeededRandom): number =>
  Math.min(15 * 60_000, Math.round(20_000 * Math.exp(0.9 * random.normal())));

/** The steps of a film that is rated in the end. */
export const ratedVisit = (person: Person, opinion: Opinion, random: SeededRandom): Step[] => {
  const steps: Step[] = [];
  const add = (kind: string, value: number | null = null): void => {
    steps.push({ kind, value, afterMs: pauseMs(random) });
  };
  if (random.next() < CLICK_SHARE) {
    add('click');
    if (random.next() < WATCH_SHARE) add('watch', shareWatched(opinion.affinity, random));
  }
  add('rating', starsFor(person, opinion, random));
  if (random.next() < UNDO_SHARE) {
    steps.push({ kind: 'undo', value: null, afterMs: pauseMs(random), undoes: true });
    add('rating', starsFor(person, opinion, random));
  }
  if (opinion.affinity > LIKED_FROM && random.next() < LIKE_SHARE) add('like');
  return steps;
};

/** The steps of a film that is looked at and left. */
export const browsedVisit = (affinity: number, random: SeededRandom): Step[] => {
  const click: Step = { kind: 'click', value: null, afterMs: pauseMs(random) };
  if (affinity < HIDDEN_BELOW && random.next() < HIDE_SHARE) {
    return [{ kind: 'hide', value: null, afterMs: pauseMs(random) }];
  }
  if (random.next() >= VIEW_SHARE) return [click];
  return [click, { kind: 'view', value: null, afterMs: pauseMs(random) }];
};

const shareWatched = (affinity: number, random: SeededRandom): number => {
  const share = 0.75 + 0.12 * affinity + 0.2 * random.normal();
  return Math.round(100 * Math.min(1, Math.max(0.03, share))) / 100;
};

/** Events for each rating, in the mean; turns a wanted number of events into ratings. */
export const EVENTS_PER_RATING =
  1 +
  CLICK_SHARE * (1 + WATCH_SHARE) +
  2 * UNDO_SHARE +
  BROWSED_PER_RATED * (1 + VIEW_SHARE) +
  0.03;
