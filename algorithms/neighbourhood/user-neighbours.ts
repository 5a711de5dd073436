/**
 * User-based collaborative filtering: people who rated alike, over the items that both rated.
 *
 *   euclidean  1 ÷ (1 + √(mean squared difference))
 *   pearson    correlation, with means over the shared items
 *   cosine     Σ r_u·r_v ÷ √(Σ r_u² · Σ r_v²), of deviations from each one's mean where centred
 *
 * Fewer than `minOverlap` shared items count as no similarity; fewer than `significance` shrink it
 * in proportion (Herlocker, Konstan, Borchers and Riedl, 1999). Only positive similarities count.
 * A rating is predicted from the `neighbours` most similar people who rated the item:
 *
 *   own mean + Σ sim · (r_v − mean_v) ÷ Σ |sim|    (without the means where not centred)
 *
 * A list is ranked by Σ sim · r over the `neighbours` most similar people of all.
 * Cost: the ratings of all items of the history. Caveat: holds everybody's ratings, so it is a
 * baseline and an offline tool, not part of a release.
 */
import { checkHistories, type Histories, type History } from '../histories/histories.ts';
import { packHistories, unpackHistories } from '../histories/history-bytes.ts';
import { type SparseRows, transposeOf, userItemsOf } from '../histories/user-items.ts';
import type { ItemModel } from '../model/item-model.ts';
import { decodeModel, encodeModel } from '../model/model-bytes.ts';
import { checkCount, checkNonNegative, checkOneOf } from '../model/option-checks.ts';
import { keepNearest } from './nearest.ts';

const MEASURES = ['euclidean', 'pearson', 'cosine'] as const;
export type UserSimilarity = (typeof MEASURES)[number];

export interface UserNeighbourOptions {
  readonly measure: UserSimilarity;
  readonly neighbours: number;
  readonly minOverlap: number;
  /** Shared items from which a similarity counts in full; 0 switches the shrinking off. */
  readonly significance: number;
  readonly isCentred: boolean;
}

export const DEFAULT_USER_NEIGHBOUR_OPTIONS: UserNeighbourOptions = {
  measure: 'pearson',
  neighbours: 60,
  minOverlap: 3,
  significance: 50,
  isCentred: true,
};

/** Sums over the items that two people share. */
interface SharedSums {
  readonly overlap: Float64Array;
  readonly own: Float64Array;
  readonly other: Float64Array;
  readonly ownSquares: Float64Array;
  readonly otherSquares: Float64Array;
  readonly products: Float64Array;
}

const FORMAT = 'user-neighbours/1';

export class UserNeighbours implements ItemModel {
  readonly #histories: Histories;
  readonly #options: UserNeighbourOptions;
  readonly #userItems: SparseRows;
  readonly #itemUsers: SparseRows;
  readonly #means: Float64Array;
  readonly #overallMean: number;
  readonly #sums: SharedSums;

  constructor(histories: Histories, options: UserNeighbourOptions) {
    checkOneOf('measure', options.measure, MEASURES);
    checkCount('neighbours', options.neighbours);
    checkCount('minOverlap', options.minOverlap);
    checkNonNegative('significance', options.significance);
    checkHistories(histories);
    this.#histories = histories;
    this.#options = options;
    this.#userItems = userItemsOf(histories);
    this.#itemUsers = transposeOf(this.#userItems);
    const { values } = this.#userItems;
    this.#overallMean = values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
    this.#means = meansOf(this.#userItems, this.#overallMean);
    const column = (): Float64Array => new Float64Array(histories.userCount);
    this.#sums = {
      overlap: column(),
      own: column(),
      other: column(),
      ownSquares: column(),
      otherSquares: column(),
      products: column(),
    };
  }

  get itemCount(): number {
    return this.#histories.itemCount;
  }

  get sizeBytes(): number {
    const { columns, values } = this.#userItems;
    return 2 * (columns.byteLength + values.byteLength);
  }

  /** Similarity of every person in the data to this one, 0 where there is none. */
  similarities(history: History, exceptUser = -1): Float64Array {
    const sums = this.#sums;
    for (const column of Object.values(sums)) column.fill(0);
    const ratings = latestRatings(history, this.itemCount);
    const ownMean = meanOfRatings(ratings, this.#overallMean);
    const isShifted = this.#options.isCentred && this.#options.measure === 'cosine';
    for (const [item, rating] of ratings) {
      const own = isShifted ? rating - ownMean : rating;
      this.#addRaters(item, own, isShifted);
    }
    const { overlap } = sums;
    return overlap.map((shared, user) => {
      if (shared < this.#options.minOverlap || user === exceptUser) return 0;
      const { significance } = this.#options;
      const trust = significance > 0 ? Math.min(shared / significance, 1) : 1;
      return Math.max(this.#similarityTo(user), 0) * trust;
    });
  }

  #addRaters(item: number, own: number, isShifted: boolean): void {
    const { starts, columns, values } = this.#itemUsers;
    const { overlap, own: ownSum, other, ownSquares, otherSquares, products } = this.#sums;
    for (let k = starts[item]!; k < starts[item + 1]!; k++) {
      const user = columns[k]!;
      const theirs = isShifted ? values[k]! - this.#means[user]! : values[k]!;
      overlap[user]! += 1;
      ownSum[user]! += own;
      other[user]! += theirs;
      ownSquares[user]! += own * own;
      otherSquares[user]! += theirs * theirs;
      products[user]! += own * theirs;
    }
  }

  #similarityTo(user: number): number {
    const { overlap, own, other, ownSquares, otherSquares, products } = this.#sums;
    const count = overlap[user]!;
    const [squaresA, squaresB] = [ownSquares[user]!, otherSquares[user]!];
    switch (this.#options.measure) {
      case 'euclidean': {
        const distance = Math.max(squaresA + squaresB - 2 * products[user]!, 0);
        return 1 / (1 + Math.sqrt(distance / count));
      }
      case 'cosine':
        return ratioOrZero(products[user]!, Math.sqrt(squaresA * squaresB));
      case 'pearson': {
        const covariance = products[user]! - (own[user]! * other[user]!) / count;
        const varianceA = squaresA - own[user]! ** 2 / count;
        const varianceB = squaresB - other[user]! ** 2 / count;
        return ratioOrZero(covariance, Math.sqrt(Math.max(varianceA * varianceB, 0)));
      }
    }
  }

  /** Predicted ratings of `items`. Where nobody similar rated an item: the person's own mean. */
  predict(history: History, items: ArrayLike<number>, exceptUser = -1): Float64Array {
    const similarity = this.similarities(history, exceptUser);
    const ratings = latestRatings(history, this.itemCount);
    const ownMean = meanOfRatings(ratings, this.#overallMean);
    return Float64Array.from(items, (item) => this.#predictOne(item, similarity, ownMean));
  }

  #predictOne(item: number, similarity: Float64Array, ownMean: number): number {
    if (item >= this.itemCount) return ownMean;
    const { starts, columns, values } = this.#itemUsers;
    const raters: number[] = [];
    for (let k = starts[item]!; k < starts[item + 1]!; k++) {
      if (similarity[columns[k]!]! > 0) raters.push(k);
    }
    const similarityAt = (k: number): number => similarity[columns[k]!]!;
    if (raters.length > this.#options.neighbours) {
      raters.sort((a, b) => similarityAt(b) - similarityAt(a) || a - b);
      raters.length = this.#options.neighbours;
    }
    let sum = 0;
    let total = 0;
    for (const k of raters) {
      const mean = this.#options.isCentred ? this.#means[columns[k]!]! : 0;
      sum += similarityAt(k) * (values[k]! - mean);
      total += similarityAt(k);
    }
    if (total === 0) return ownMean;
    return (this.#options.isCentred ? ownMean : 0) + sum / total;
  }

  score(history: History, scores: Float64Array): void {
    scores.fill(0);
    const similarity = this.similarities(history);
    const users = Uint32Array.from(similarity.keys()).filter((user) => similarity[user]! > 0);
    keepNearest(similarity, users, this.#options.neighbours);
    const { starts, columns, values } = this.#userItems;
    for (const user of users) {
      const weight = similarity[user]!;
      if (weight === 0) continue;
      for (let k = starts[user]!; k < starts[user + 1]!; k++) {
        scores[columns[k]!]! += weight * values[k]!;
      }
    }
  }

  serialise(): Uint8Array {
    const { facts, arrays } = packHistories(this.#histories);
    return encodeModel({ format: FORMAT, facts: { ...facts, options: this.#options }, arrays });
  }
}

const ratioOrZero = (above: number, below: number): number => (below > 0 ? above / below : 0);

const latestRatings = ({ items, weights }: History, itemCount: number): Map<number, number> => {
  const ratings = new Map<number, number>();
  items.forEach((item, k) => {
    if (item < itemCount) ratings.set(item, weights ? weights[k]! : 1);
  });
  return ratings;
};

const meanOfRatings = (ratings: ReadonlyMap<number, number>, otherwise: number): number => {
  if (ratings.size === 0) return otherwise;
  let sum = 0;
  for (const rating of ratings.values()) sum += rating;
  return sum / ratings.size;
};

const meansOf = ({ rowCount, starts, values }: SparseRows, otherwise: number): Float64Array =>
  Float64Array.from({ length: rowCount }, (_, row) => {
    const [start, end] = [starts[row]!, starts[row + 1]!];
    if (start === end) return otherwise;
    let sum = 0;
    for (let k = start; k < end; k++) sum += values[k]!;
    return sum / (end - start);
  });

export const readUserNeighbours = (bytes: Uint8Array): UserNeighbours => {
  const parts = decodeModel(bytes, FORMAT);
  return new UserNeighbours(unpackHistories(parts), parts.facts.options as UserNeighbourOptions);
};
