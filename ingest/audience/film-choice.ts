/**
 * Which film a person takes up next: one in fashion, one that stays with the mood of the last, or
 * one by popularity and taste. Never one seen before or not yet out. One `FilmChoice` is one person
 * in one session.
 */
import type { SeededRandom } from '../../algorithms/random/seeded-random.ts';
import { type Fashion, shareAt } from './fashions.ts';
import { type FeatureGroup, type FilmTable, featuresOfFilm } from './film-table.ts';
import { AUDIENCE_MODEL } from './options.ts';
import type { TasteNow } from './people.ts';
import { appeal } from './taste.ts';

export interface FilmChoiceOptions {
  readonly films: FilmTable;
  readonly taste: TasteNow;
  readonly fashions: readonly Fashion[];
  readonly seen: ReadonlySet<number>;
  readonly time: number;
}

/** How much a mood is about each sort of feature. */
const MOOD_WEIGHTS: Readonly<Record<FeatureGroup, number>> = {
  franchise: 4,
  theme: 3,
  person: 2,
  genre: 0.5,
  era: 0,
  basis: 0,
};
/** Features with more films than this are no mood; this also bounds the work. */
const MOOD_FILMS_MAX = 150;
/** Draws before all films that the person has not seen are looked at, one by one. */
const TRIES_MAX = 60;

export class FilmChoice {
  readonly #options: FilmChoiceOptions;
  /** Share of picks of each fashion; a session is short against a fashion. */
  readonly #shares: readonly number[];

  constructor(options: FilmChoiceOptions) {
    this.#options = options;
    this.#shares = options.fashions.map((fashion) => shareAt(fashion, options.time));
  }

  /** The next film, or undefined where everything has been seen. */
  next(last: number | undefined, random: SeededRandom): number | undefined {
    const chosen = this.#fashionable(random) ?? this.#inMood(last, random);
    return chosen ?? this.#byTaste(random);
  }

  #isOpen(film: number): boolean {
    const { films, seen, time } = this.#options;
    return films.availableFrom[film]! <= time && !seen.has(film);
  }

  #fashionable(random: SeededRandom): number | undefined {
    let left = random.next();
    for (let at = 0; at < this.#shares.length; at++) {
      left -= this.#shares[at]!;
      if (left < 0) return this.#among(this.#options.fashions[at]!.films, random);
    }
    return undefined;
  }

  #inMood(last: number | undefined, random: SeededRandom): number | undefined {
    if (last === undefined || random.next() >= AUDIENCE_MODEL.moodShare) return undefined;
    const { films } = this.#options;
    const features = featuresOfFilm(films, last).filter(
      (feature) => feature.films.length <= MOOD_FILMS_MAX,
    );
    const at = pick(
      features.map(({ group }) => MOOD_WEIGHTS[group]),
      random,
    );
    return at === undefined ? undefined : this.#among(features[at]!.films, random);
  }

  /** One of a few films, by taste and muted popularity: a fan knows the lesser ones. */
  #among(candidates: ArrayLike<number>, random: SeededRandom): number | undefined {
    const { films, taste } = this.#options;
    const sums = new Float64Array(candidates.length);
    let sum = 0;
    for (let at = 0; at < candidates.length; at++) {
      const film = candidates[at]!;
      if (this.#isOpen(film)) sum += films.mutedPopularity[film]! * appeal(taste.affinities[film]!);
      sums[at] = sum;
    }
    return sum > 0 ? candidates[firstAbove(sums, random.next() * sum)] : undefined;
  }

  #byTaste(random: SeededRandom): number | undefined {
    const { choiceWeights } = this.#options.taste;
    const total = choiceWeights.at(-1) ?? 0;
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      const film = firstAbove(choiceWeights, random.next() * total);
      if (this.#isOpen(film)) return film;
    }
    return this.#among(this.#options.films.everyFilm, random);
  }
}

const firstAbove = (cumulative: Float64Array, value: number): number => {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
};

const pick = (weights: readonly number[], random: SeededRandom): number | undefined => {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0)) return undefined;
  let left = random.next() * total;
  for (let at = 0; at < weights.length; at++) {
    left -= weights[at]!;
    if (left < 0) return at;
  }
  return weights.length - 1;
};
