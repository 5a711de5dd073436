/**
 * Predicted stars as they are shown: a rating model's prediction within the scale, with an interval
 * that held so many of the ratings that the model had not seen.
 */
import type { History } from '../histories/histories.ts';
import { areFiniteInPieces } from '../model/finite.ts';
import { arrayOf, decodeModel, encodeModel } from '../model/model-bytes.ts';
import type { Pieces } from '../model/pieces.ts';
import { type FactorRatingModel, readFactorRatings } from './factor-rating-model.ts';
import { ownRatingsOf } from './rating-model.ts';
import { RatingSpread } from './rating-spread.ts';

export interface RatingScale {
  readonly min: number;
  readonly max: number;
}

export interface Forecast {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const FORMAT = 'rating-forecast/1';
/** Of the ratings to come, so many lie within the interval. */
const PROBABILITY = 0.8;

export class RatingForecast {
  readonly model: FactorRatingModel;
  readonly #spread: RatingSpread;
  readonly #scale: RatingScale;

  constructor(model: FactorRatingModel, spread: RatingSpread, scale: RatingScale) {
    this.model = model;
    this.#spread = spread;
    this.#scale = scale;
  }

  get itemCount(): number {
    return this.model.itemCount;
  }

  /** Whether every number of it is one. */
  *isFiniteInPieces(): Pieces<boolean> {
    const { scales, quantiles } = this.#spread;
    return (
      (yield* this.model.isFiniteInPieces()) && (yield* areFiniteInPieces([scales, quantiles]))
    );
  }

  /** undefined for an item that the model does not know. The history's weights are its ratings. */
  forecast(history: History, item: number): Forecast | undefined {
    if (item >= this.itemCount) return undefined;
    const [predicted = 0] = this.model.predict(history, [item]);
    const ratings = ownRatingsOf(history, this.itemCount).items.length;
    const { low, high } = this.#spread.interval(predicted, ratings, PROBABILITY);
    return { value: this.#within(predicted), low: this.#within(low), high: this.#within(high) };
  }

  #within(value: number): number {
    return Math.min(Math.max(value, this.#scale.min), this.#scale.max);
  }

  serialise(): Uint8Array {
    const { scales, quantiles } = this.#spread;
    const arrays = { scales, quantiles, model: this.model.serialise() };
    return encodeModel({ format: FORMAT, facts: { scale: this.#scale }, arrays });
  }
}

export const readRatingForecast = (bytes: Uint8Array): RatingForecast => {
  const parts = decodeModel(bytes, FORMAT);
  const spread = new RatingSpread(
    arrayOf(parts, 'scales', 'f64'),
    arrayOf(parts, 'quantiles', 'f64'),
  );
  const model = readFactorRatings(arrayOf(parts, 'model', 'u8'));
  return new RatingForecast(model, spread, parts.facts.scale as RatingScale);
};
