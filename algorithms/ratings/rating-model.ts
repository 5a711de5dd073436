/**
 * What every fitted model of ratings looks like from outside: it predicts what one person would
 * give to items from that person's own ratings, so it fits whoever comes, holds no user data and
 * can be stored as bytes. Predictions are not clipped: where a scale ends is the caller's matter.
 */
import { checkHistories, type Histories, type History } from '../histories/histories.ts';
import { type SparseRows, userItemsOf } from '../histories/user-items.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';

export interface RatingModel {
  readonly itemCount: number;
  readonly sizeBytes: number;
  /**
   * One predicted rating per item of `items`. An item that the model does not know gets the
   * person's usual rating, a person without ratings the item's.
   */
  predict(history: History, items: ArrayLike<number>): Float64Array;
  serialise(): Uint8Array;
}

/** Ratings as rows of people, the last of a pair standing; refuses data without any. */
export const checkedRatings = (histories: Histories): SparseRows => {
  checkHistories(histories);
  if (histories.items.length === 0 || histories.weights === null) {
    throw new AlgorithmError('bad_data', {
      what: 'the ratings',
      expected: 'at least one with a value',
      got: histories.items.length === 0 ? 'none' : 'events without values',
    });
  }
  return userItemsOf(histories);
};

/** A person's ratings without repeats (the last stands) and without items that are unknown. */
export interface OwnRatings {
  readonly items: Uint32Array;
  readonly values: Float64Array;
  /** Beside `items`: where in the history the rating stands. */
  readonly places: Uint32Array;
}

export const ownRatingsOf = ({ items, weights }: History, itemCount: number): OwnRatings => {
  const latest = new Map<number, number>();
  for (let place = 0; place < items.length; place++) {
    if (items[place]! >= itemCount) continue;
    const value = weights ? weights[place]! : 1;
    if (!Number.isFinite(value)) {
      throw new AlgorithmError('bad_data', {
        what: 'a rating',
        expected: 'a finite number',
        got: value,
      });
    }
    latest.set(items[place]!, place);
  }
  const known = Uint32Array.from(latest.keys()).sort();
  const places = known.map((item) => latest.get(item)!);
  return {
    items: known,
    values: Float64Array.from(places, (place) => (weights ? weights[place]! : 1)),
    places,
  };
};

export const meanOf = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let k = 0; k < values.length; k++) sum += values[k]!;
  return values.length === 0 ? 0 : sum / values.length;
};
