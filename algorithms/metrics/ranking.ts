/**
 * Metrics of one ranked list against the items that were relevant, each at a cut-off k (Järvelin
 * and Kekäläinen 2002 for the discounted gain; binary relevance). An item that stands in the list
 * twice counts at its first place. Where nothing was relevant a metric is undefined: `null`, and
 * the person is left out of the mean rather than counted as a failure.
 */
import { AlgorithmError } from '../model/algorithm-error.ts';
import { checkCount } from '../model/option-checks.ts';

export type RankedItems = ArrayLike<number>;
export type RelevantItems = ReadonlySet<number>;
/** null: undefined, because nothing was relevant. */
export type MetricValue = number | null;

const discountAt = (place: number): number => 1 / Math.log2(place + 2);

/** Places (from 0) below k at which a relevant item stands for the first time. */
const hitPlaces = (ranked: RankedItems, relevant: RelevantItems, k: number): number[] => {
  checkCount('k', k);
  const places: number[] = [];
  const counted = new Set<number>();
  for (let place = 0; place < Math.min(k, ranked.length); place++) {
    const item = ranked[place]!;
    if (!relevant.has(item) || counted.has(item)) continue;
    counted.add(item);
    places.push(place);
  }
  return places;
};

const ifRelevant = (relevant: RelevantItems, value: () => number): MetricValue =>
  relevant.size === 0 ? null : value();

/** 1 where at least one relevant item is among the first k. */
export const hitRate = (ranked: RankedItems, relevant: RelevantItems, k: number): MetricValue =>
  ifRelevant(relevant, () => (hitPlaces(ranked, relevant, k).length > 0 ? 1 : 0));

/** Share of the relevant items that are among the first k. */
export const recall = (ranked: RankedItems, relevant: RelevantItems, k: number): MetricValue =>
  ifRelevant(relevant, () => hitPlaces(ranked, relevant, k).length / relevant.size);

/** Hits divided by k, also where the list is shorter than k. */
export const precision = (ranked: RankedItems, relevant: RelevantItems, k: number): MetricValue =>
  ifRelevant(relevant, () => hitPlaces(ranked, relevant, k).length / k);

export const ndcg = (ranked: RankedItems, relevant: RelevantItems, k: number): MetricValue =>
  ifRelevant(relevant, () => {
    let gain = 0;
    for (const place of hitPlaces(ranked, relevant, k)) gain += discountAt(place);
    let ideal = 0;
    for (let place = 0; place < Math.min(k, relevant.size); place++) ideal += discountAt(place);
    return gain / ideal;
  });

/** One over the rank of the first relevant item among the first k, else 0. */
export const reciprocalRank = (
  ranked: RankedItems,
  relevant: RelevantItems,
  k: number,
): MetricValue =>
  ifRelevant(relevant, () => {
    const first = hitPlaces(ranked, relevant, k)[0];
    return first === undefined ? 0 : 1 / (first + 1);
  });

/** Mean of the precisions at the hits, divided by how many hits were possible: min(k, relevant). */
export const averagePrecision = (
  ranked: RankedItems,
  relevant: RelevantItems,
  k: number,
): MetricValue =>
  ifRelevant(relevant, () => {
    const places = hitPlaces(ranked, relevant, k);
    const sum = places.reduce((total, place, hits) => total + (hits + 1) / (place + 1), 0);
    return sum / Math.min(k, relevant.size);
  });

/** Mean over the people for whom the metric is defined; null where there is none. */
export const meanOf = (values: Iterable<MetricValue>): MetricValue => {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (value === null) continue;
    sum += value;
    count += 1;
  }
  return count === 0 ? null : sum / count;
};

/**
 * How equal scores are ranked. `average` gives the target the middle of its tie, which is fair and
 * deterministic; `worst` never flatters a model that gives everything the same score; `best` is
 * what many papers do without saying so.
 */
export type TieRule = 'best' | 'average' | 'worst';

/**
 * Rank of a target (from 0; fractional under `average`) among the candidates' scores. A score
 * that is not a number ranks last. The target itself must not be among `others`.
 */
export const rankOfTarget = (
  targetScore: number,
  others: ArrayLike<number>,
  ties: TieRule,
): number => {
  if (ties !== 'best' && ties !== 'average' && ties !== 'worst') {
    throw new AlgorithmError('bad_option', {
      name: 'ties',
      expected: 'one of best, average, worst',
      got: ties,
    });
  }
  if (Number.isNaN(targetScore)) return others.length;
  let above = 0;
  let equal = 0;
  for (let k = 0; k < others.length; k++) {
    if (others[k]! > targetScore) above += 1;
    else if (others[k]! === targetScore) equal += 1;
  }
  if (ties === 'best') return above;
  return ties === 'worst' ? above + equal : above + equal / 2;
};

/** Metrics of a single target by its rank (from 0), as the leave-one-out protocols use them. */
export const hitAtRank = (rank: number, k: number): number => (rank < k ? 1 : 0);
export const ndcgAtRank = (rank: number, k: number): number => (rank < k ? discountAt(rank) : 0);
export const reciprocalAtRank = (rank: number, k = Number.POSITIVE_INFINITY): number =>
  rank < k ? 1 / (rank + 1) : 0;
