/**
 * From an opinion to stars: a normal variable (affinity, quality, the person's own bias, noise) cut where
 * the shares of the stars fall. The shares are those of MovieLens' small data set, split between
 * people who give half stars and people who do not.
 */
import type { SeededRandom } from '../../algorithms/random/seeded-random.ts';
import { AUDIENCE_MODEL } from './options.ts';
import type { Person } from './people.ts';

const HALF_STAR_SHARES = [
  0.5, 0.0227, 1, 0.015, 1.5, 0.0297, 2, 0.04, 2.5, 0.0917, 3, 0.13, 3.5, 0.2172, 4, 0.2, 4.5,
  0.1413, 5, 0.1124,
];
const WHOLE_STAR_SHARES = [1, 0.047, 2, 0.127, 3, 0.302, 4, 0.365, 5, 0.159];

interface Cut {
  readonly stars: number;
  /** The normal variable below which a rating gets these stars at most. */
  readonly below: number;
}

/** Beyond the last share all get the highest stars. */
const cutsOf = (shares: readonly number[]): Cut[] => {
  let sum = 0;
  return Array.from({ length: shares.length / 2 }, (_, at) => {
    sum += shares[2 * at + 1]!;
    const isLast = 2 * at + 2 === shares.length;
    return {
      stars: shares[2 * at]!,
      below: isLast ? Number.POSITIVE_INFINITY : normalQuantile(sum),
    };
  });
};

/** Normal quantile by bisection of the distribution function: exact enough, and run 15 times. */
const normalQuantile = (probability: number): number => {
  let low = -8;
  let high = 8;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (normalDistribution(middle) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
};

/** Abramowitz and Stegun 26.2.17; error below 7.5e-8. */
const normalDistribution = (x: number): number => {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const tail =
    (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return x >= 0 ? 1 - tail : tail;
};

const HALF_STAR_CUTS = cutsOf(HALF_STAR_SHARES);
const WHOLE_STAR_CUTS = cutsOf(WHOLE_STAR_SHARES);

/**
 * People mostly watch what they like and what is good: affinity and quality of watched films lie
 * this much above those of all (measured on the history of the default seed).
 */
const WATCHED = { affinity: 2.25, quality: 0.56 };

export interface Opinion {
  /** The person's affinity for the film and the film's own quality, in standard deviations. */
  readonly affinity: number;
  readonly quality: number;
}

/** Stars that a person gives, noise included. */
export const starsFor = (
  person: Person,
  { affinity, quality }: Opinion,
  random: SeededRandom,
): number => {
  const { stars } = AUDIENCE_MODEL;
  const value =
    stars.affinity * (affinity - WATCHED.affinity) +
    stars.quality * (quality - WATCHED.quality) +
    person.starBias +
    stars.noise * random.normal();
  const cuts = person.usesHalfStars ? HALF_STAR_CUTS : WHOLE_STAR_CUTS;
  return cuts.find(({ below }) => value < below)!.stars;
};
