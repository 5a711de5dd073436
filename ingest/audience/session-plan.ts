/**
 * When a person comes and how many films they then rate. A plan covers one cycle (the days of the
 * history, and as long again each time) and
 * is a pure function of (seed, person, cycle): a budget of ratings by the person's activity, cut
 * into sessions whose lengths are spread like those of MovieLens (half of them one or two films,
 * one in twenty more than seventy), laid over the days with more in the evenings.
 */
import type { SeededRandom } from '../../algorithms/random/seeded-random.ts';
import type { People, Person } from './people.ts';

export interface PlannedSession {
  readonly startsAt: number;
  readonly ratings: number;
}

/** Share of sessions with at most so many ratings; between the points the logarithm is linear. */
const LENGTHS: readonly (readonly [share: number, ratings: number])[] = [
  [0, 1],
  [0.34, 1.5],
  [0.46, 2.5],
  [0.69, 6.5],
  [0.81, 34],
  [0.88, 73],
  [0.97, 211],
  [1, 600],
];

/** Between sessions of a person, so that two are never one. */
const PAUSE_MS = 45 * 60_000;
/** How long a planned rating takes, more or less; keeps sessions from overlapping. */
const MS_PER_RATING = 45_000;
const PLAN_PURPOSE = 0;
/** Purposes of one cycle; see `People.randomOf`. */
export const PURPOSES_PER_CYCLE = 2;

export const sessionLength = (random: SeededRandom): number => {
  const share = random.next();
  const at = LENGTHS.findIndex(([upTo]) => share < upTo);
  const [fromShare, from] = LENGTHS[at - 1]!;
  const [toShare, to] = LENGTHS[at]!;
  const position = (share - fromShare) / (toShare - fromShare);
  return Math.max(1, Math.floor(from * (to / from) ** position));
};

/** A person's sessions of one cycle in order of time. */
export const sessionsOf = (
  people: People,
  person: Person,
  cycle: number,
  ratingsPerPerson: number,
): PlannedSession[] => {
  const from = people.origin + cycle * people.cycleMs;
  const until = from + people.cycleMs;
  const joined = Math.max(from, person.joinedAt);
  if (joined >= until) return [];
  const random = people.randomOf(person, PURPOSES_PER_CYCLE * cycle + PLAN_PURPOSE);
  const lengths = lengthsFor(person.activity * ratingsPerPerson, random);
  const starts = lengths
    .map(() => Math.round(joined + timeOfDay(until - joined, person, random)))
    .sort((a, b) => a - b);
  return withoutOverlap(starts, lengths);
};

/** Sessions until the budget is spent; the last one is cut to fit. */
const lengthsFor = (budget: number, random: SeededRandom): number[] => {
  // The part below one rating is a rating by chance, so that means are kept.
  let left = Math.floor(budget + random.next());
  const lengths: number[] = [];
  while (left > 0) {
    const length = Math.min(left, sessionLength(random));
    lengths.push(length);
    left -= length;
  }
  return lengths;
};

/** A time within the span: any day, and by rejection an hour of the person's evening rather. */
const timeOfDay = (spanMs: number, person: Person, random: SeededRandom): number => {
  for (;;) {
    const time = random.next() * spanMs;
    const hour = (time / 3_600_000 + person.hourShift) % 24;
    // Full at eight in the evening, a quarter at eight in the morning.
    const presence = 0.625 + 0.375 * Math.cos(((hour - 20) / 12) * Math.PI);
    if (random.next() < presence) return time;
  }
};

const withoutOverlap = (
  starts: readonly number[],
  lengths: readonly number[],
): PlannedSession[] => {
  let free = Number.NEGATIVE_INFINITY;
  return starts.map((start, at) => {
    const startsAt = Math.max(start, free);
    const ratings = lengths[at]!;
    free = startsAt + ratings * MS_PER_RATING + PAUSE_MS;
    return { startsAt, ratings };
  });
};
