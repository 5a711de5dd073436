/**
 * Whether the simulated data can be learned from at all: who knows the truth must do far better
 * than who knows only what is popular, and who looks at what goes together must do better, too.
 */
import { describe, expect, it } from 'vitest';
import { ENDS_AT, smallAudience } from './audience.fixture.ts';
import { audienceWorld } from './audience-world.ts';
import { historyOf } from './simulate-history.ts';
import { appeal } from './taste.ts';

const LIST_LENGTH = 10;
const PAIRED_MAX = 60;
const TESTED_MAX = 2_500;

const world = audienceWorld(
  smallAudience({ people: 500, days: 42, events: 120_000, newPeoplePerDay: 1 }),
);
const ratings = historyOf(world, ENDS_AT)
  .filter(({ kind }) => kind === 'rating')
  .map(({ userId, itemId, occurredAt }) => ({
    userId,
    film: world.films.indexOf.get(itemId)!,
    occurredAt,
  }));
const cut = Math.floor(0.85 * ratings.length);

type Scores = ArrayLike<number>;

const filmCount = world.films.items.length;
const counts = new Float64Array(filmCount);
const together = new Map<number, Map<number, number>>();
const seen = new Map<string, number[]>();
const pair = (a: number, b: number): void => {
  const row = together.get(a) ?? new Map<number, number>();
  row.set(b, (row.get(b) ?? 0) + 1);
  together.set(a, row);
};
for (const { userId, film } of ratings.slice(0, cut)) {
  counts[film]!++;
  const before = seen.get(userId) ?? [];
  for (const other of before.slice(-PAIRED_MAX)) {
    pair(film, other);
    pair(other, film);
  }
  seen.set(userId, [...before, film]);
}

const byTogether = (history: readonly number[]): Scores => {
  const scores = new Float64Array(filmCount);
  for (const film of history.slice(-PAIRED_MAX)) {
    for (const [other, count] of together.get(film) ?? []) {
      scores[other]! += count / Math.sqrt((counts[film]! + 10) * (counts[other]! + 10));
    }
  }
  return scores;
};

const people = new Map(
  Array.from({ length: world.people.countAt(ENDS_AT) }, (_, index) => {
    const person = world.people.at(index);
    return [person.userId, person];
  }),
);

const isHit = (scores: Scores, target: number, history: readonly number[]): boolean => {
  const known = new Set(history);
  let above = 0;
  for (let film = 0; film < filmCount && above < LIST_LENGTH; film++) {
    if (film !== target && !known.has(film) && scores[film]! > scores[target]!) above++;
  }
  return above < LIST_LENGTH;
};

describe('the simulated data', () => {
  it('can be learned: truth beats what goes together, and that beats popularity', () => {
    const hits = { popularity: 0, together: 0, truth: 0 };
    const tested = ratings
      .slice(cut)
      .filter(({ userId }) => (seen.get(userId)?.length ?? 0) >= 10)
      .filter((_, at, all) => at % Math.ceil(all.length / TESTED_MAX) === 0);
    for (const { userId, film, occurredAt } of tested) {
      const history = seen.get(userId)!;
      const { affinities } = world.people.tasteAt(people.get(userId)!, occurredAt);
      const truth = affinities.map((value, at) => world.films.popularity[at]! * appeal(value));
      if (isHit(counts, film, history)) hits.popularity++;
      if (isHit(byTogether(history), film, history)) hits.together++;
      if (isHit(truth, film, history)) hits.truth++;
    }
    expect(tested.length).toBeGreaterThan(1_000);
    expect(hits.truth / hits.popularity).toBeGreaterThan(2);
    expect(hits.together / hits.popularity).toBeGreaterThan(1.3);
  });
});
