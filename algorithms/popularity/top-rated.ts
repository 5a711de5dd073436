/**
 * Top-rated by the weighted rating that film charts use:
 *
 *   W = v ÷ (v + m) · R + m ÷ (v + m) · C
 *
 * with R the item's mean, v its number of ratings, C the mean of all ratings of the catalogue, and
 * m the number of ratings that the quantile `minVotesQuantile` of rated items has. Only items with
 * at least m ratings are listed; a single five-star rating is no chart.
 */
import { AlgorithmError } from '../model/algorithm-error.ts';
import { checkRange } from '../model/option-checks.ts';

export interface ItemRatings {
  readonly item: number;
  readonly count: number;
  readonly sum: number;
}

export interface TopRatedOptions {
  /** Share of the rated items that have too few ratings to be listed. */
  readonly minVotesQuantile: number;
}

export const DEFAULT_TOP_RATED_OPTIONS: TopRatedOptions = { minVotesQuantile: 0.9 };

export interface RatedItem {
  readonly item: number;
  readonly weightedRating: number;
  readonly mean: number;
  readonly count: number;
}

export interface TopRated {
  /** Best first; equal ones by more ratings, then by the lower index. */
  readonly items: readonly RatedItem[];
  /** m and C; null where nothing is rated. */
  readonly minVotes: number | null;
  readonly overallMean: number | null;
}

const check = ({ item, count, sum }: ItemRatings): void => {
  if (Number.isFinite(sum) && Number.isFinite(count) && count >= 0) return;
  throw new AlgorithmError('bad_data', {
    what: `the ratings of item ${item}`,
    expected: 'a finite sum and a count of at least 0',
    got: `${sum} and ${count}`,
  });
};

/** The smallest count that at least `share` of the sorted counts do not exceed; at least 1. */
const quantileOf = (sortedCounts: readonly number[], share: number): number =>
  sortedCounts[Math.min(Math.floor(share * sortedCounts.length), sortedCounts.length - 1)]!;

export const topRated = (ratings: readonly ItemRatings[], options: TopRatedOptions): TopRated => {
  checkRange('minVotesQuantile', options.minVotesQuantile, { min: 0, max: 1 });
  for (const entry of ratings) check(entry);
  const rated = ratings.filter(({ count }) => count > 0);
  if (rated.length === 0) return { items: [], minVotes: null, overallMean: null };
  const counts = rated.map(({ count }) => count).sort((a, b) => a - b);
  const minVotes = quantileOf(counts, options.minVotesQuantile);
  const total = rated.reduce((all, { count }) => all + count, 0);
  const overallMean = rated.reduce((all, { sum }) => all + sum, 0) / total;
  const items = rated
    .filter(({ count }) => count >= minVotes)
    .map(({ item, count, sum }) => ({
      item,
      count,
      mean: sum / count,
      weightedRating: weightedRating({ count, sum }, { minVotes, overallMean }),
    }))
    .sort((a, b) => b.weightedRating - a.weightedRating || b.count - a.count || a.item - b.item);
  return { items, minVotes, overallMean };
};

/** W of one item. */
export const weightedRating = (
  { count, sum }: Pick<ItemRatings, 'count' | 'sum'>,
  { minVotes, overallMean }: { readonly minVotes: number; readonly overallMean: number },
): number => (sum + minVotes * overallMean) / (count + minVotes);
