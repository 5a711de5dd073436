/**
 * The simulated history beside MovieLens' small data set: how far ratings per user and item, stars
 * and session lengths lie apart. `node bench/audience-marginals.ts [seed …]`.
 */

import {
  MARGINAL_BOUNDS,
  type MarginalDistances,
  type MarginalRating,
  type Marginals,
  marginalDistances,
  marginalsOf,
} from '../ingest/audience/marginals.ts';
import { type AudienceOptions, DEFAULT_AUDIENCE_OPTIONS } from '../ingest/audience/options.ts';
import { withReleases } from '../ingest/audience/releases.ts';
import { simulateHistory } from '../ingest/audience/simulate-history.ts';
import { loadDemoCatalogue } from '../ingest/demo/demo-catalogue.ts';
import { epochMs } from '../schemas/ids.ts';
import { absenceOf, isPresent } from './quality/datasets/location.ts';
import { ML_SMALL_FILE, readMovieLensSmall } from './quality/datasets/movielens.ts';

const ENDS_AT = epochMs(Date.UTC(2026, 0, 15, 18));

export const simulatedMarginals = (changes: Partial<AudienceOptions>): Marginals => {
  const options = { ...DEFAULT_AUDIENCE_OPTIONS, ...changes, endsAt: ENDS_AT };
  const catalogue = withReleases(loadDemoCatalogue(), options);
  const ratings = simulateHistory({ ...options, catalogue })
    .filter(({ kind }) => kind === 'rating')
    .map(
      (event): MarginalRating => ({
        user: event.userId,
        item: event.itemId,
        stars: event.value ?? 0,
        time: event.occurredAt,
      }),
    );
  return marginalsOf(ratings);
};

export const movieLensMarginals = async (): Promise<Marginals> => {
  const { ratings } = await readMovieLensSmall();
  return marginalsOf(
    ratings.map(({ user, item, value, time }) => ({ user, item, stars: value, time: 1000 * time })),
  );
};

const MEASURES: Readonly<Record<keyof MarginalDistances, string>> = {
  ratingsPerUser: 'ratings per user (Lorenz curves)',
  ratingsPerItem: 'ratings per item (Lorenz curves)',
  stars: 'stars (Jensen–Shannon, bits)',
  sessionLength: 'ratings per session (Kolmogorov)',
};

const tableOf = (columns: readonly MarginalDistances[], seeds: readonly number[]): string => {
  const rows = (Object.keys(MEASURES) as (keyof MarginalDistances)[]).map((name) => {
    const figures = columns.map((distances) => distances[name].toFixed(4)).join(' | ');
    return `| ${MEASURES[name]} | ${MARGINAL_BOUNDS[name]} | ${figures} |`;
  });
  const heads = seeds.map((seed) => `seed ${seed}`).join(' | ');
  return [
    `| distance | bound | ${heads} |`,
    `|---|---|${'---|'.repeat(seeds.length)}`,
    ...rows,
  ].join('\n');
};

if (import.meta.main) {
  if (isPresent(ML_SMALL_FILE)) {
    const given = process.argv.slice(2).map(Number);
    const seeds = given.length > 0 ? given : [DEFAULT_AUDIENCE_OPTIONS.seed, 1, 2];
    const real = await movieLensMarginals();
    const columns = seeds.map((seed) => marginalDistances(simulatedMarginals({ seed }), real));
    process.stdout.write(`${tableOf(columns, seeds)}\n`);
  } else {
    process.stdout.write(`${absenceOf(ML_SMALL_FILE, 'the marginals of the audience')}\n`);
  }
}
