/**
 * How the ratings of a data set are spread, and how far two such spreads lie apart. Quantities per
 * user and per item are compared as Lorenz curves (the share of all ratings that the most active
 * part has), which know no scale: six hundred people over twenty years and two thousand over six
 * weeks can be told apart by shape alone.
 */
export interface MarginalRating {
  readonly user: string | number;
  readonly item: string | number;
  readonly stars: number;
  /** Milliseconds. */
  readonly time: number;
}

export interface Marginals {
  readonly ratingsPerUser: readonly number[];
  readonly ratingsPerItem: readonly number[];
  /** Share of each number of stars, half a star to five. */
  readonly starShares: readonly number[];
  /** Ratings in each session; a pause of thirty minutes ends one. */
  readonly sessionLengths: readonly number[];
}

const SESSION_GAP_MS = 30 * 60_000;
const STAR_STEPS = 10;

export const marginalsOf = (ratings: readonly MarginalRating[]): Marginals => ({
  ratingsPerUser: countsBy(ratings, ({ user }) => user),
  ratingsPerItem: countsBy(ratings, ({ item }) => item),
  starShares: starShares(ratings),
  sessionLengths: [...Map.groupBy(ratings, ({ user }) => user).values()].flatMap(sessionLengths),
});

const countsBy = (
  ratings: readonly MarginalRating[],
  keyOf: (rating: MarginalRating) => string | number,
): number[] => {
  const counts = new Map<string | number, number>();
  for (const rating of ratings) counts.set(keyOf(rating), (counts.get(keyOf(rating)) ?? 0) + 1);
  return [...counts.values()];
};

const starShares = (ratings: readonly MarginalRating[]): number[] => {
  const shares = new Array<number>(STAR_STEPS).fill(0);
  for (const { stars } of ratings) shares[Math.round(2 * stars) - 1]! += 1 / ratings.length;
  return shares;
};

const sessionLengths = (ratings: readonly MarginalRating[]): number[] => {
  const times = ratings.map(({ time }) => time).sort((a, b) => a - b);
  const lengths: number[] = [];
  times.forEach((time, at) => {
    if (at === 0 || time - times[at - 1]! > SESSION_GAP_MS) lengths.push(1);
    else lengths[lengths.length - 1]!++;
  });
  return lengths;
};

/** Points at which Lorenz curves are compared. */
const LORENZ_STEPS = 200;

/** Share of the whole that the largest part of the counts has, at each of the steps. */
const lorenzCurve = (counts: readonly number[]): number[] => {
  const sorted = [...counts].sort((a, b) => b - a);
  const sums: number[] = [0];
  for (const count of sorted) sums.push(sums.at(-1)! + count);
  const total = sums.at(-1)!;
  return Array.from({ length: LORENZ_STEPS + 1 }, (_, step) => {
    const position = (step / LORENZ_STEPS) * sorted.length;
    const below = Math.floor(position);
    const next = sums[below + 1] ?? total;
    return (sums[below]! + (position - below) * (next - sums[below]!)) / total;
  });
};

/** Largest vertical distance of the two Lorenz curves, 0 to 1. */
export const lorenzDistance = (a: readonly number[], b: readonly number[]): number => {
  const other = lorenzCurve(b);
  return Math.max(...lorenzCurve(a).map((share, at) => Math.abs(share - other[at]!)));
};

/** Largest vertical distance of the two distribution functions, 0 to 1. */
export const kolmogorovDistance = (a: readonly number[], b: readonly number[]): number => {
  const shareUpTo = (sorted: readonly number[], value: number): number =>
    (sorted.findLastIndex((other) => other <= value) + 1) / sorted.length;
  const [first, second] = [a, b].map((values) => [...values].sort((x, y) => x - y));
  const points = new Set([...a, ...b]);
  return Math.max(
    ...[...points].map((value) => Math.abs(shareUpTo(first!, value) - shareUpTo(second!, value))),
  );
};

/** Jensen–Shannon divergence in bits, 0 to 1. */
export const jensenShannon = (a: readonly number[], b: readonly number[]): number => {
  const divergence = (p: readonly number[], q: readonly number[]): number =>
    p.reduce(
      (sum, share, at) =>
        share > 0 ? sum + share * Math.log2(share / ((share + q[at]!) / 2)) : sum,
      0,
    );
  return (divergence(a, b) + divergence(b, a)) / 2;
};

export interface MarginalDistances {
  readonly ratingsPerUser: number;
  readonly ratingsPerItem: number;
  readonly stars: number;
  readonly sessionLength: number;
}

/** What the simulated history keeps to against MovieLens' small data set. */
export const MARGINAL_BOUNDS: MarginalDistances = {
  ratingsPerUser: 0.06,
  ratingsPerItem: 0.1,
  stars: 0.01,
  sessionLength: 0.1,
};

export const marginalDistances = (a: Marginals, b: Marginals): MarginalDistances => ({
  ratingsPerUser: lorenzDistance(a.ratingsPerUser, b.ratingsPerUser),
  ratingsPerItem: lorenzDistance(a.ratingsPerItem, b.ratingsPerItem),
  stars: jensenShannon(a.starShares, b.starShares),
  sessionLength: kolmogorovDistance(a.sessionLengths, b.sessionLengths),
});
