/** The metrics of a prequential run, and its events by person, as intervals want them. */
import type { Clusters } from '../../../algorithms/metrics/confidence.ts';
import { hitAtRank, reciprocalAtRank } from '../../../algorithms/metrics/ranking.ts';
import type { OnlineRun } from './prequential-run.ts';

export const PREQUENTIAL_METRICS: Readonly<Record<string, (rank: number) => number>> = {
  'recall@10': (rank) => hitAtRank(rank, 10),
  MRR: (rank) => reciprocalAtRank(rank),
};

export const clustersOf = ({ users }: OnlineRun, values: Float64Array): Clusters => {
  const userCount = users.reduce((most, user) => Math.max(most, user), -1) + 1;
  const sums = new Float64Array(userCount);
  const counts = new Float64Array(userCount);
  users.forEach((user, place) => {
    sums[user]! += values[place]!;
    counts[user]! += 1;
  });
  return { sums, counts };
};
