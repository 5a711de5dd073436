/**
 * The films as the audience sees them: features that tastes are about, how widely each is known,
 * how good it is, when it comes out. Built once for a catalogue and a seed.
 *
 * Works for any catalogue: renown and IMDb rating are used where the items have them; a map of
 * counts (from an imported dataset) goes before renown.
 */
import { type SeededRandom, seededRandom } from '../../algorithms/random/seeded-random.ts';
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import { AUDIENCE_MODEL } from './options.ts';

/** How a feature enters tastes; see `taste.ts`. */
export type FeatureGroup = 'genre' | 'era' | 'basis' | 'theme' | 'franchise' | 'person';

export interface FilmFeature {
  readonly name: string;
  readonly group: FeatureGroup;
  /** Indexes of the films that have it. */
  readonly films: Uint32Array;
}

export interface FilmTable {
  readonly items: readonly CatalogueItemRecord[];
  /** All indexes, in order. */
  readonly everyFilm: Uint32Array;
  readonly indexOf: ReadonlyMap<string, number>;
  readonly features: readonly FilmFeature[];
  /** Film f has the features filmFeatures[featureStarts[f]] to before featureStarts[f + 1]. */
  readonly featureStarts: Uint32Array;
  readonly filmFeatures: Uint32Array;
  /** 1 / √(1 + number of features): films with many do not stand out for that alone. */
  readonly damping: Float64Array;
  /** How widely known; the sum is 1. */
  readonly popularity: Float64Array;
  /** The same for choices among a few films that a person knows about. */
  readonly mutedPopularity: Float64Array;
  /** How good, in standard deviations. */
  readonly quality: Float64Array;
  /** Milliseconds since 1970; −∞ for a film that is simply there. */
  readonly availableFrom: Float64Array;
}

/** Something to have a taste for from this many films on. */
const FILMS_MIN: Readonly<Partial<Record<FeatureGroup, number>>> = { person: 3, franchise: 2 };
const MIDDLING_RENOWN = 50;

export const filmTable = (
  items: readonly CatalogueItemRecord[],
  options: { readonly seed: number; readonly counts?: ReadonlyMap<string, number> },
): FilmTable => {
  const random = seededRandom(options.seed).fork(FILMS_FORK);
  const features = featuresIn(items);
  const featuresOf: number[][] = items.map(() => []);
  features.forEach((feature, index) => {
    for (const film of feature.films) featuresOf[film]!.push(index);
  });
  const table = {
    items,
    everyFilm: Uint32Array.from(items, (_, index) => index),
    indexOf: new Map(items.map((item, index) => [item.itemId as string, index])),
    features,
    featureStarts: startsOf(featuresOf),
    filmFeatures: Uint32Array.from(featuresOf.flat()),
    damping: Float64Array.from(featuresOf, ({ length }) => 1 / Math.sqrt(1 + length)),
    quality: qualityOf(items, random.fork(1)),
    availableFrom: Float64Array.from(
      items,
      (item) => item.availableFrom ?? Number.NEGATIVE_INFINITY,
    ),
  };
  return withPopularity(table, popularityOf(items, options.counts, random.fork(0)));
};

/** The same films with other popularities; they need not sum to 1. */
export const withPopularity = (
  films: Omit<FilmTable, 'popularity' | 'mutedPopularity'>,
  weights: Float64Array,
): FilmTable => {
  let sum = 0;
  for (const weight of weights) sum += weight;
  const popularity = weights.map((weight) => weight / sum);
  return { ...films, popularity, mutedPopularity: popularity.map((share) => share ** MUTED) };
};

const FILMS_FORK = 1;
const MUTED = 0.8;

const startsOf = (lists: readonly (readonly number[])[]): Uint32Array => {
  const starts = new Uint32Array(lists.length + 1);
  lists.forEach((list, at) => {
    starts[at + 1] = starts[at]! + list.length;
  });
  return starts;
};

/** The features of one film. */
export const featuresOfFilm = (films: FilmTable, film: number): FilmFeature[] =>
  Array.from(
    films.filmFeatures.subarray(films.featureStarts[film], films.featureStarts[film + 1]),
    (index) => films.features[index]!,
  );

const featureNames = (item: CatalogueItemRecord): [FeatureGroup, string][] => {
  const { franchise } = item.attributes;
  return [
    ...item.categories.map((name): [FeatureGroup, string] => [groupOfCategory(name), name]),
    ...item.tags.map((name): [FeatureGroup, string] => ['theme', name]),
    ...(typeof franchise === 'string' ? [['franchise', franchise] as [FeatureGroup, string]] : []),
    ...item.people.map((name): [FeatureGroup, string] => ['person', name]),
  ];
};

const groupOfCategory = (name: string): FeatureGroup => {
  if (/^\d{4}s$/.test(name)) return 'era';
  return name.startsWith('Based on') || name === 'Remake' ? 'basis' : 'genre';
};

const featuresIn = (items: readonly CatalogueItemRecord[]): FilmFeature[] => {
  const found = new Map<string, { name: string; group: FeatureGroup; films: number[] }>();
  items.forEach((item, index) => {
    for (const [group, name] of featureNames(item)) {
      const key = `${group}:${name}`;
      const feature = found.get(key) ?? { name, group, films: [] };
      if (feature.films.at(-1) !== index) feature.films.push(index);
      found.set(key, feature);
    }
  });
  return [...found.values()]
    .filter(({ group, films }) => films.length >= (FILMS_MIN[group] ?? 1))
    .map((feature) => ({ ...feature, films: Uint32Array.from(feature.films) }));
};

/** Weights by rank, the best first: (share of the ranks + shift)^−exponent, summing to 1. */
export const zipfMandelbrot = (
  count: number,
  shape: { readonly exponent: number; readonly shift: number },
): Float64Array => {
  const weights = Float64Array.from(
    { length: count },
    (_, rank) => ((rank + 0.5) / count + shape.shift) ** -shape.exponent,
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
};

const popularityOf = (
  items: readonly CatalogueItemRecord[],
  counts: ReadonlyMap<string, number> | undefined,
  random: SeededRandom,
): Float64Array => {
  const fame = items.map((item) => {
    const count = counts?.get(item.itemId);
    if (count !== undefined) return count;
    return (
      numberOf(item, 'renown', MIDDLING_RENOWN) + AUDIENCE_MODEL.popularityNoise * random.normal()
    );
  });
  const order = items.map((_, index) => index).sort((a, b) => fame[b]! - fame[a]! || a - b);
  const weights = zipfMandelbrot(items.length, AUDIENCE_MODEL.popularity);
  const popularity = new Float64Array(items.length);
  order.forEach((film, rank) => {
    popularity[film] = weights[rank]!;
  });
  return popularity;
};

/**
 * Mostly what IMDb's raters think; where that is unknown, well-known films are the better ones. The
 * audience has a mind of its own besides.
 */
const qualityOf = (items: readonly CatalogueItemRecord[], random: SeededRandom): Float64Array =>
  Float64Array.from(items, (item) => {
    const rating = numberOf(item, 'imdbRating', Number.NaN);
    const own = random.normal();
    if (!Number.isNaN(rating)) return 0.8 * ((rating - 6.5) / 1.1) + 0.35 * own;
    return (numberOf(item, 'renown', MIDDLING_RENOWN) - 60) / 50 + 0.5 * own;
  });

const numberOf = (item: CatalogueItemRecord, name: string, otherwise: number): number => {
  const value = Object.hasOwn(item.attributes, name) ? item.attributes[name] : undefined;
  return typeof value === 'number' ? value : otherwise;
};
