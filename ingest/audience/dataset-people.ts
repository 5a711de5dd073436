/**
 * The people of a data set as an audience that goes on from it. What someone likes is read from what
 * they chose and how they rated it: with c of their n ratings on films that have a feature, where
 * popularity alone would have led to e = n·π, and s the sum of their stars there above their mean,
 *
 *   weight = ln((c + κ) ÷ (e + κ)) + s ÷ (c + κ)
 *
 * Activity, generosity and half stars are their own too. They meet no film twice that they rated.
 */
import { seededRandom } from '../../algorithms/random/seeded-random.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import type { AudienceWorld } from './audience-world.ts';
import { fashionsOf } from './fashions.ts';
import { type FilmTable, filmTable } from './film-table.ts';
import { AUDIENCE_MODEL, type AudienceOptions, DEFAULT_AUDIENCE_OPTIONS } from './options.ts';
import { FIRST_FREE_PURPOSE, type People, type Person, type TasteNow } from './people.ts';
import type { Rater } from './raters.ts';
import { affinities, choiceWeights, tasteOfFilms, withNeutralTaste } from './taste.ts';
import { EVENTS_PER_RATING } from './visit.ts';

/** κ: ratings that the belief in an average person is worth. */
const CAUTION = 5;
/** Events of one person in one cycle, in the mean; as in the demo. */
const EVENTS_PER_PERSON = DEFAULT_AUDIENCE_OPTIONS.events / DEFAULT_AUDIENCE_OPTIONS.people;
const PEOPLE_FORK = 8;
/** Tastes kept ready, 16 bytes a film each. */
const TASTES_KEPT = 64;

export interface DatasetAudience {
  readonly catalogue: readonly CatalogueItemRecord[];
  /** At least one. */
  readonly raters: readonly Rater[];
  readonly seed: number;
  /** When the data set was brought in, and the audience took over. */
  readonly endsAt: EpochMs;
}

export const datasetWorld = ({
  catalogue,
  raters,
  seed,
  endsAt,
}: DatasetAudience): AudienceWorld => {
  const counts = new Map(catalogue.map(({ itemId }) => [itemId as string, 0]));
  for (const { ratings } of raters) {
    for (const { itemId } of ratings) counts.set(itemId, (counts.get(itemId) ?? 0) + 1);
  }
  const films = withNeutralTaste(filmTable(catalogue, { seed, counts }), seed);
  const options: AudienceOptions = {
    ...DEFAULT_AUDIENCE_OPTIONS,
    seed,
    people: raters.length,
    newPeoplePerDay: 0,
    events: Math.round(EVENTS_PER_PERSON * raters.length),
    releases: 0,
  };
  return {
    options,
    films,
    people: new Raters(films, raters, { seed, origin: endsAt }),
    fashions: fashionsOf(films, seed),
    ratingsPerPerson: EVENTS_PER_PERSON / EVENTS_PER_RATING,
  };
};

class Raters implements People {
  readonly origin: number;
  readonly cycleMs = DEFAULT_AUDIENCE_OPTIONS.days * AUDIENCE_MODEL.DAY_MS;
  readonly #films: FilmTable;
  readonly #raters: readonly Rater[];
  readonly #seed: number;
  readonly #all: Spread;
  readonly #featureShares: Float64Array;
  readonly #tastes = new Map<number, TasteNow>();

  constructor(
    films: FilmTable,
    raters: readonly Rater[],
    { seed, origin }: { readonly seed: number; readonly origin: number },
  ) {
    this.#films = films;
    this.#raters = raters;
    this.#seed = seed;
    this.origin = origin;
    this.#all = spreadOf(raters.flatMap(({ ratings }) => ratings.map(({ stars }) => stars)));
    this.#featureShares = Float64Array.from(films.features, (feature) =>
      feature.films.reduce((sum, film) => sum + films.popularity[film]!, 0),
    );
  }

  countAt(): number {
    return this.#raters.length;
  }

  at(index: number): Person {
    const { userId, ratings } = this.#raters[index]!;
    const own = spreadOf(ratings.map(({ stars }) => stars));
    const trust = ratings.length / (ratings.length + CAUTION);
    const random = this.randomOf({ index }, -FIRST_FREE_PURPOSE);
    return {
      index,
      userId,
      activity: (ratings.length * this.#raters.length) / this.#all.count,
      joinedAt: Number.NEGATIVE_INFINITY,
      starBias: (trust * (own.mean - this.#all.mean)) / Math.max(this.#all.deviation, 0.1),
      usesHalfStars: ratings.some(({ stars }) => stars % 1 !== 0),
      hourShift: Math.round(4 * random.normal()),
    };
  }

  tasteAt({ index }: Pick<Person, 'index'>): TasteNow {
    const known = this.#tastes.get(index);
    if (known) return known;
    const taste = tasteOfFilms(this.#films, this.#weightsOf(this.#raters[index]!));
    const liked = affinities(this.#films, taste, taste, 0);
    const now = { affinities: liked, choiceWeights: choiceWeights(this.#films, liked) };
    if (this.#tastes.size >= TASTES_KEPT) this.#tastes.delete(this.#tastes.keys().next().value!);
    this.#tastes.set(index, now);
    return now;
  }

  metBefore({ index }: Pick<Person, 'index'>): number[] {
    return this.#raters[index]!.ratings.flatMap(
      ({ itemId }) => this.#films.indexOf.get(itemId) ?? [],
    );
  }

  randomOf({ index }: Pick<Person, 'index'>, purpose: number) {
    return seededRandom(this.#seed)
      .fork(PEOPLE_FORK)
      .fork(index)
      .fork(FIRST_FREE_PURPOSE + purpose);
  }

  #weightsOf({ ratings }: Rater): Float64Array {
    const { mean } = spreadOf(ratings.map(({ stars }) => stars));
    const { indexOf, featureStarts, filmFeatures, features } = this.#films;
    const counts = new Float64Array(features.length);
    const sums = new Float64Array(features.length);
    for (const { itemId, stars } of ratings) {
      const film = indexOf.get(itemId);
      if (film === undefined) continue;
      for (let at = featureStarts[film]!; at < featureStarts[film + 1]!; at++) {
        counts[filmFeatures[at]!]! += 1;
        sums[filmFeatures[at]!]! += stars - mean;
      }
    }
    return counts.map((count, feature) => {
      const expected = ratings.length * this.#featureShares[feature]!;
      return (
        Math.log((count + CAUTION) / (expected + CAUTION)) + sums[feature]! / (count + CAUTION)
      );
    });
  }
}

interface Spread {
  readonly count: number;
  readonly mean: number;
  readonly deviation: number;
}

const spreadOf = (values: readonly number[]): Spread => {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  return {
    count: values.length,
    mean,
    deviation: Math.sqrt(Math.max(0, squares / values.length - mean * mean)),
  };
};
