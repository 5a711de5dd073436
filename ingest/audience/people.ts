/**
 * The people: how active, how generous with stars, what they like, when they joined. A person is a
 * pure function of (seed, index), so that nobody has to be remembered: history, live audience and
 * truth all find the same people. Ids say what someone is fond of (`horror-fan-17`), so that a
 * person picking one in the demo knows whom they look at.
 */
import { type SeededRandom, seededRandom, shuffle } from '../../algorithms/random/seeded-random.ts';
import { type UserId, userId } from '../../schemas/ids.ts';
import { type FilmTable, featuresOfFilm, zipfMandelbrot } from './film-table.ts';
import { AUDIENCE_MODEL, type AudienceOptions } from './options.ts';
import {
  affinities,
  appeal,
  choiceWeights,
  driftAngle,
  type TasteSource,
  tasteOfFilms,
  tasteSource,
} from './taste.ts';

export interface Person {
  readonly index: number;
  readonly userId: UserId;
  /** Relative to the mean of all. */
  readonly activity: number;
  /** Milliseconds since 1970; −∞ for those who were always there. */
  readonly joinedAt: number;
  /** In standard deviations of stars. */
  readonly starBias: number;
  readonly usesHalfStars: boolean;
  /** Hours by which their day is shifted against UTC. */
  readonly hourShift: number;
}

/** A person's taste of one week. */
export interface TasteNow {
  /** Affinity for each film, in standard deviations. */
  readonly affinities: Float64Array;
  /** What choices are drawn from, summed up over the films. */
  readonly choiceWeights: Float64Array;
}

export interface People {
  readonly origin: number;
  /** Plans of sessions are made for this long at a time. */
  readonly cycleMs: number;
  /** How many have joined by then. */
  countAt(time: number): number;
  at(index: number): Person;
  /** What a person likes at a time; kept ready for the few last asked for. */
  tasteAt(person: Person, time: number): TasteNow;
  /** Films that a person knows from before the origin. */
  metBefore(person: Person): readonly number[];
  /** Randomness of a person for a purpose of its own. */
  randomOf(person: Person, purpose: number): SeededRandom;
}

/** Tastes kept ready: 4 × 8 bytes × films each, 8 MB in all for 4,000 films. */
const TASTES_KEPT = 64;

const PURPOSE = { traits: 0, taste: 1 } as const;
const PEOPLE_FORK = 3;
const RANKS_FORK = 4;
/** Purposes below this belong to the person itself. */
export const FIRST_FREE_PURPOSE = 16;

export const peopleOf = (
  films: FilmTable,
  options: AudienceOptions & { readonly origin: number },
): People => {
  const newcomers = Math.min(options.people, Math.round(options.newPeoplePerDay * options.days));
  const founders = options.people - newcomers;
  const root = seededRandom(options.seed).fork(PEOPLE_FORK);
  const source = tasteSource(films, options.seed);
  const weights = zipfMandelbrot(options.people, AUDIENCE_MODEL.activity);
  const ranks = shuffle(
    Uint32Array.from({ length: options.people }, (_, rank) => rank),
    seededRandom(options.seed).fork(RANKS_FORK),
  );
  const tastes = new TasteCache(films, source, (index) => root.fork(index).fork(PURPOSE.taste));
  const genres = genreTable(films);
  const people = new Map<number, Person>();

  const joinedAt = (index: number): number =>
    index < founders
      ? Number.NEGATIVE_INFINITY
      : options.origin +
        ((index - founders + 0.5) / options.newPeoplePerDay) * AUDIENCE_MODEL.DAY_MS;

  const create = (index: number): Person => {
    const random = root.fork(index).fork(PURPOSE.traits);
    const rank = ranks[index] ?? random.below(options.people);
    return {
      index,
      userId: userId(`${fondOf(genres, tastes.at(index, 0))}-fan-${index + 1}`),
      activity: (weights[rank] ?? 0) * options.people,
      joinedAt: joinedAt(index),
      starBias: AUDIENCE_MODEL.stars.personBias * random.normal(),
      usesHalfStars: random.next() < AUDIENCE_MODEL.stars.halfStarShare,
      hourShift: Math.round(4 * random.normal()),
    };
  };

  return {
    origin: options.origin,
    cycleMs: options.days * AUDIENCE_MODEL.DAY_MS,
    countAt: (time) => {
      const days = (time - options.origin) / AUDIENCE_MODEL.DAY_MS;
      return founders + Math.max(0, Math.floor(days * options.newPeoplePerDay + 0.5));
    },
    at: (index) => {
      const known = people.get(index);
      if (known) return known;
      const person = create(index);
      people.set(index, person);
      return person;
    },
    tasteAt: (person, time) => tastes.at(person.index, time - options.origin),
    metBefore: () => [],
    randomOf: (person, purpose) => root.fork(person.index).fork(FIRST_FREE_PURPOSE + purpose),
  };
};

/** Films that decide what someone is called; they make most of the choices. */
const NAMING_FILMS = 500;

/** The genre that a person chooses most above its popularity, as a word for an id. */
const fondOf = (genres: GenreTable, { affinities: liked }: TasteNow): string => {
  const own = new Float64Array(genres.names.length);
  let total = 0;
  for (const { film, popularity, genres: of } of genres.films) {
    const weight = popularity * appeal(liked[film]!);
    total += weight;
    for (const genre of of) own[genre]! += weight;
  }
  let best = 0;
  let most = Number.NEGATIVE_INFINITY;
  for (let genre = 0; genre < own.length; genre++) {
    // Against a power of the usual share: neither drama nor a genre of ten films wins by size.
    const usual = genres.usual[genre]!;
    const lift = (own[genre]! / total - usual) / usual ** 0.3;
    if (lift > most) [best, most] = [genre, lift];
  }
  return (genres.names[best] ?? 'film').toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
};

interface GenreTable {
  readonly names: readonly string[];
  /** Share of all choices, by popularity alone. */
  readonly usual: readonly number[];
  readonly films: readonly {
    readonly film: number;
    readonly popularity: number;
    readonly genres: readonly number[];
  }[];
}

/** The genres of the most popular films, those that none of these has left out. */
const genreTable = (films: FilmTable): GenreTable => {
  const top = Array.from(films.everyFilm)
    .sort((a, b) => films.popularity[b]! - films.popularity[a]!)
    .slice(0, NAMING_FILMS);
  const total = top.reduce((sum, film) => sum + films.popularity[film]!, 0);
  const genresOf = (film: number) =>
    featuresOfFilm(films, film).filter(({ group }) => group === 'genre');
  const names = [...new Set(top.flatMap((film) => genresOf(film).map(({ name }) => name)))];
  const usual = names.map(() => 0);
  const listed = top.map((film) => {
    const popularity = films.popularity[film]! / total;
    const genres = genresOf(film).map(({ name }) => names.indexOf(name));
    for (const genre of genres) usual[genre]! += popularity;
    return { film, popularity, genres };
  });
  return { names, usual, films: listed };
};

interface Tastes {
  readonly first: Float64Array;
  readonly second: Float64Array;
  readonly pace: number;
  /** Of the week asked for last. */
  now: (TasteNow & { readonly week: number }) | undefined;
}

class TasteCache {
  readonly #films: FilmTable;
  readonly #source: TasteSource;
  readonly #randomOf: (index: number) => SeededRandom;
  readonly #kept = new Map<number, Tastes>();

  constructor(films: FilmTable, source: TasteSource, randomOf: (index: number) => SeededRandom) {
    this.#films = films;
    this.#source = source;
    this.#randomOf = randomOf;
  }

  #of(index: number): Tastes {
    const known = this.#kept.get(index);
    if (known) {
      // Moves it to the end: the map's order is the order of use.
      this.#kept.delete(index);
      this.#kept.set(index, known);
      return known;
    }
    const tastes = this.#create(index);
    this.#kept.set(index, tastes);
    if (this.#kept.size > TASTES_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    return tastes;
  }

  at(index: number, elapsedMs: number): TasteNow {
    const tastes = this.#of(index);
    const week = Math.floor(elapsedMs / AUDIENCE_MODEL.WEEK_MS);
    if (tastes.now?.week !== week) {
      const angle = driftAngle(elapsedMs, tastes.pace);
      const now = affinities(this.#films, tastes.first, tastes.second, angle);
      tastes.now = { week, affinities: now, choiceWeights: choiceWeights(this.#films, now) };
    }
    return tastes.now;
  }

  #create(index: number): Tastes {
    const random = this.#randomOf(index);
    return {
      first: tasteOfFilms(this.#films, this.#source.draw(random)),
      second: tasteOfFilms(this.#films, this.#source.draw(random)),
      pace: 0.5 + random.next(),
      now: undefined,
    };
  }
}
