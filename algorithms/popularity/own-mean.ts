/**
 * A person's own mean of ratings, shrunk to a prior: one rating says little about how somebody
 * rates, so a prior counts as `strength` ratings beside it. Sums are in thousandths, exact.
 */
export interface OwnMeanPrior {
  readonly mean: number;
  readonly strength: number;
}

const THOUSAND = 1000;

export const thousandthsOf = (value: number): number => Math.round(value * THOUSAND);

export const ownMean = (sumThousandths: number, count: number, prior: OwnMeanPrior): number =>
  (sumThousandths / THOUSAND + prior.mean * prior.strength) / (count + prior.strength);

/** Whether a value speaks for an item, given the person's earlier values. */
export const isAtOrAboveOwnMean = (
  value: number,
  sumThousandths: number,
  count: number,
  prior: OwnMeanPrior,
): boolean => value >= ownMean(sumThousandths, count, prior);
