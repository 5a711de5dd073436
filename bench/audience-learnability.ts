/**
 * Whether the simulated data can be learned from: who knows the truth must do far better than who
 * knows only what is popular, and who looks at what goes together must do better, too. Hit rates on
 * the newest ratings, each ranked against all films that the person has not rated.
 * `node bench/audience-learnability.ts [seed …]`.
 */
import { type AudienceWorld, audienceWorld } from '../ingest/audience/audience-world.ts';
import { DEFAULT_AUDIENCE_OPTIONS } from '../ingest/audience/options.ts';
import { withReleases } from '../ingest/audience/releases.ts';
import { historyOf } from '../ingest/audience/simulate-history.ts';
import { appeal } from '../ingest/audience/taste.ts';
import { loadDemoCatalogue } from '../ingest/demo/demo-catalogue.ts';
import { type EpochMs, epochMs } from '../schemas/ids.ts';

export interface HitRates {
  readonly tested: number;
  readonly popularity: number;
  readonly together: number;
  readonly truth: number;
}

interface Rating {
  readonly userId: string;
  readonly film: number;
  readonly occurredAt: EpochMs;
}

const LIST_LENGTH = 10;
const TESTED_MAX = 2_500;
const TRAINING_SHARE = 0.9;
/** People with fewer ratings before are not tested: nobody can know them. */
const RATINGS_MIN = 10;
const PAIRED_MAX = 50;
/** Added to the counts of both films of a pair, against pairs by chance. */
const SHRINKAGE = 10;

export const hitRates = (world: AudienceWorld, endsAt: EpochMs): HitRates => {
  const ratings = ratingsOf(world, endsAt);
  const cut = Math.floor(TRAINING_SHARE * ratings.length);
  const learned = new Counts(world.films.items.length, ratings.slice(0, cut));
  const people = peopleById(world, endsAt);
  const candidates = ratings
    .slice(cut)
    .filter(({ userId }) => learned.historyOf(userId).length >= RATINGS_MIN);
  const every = Math.ceil(candidates.length / TESTED_MAX);
  const tested = candidates.filter((_, at) => at % every === 0);
  const hits = { popularity: 0, together: 0, truth: 0 };
  for (const { userId, film, occurredAt } of tested) {
    const seen = new Set(learned.historyOf(userId));
    const { affinities } = world.people.tasteAt(people.get(userId)!, occurredAt);
    const truth = affinities.map((value, at) => world.films.popularity[at]! * appeal(value));
    if (isHit(learned.popularity, film, seen)) hits.popularity++;
    if (isHit(learned.togetherWith(userId), film, seen)) hits.together++;
    if (isHit(truth, film, seen)) hits.truth++;
  }
  return {
    tested: tested.length,
    popularity: hits.popularity / tested.length,
    together: hits.together / tested.length,
    truth: hits.truth / tested.length,
  };
};

const ratingsOf = (world: AudienceWorld, endsAt: EpochMs): Rating[] =>
  historyOf(world, endsAt)
    .filter(({ kind }) => kind === 'rating')
    .map(({ userId, itemId, occurredAt }) => ({
      userId,
      film: world.films.indexOf.get(itemId)!,
      occurredAt,
    }));

const peopleById = (world: AudienceWorld, endsAt: EpochMs) =>
  new Map(
    Array.from({ length: world.people.countAt(endsAt) }, (_, index) => {
      const person = world.people.at(index);
      return [person.userId as string, person];
    }),
  );

const isHit = (scores: ArrayLike<number>, target: number, seen: ReadonlySet<number>): boolean => {
  let above = 0;
  for (let film = 0; film < scores.length && above < LIST_LENGTH; film++) {
    if (film !== target && !seen.has(film) && scores[film]! > scores[target]!) above++;
  }
  return above < LIST_LENGTH;
};

/** What the training part says: how often each film was rated, and how often with which others. */
class Counts {
  readonly popularity: Float64Array;
  readonly #together = new Map<number, Map<number, number>>();
  readonly #histories = new Map<string, number[]>();

  constructor(filmCount: number, ratings: readonly Rating[]) {
    this.popularity = new Float64Array(filmCount);
    for (const { userId, film } of ratings) {
      this.popularity[film]!++;
      const history = this.#histories.get(userId) ?? [];
      this.#histories.set(userId, history);
      for (const other of history.slice(-PAIRED_MAX)) this.#pair(film, other);
      history.push(film);
    }
  }

  historyOf(userId: string): readonly number[] {
    return this.#histories.get(userId) ?? [];
  }

  togetherWith(userId: string): Float64Array {
    const scores = new Float64Array(this.popularity.length);
    for (const film of this.historyOf(userId).slice(-PAIRED_MAX)) {
      const own = this.popularity[film]! + SHRINKAGE;
      for (const [other, count] of this.#together.get(film) ?? []) {
        scores[other]! += count / Math.sqrt(own * (this.popularity[other]! + SHRINKAGE));
      }
    }
    return scores;
  }

  #pair(film: number, other: number): void {
    for (const [one, two] of [
      [film, other],
      [other, film],
    ] as const) {
      const row = this.#together.get(one) ?? new Map<number, number>();
      row.set(two, (row.get(two) ?? 0) + 1);
      this.#together.set(one, row);
    }
  }
}

const ENDS_AT = epochMs(Date.UTC(2026, 0, 15, 18));

if (import.meta.main) {
  const given = process.argv.slice(2).map(Number);
  const seeds = given.length > 0 ? given : [DEFAULT_AUDIENCE_OPTIONS.seed, 1, 2];
  process.stdout.write(
    '| seed | popularity | what goes together | the truth |\n|---|---|---|---|\n',
  );
  for (const seed of seeds) {
    const options = { ...DEFAULT_AUDIENCE_OPTIONS, seed, endsAt: ENDS_AT };
    const catalogue = withReleases(loadDemoCatalogue(), options);
    const { popularity, together, truth } = hitRates(
      audienceWorld({ ...options, catalogue }),
      ENDS_AT,
    );
    const figures = [popularity, together, truth].map((rate) => rate.toFixed(4)).join(' | ');
    process.stdout.write(`| ${seed} | ${figures} |\n`);
  }
}
