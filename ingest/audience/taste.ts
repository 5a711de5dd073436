/**
 * What people like: a latent weight for each feature of films. Weights of genres, decades and
 * themes come in archetypes that people share, plus a part of one's own, so that who likes one film
 * tells something about others; a few directors, stars and franchises are loved or disliked by each
 * person alone.
 *
 * Tastes drift: a person has two tastes and turns slowly from one to the other and on, so that the
 * taste of any week is had without walking through the weeks before it.
 */
import { type SeededRandom, seededRandom } from '../../algorithms/random/seeded-random.ts';
import { type FeatureGroup, type FilmTable, withPopularity } from './film-table.ts';
import { AUDIENCE_MODEL } from './options.ts';

export type TasteWeights = Float64Array;

/** Spread of the weights of each group; of sparse groups the chance to be loved or disliked. */
const SPREAD: Readonly<Record<FeatureGroup, number>> = {
  genre: 2,
  era: 0.8,
  basis: 0.3,
  theme: 2,
  franchise: 0,
  person: 0,
};
const SPARSE: Readonly<Partial<Record<FeatureGroup, { loved: number; disliked: number }>>> = {
  franchise: { loved: 0.08, disliked: 0.04 },
  person: { loved: 0.03, disliked: 0.02 },
};
const LOVE = 2.5;
const DISLIKE = -1;
const ARCHETYPES = 10;
/** Of a person's dense weights: √(own² + shared²) is about 1. */
const OWN_PART = 0.2;
const SHARED_PART = 0.98;
const ARCHETYPES_FORK = 2;

export interface TasteSource {
  /** A taste drawn at random; the same generator state gives the same taste. */
  draw(random: SeededRandom): TasteWeights;
}

export const tasteSource = (films: FilmTable, seed: number): TasteSource => {
  const random = seededRandom(seed).fork(ARCHETYPES_FORK);
  const archetypes = Array.from({ length: ARCHETYPES }, () => denseWeights(films, random));
  return {
    draw: (person) => {
      const weights = denseWeights(films, person);
      const first = archetypes[person.below(ARCHETYPES)]!;
      const second = archetypes[person.below(ARCHETYPES)]!;
      const share = 0.5 + 0.5 * person.next();
      const norm = SHARED_PART / Math.hypot(share, 1 - share);
      films.features.forEach(({ group }, at) => {
        const sparse = SPARSE[group];
        weights[at] = sparse
          ? sparseWeight(person.next(), sparse)
          : OWN_PART * weights[at]! + norm * (share * first[at]! + (1 - share) * second[at]!);
      });
      return weights;
    },
  };
};

const denseWeights = (films: FilmTable, random: SeededRandom): TasteWeights => {
  const weights = new Float64Array(films.features.length);
  films.features.forEach(({ group }, at) => {
    if (SPREAD[group] > 0) weights[at] = SPREAD[group] * random.normal();
  });
  return weights;
};

const sparseWeight = (uniform: number, chance: { loved: number; disliked: number }): number => {
  if (uniform < chance.loved) return LOVE;
  return uniform < chance.loved + chance.disliked ? DISLIKE : 0;
};

/**
 * Sums of a taste's weights over the features of each film, damped for films with many. Feature by
 * feature, because most weights for people and franchises are nothing.
 */
export const tasteOfFilms = (films: FilmTable, weights: TasteWeights): Float64Array => {
  const taste = new Float64Array(films.items.length);
  for (let feature = 0; feature < weights.length; feature++) {
    const weight = weights[feature]!;
    if (weight === 0) continue;
    const members = films.features[feature]!.films;
    for (let at = 0; at < members.length; at++) taste[members[at]!]! += weight;
  }
  for (let film = 0; film < taste.length; film++) taste[film]! *= films.damping[film]!;
  return taste;
};

/** The angle by which a taste has turned at a time. */
export const driftAngle = (elapsedMs: number, pace: number): number =>
  pace * AUDIENCE_MODEL.driftPerWeek * Math.floor(elapsedMs / AUDIENCE_MODEL.WEEK_MS);

/**
 * Affinity of one person for each film: taste turned by the angle, in standard deviations over
 * films as people meet them, mixed with the film's quality and scaled back to a deviation of 1.
 */
export const affinities = (
  films: FilmTable,
  first: Float64Array,
  second: Float64Array,
  angle: number,
): Float64Array => {
  const cosine = Math.cos(angle);
  const sine = Math.sin(angle);
  const values = new Float64Array(first.length);
  for (let film = 0; film < values.length; film++) {
    values[film] = cosine * first[film]! + sine * second[film]!;
  }
  const { mean, deviation } = spreadOf(films, values);
  const weight = AUDIENCE_MODEL.qualityWeight;
  const scale = 1 / Math.hypot(1, weight);
  for (let film = 0; film < values.length; film++) {
    values[film] = scale * ((values[film]! - mean) / deviation + weight * films.quality[film]!);
  }
  return values;
};

/** Mean and deviation over films as people meet them, by popularity. */
const spreadOf = (films: FilmTable, values: Float64Array) => {
  let mean = 0;
  let square = 0;
  for (let film = 0; film < values.length; film++) {
    const share = films.popularity[film]!;
    mean += share * values[film]!;
    square += share * values[film]! ** 2;
  }
  return { mean, deviation: Math.sqrt(Math.max(square - mean * mean, 1e-12)) };
};

/** popularity × e^(strength × affinity), summed up over the films: what choices are drawn from. */
export const choiceWeights = (films: FilmTable, affinity: Float64Array): Float64Array => {
  const cumulative = new Float64Array(affinity.length);
  let sum = 0;
  for (let film = 0; film < affinity.length; film++) {
    sum += films.popularity[film]! * appeal(affinity[film]!);
    cumulative[film] = sum;
  }
  return cumulative;
};

/** People drawn to learn how a film's affinities are spread. */
const SAMPLE = 120;
const SAMPLE_FORK = 7;

/**
 * Choices weigh e^(strength × affinity), whose mean is larger for films that divide people: a film
 * of many genres would be chosen far beyond its fame. This gives the table popularities that lead to
 * the wanted ones, taking affinities for normal: E[e^(sA)] = e^(s·mean + s²·variance / 2).
 */
export const withNeutralTaste = (films: FilmTable, seed: number): FilmTable => {
  const source = tasteSource(films, seed);
  const random = seededRandom(seed).fork(SAMPLE_FORK);
  const sums = new Float64Array(films.items.length);
  const squares = new Float64Array(films.items.length);
  for (let person = 0; person < SAMPLE; person++) {
    const taste = tasteOfFilms(films, source.draw(random));
    const liked = affinities(films, taste, taste, 0);
    liked.forEach((affinity, film) => {
      sums[film]! += affinity;
      squares[film]! += affinity * affinity;
    });
  }
  const strength = AUDIENCE_MODEL.tasteStrength;
  const popularity = films.popularity.map((share, film) => {
    const mean = sums[film]! / SAMPLE;
    const variance = squares[film]! / SAMPLE - mean * mean;
    return share / Math.exp(strength * mean + (strength * strength * variance) / 2);
  });
  return withPopularity(films, popularity);
};

/**
 * e^(strength × affinity) from a table in steps of 1/512, good to 0.3 %: the history asks for it
 * twenty million times.
 */
const APPEAL_REACH = 8;
const APPEAL_STEPS = 512;
const APPEALS = Float64Array.from({ length: 2 * APPEAL_REACH * APPEAL_STEPS + 1 }, (_, at) =>
  Math.exp(AUDIENCE_MODEL.tasteStrength * (at / APPEAL_STEPS - APPEAL_REACH)),
);

/** How much more often than its popularity a film is chosen at an affinity. */
export const appeal = (affinity: number): number => {
  const at = ((affinity + APPEAL_REACH) * APPEAL_STEPS) | 0;
  return APPEALS[at] ?? (at < 0 ? APPEALS[0]! : APPEALS.at(-1)!);
};
