/**
 * Ratings predicted before they come and learned as they come, one pass: an online ridge over what
 * quick learners say — biases and a factor model by SGD, item neighbours on residuals, shrunk means
 * of the person and the item, the person's newest five residuals — and their products with how
 * much is known of the person and of the item.
 *
 * `forecast` fixes what was known at that moment; `learn` takes it back with the rating, so events
 * of one moment can all be predicted before any is learned.
 */
import { AlgorithmError } from '../../model/algorithm-error.ts';
import { checkNonNegative } from '../../model/option-checks.ts';
import { OnlineRidge } from './online-ridge.ts';
import {
  DEFAULT_PROGRESSIVE_MF_OPTIONS,
  ProgressiveMf,
  type ProgressiveMfOptions,
  type RatingsSize,
} from './progressive-mf.ts';
import {
  type ProgressiveNeighbourOptions,
  ProgressiveNeighbours,
} from './progressive-neighbours.ts';

export interface ProgressiveRatingOptions {
  readonly mf: ProgressiveMfOptions;
  readonly neighbours: ProgressiveNeighbourOptions;
  /** Ratings at which a person's or an item's own mean counts half. */
  readonly meanShrinkage: number;
  readonly ridge: number;
}

/** Neighbours and ridge chosen on MovieLens latest-small alone; 1M is another stream. */
export const DEFAULT_PROGRESSIVE_RATING_OPTIONS: ProgressiveRatingOptions = {
  mf: DEFAULT_PROGRESSIVE_MF_OPTIONS,
  neighbours: { shrinkage: 20, neighbours: 60, caution: 0.5 },
  meanShrinkage: 5,
  ridge: 10,
};

export interface RatingForecast {
  readonly user: number;
  readonly item: number;
  readonly value: number;
  readonly features: Float64Array;
}

const SIGNALS = 7;
const FEATURES = 1 + 3 * SIGNALS;
const NEWEST = 5;
/** Place of the factor model's signal, which is trusted alone until the ridge knows better. */
const MF_SIGNAL = 1;

/** Deviations from the running mean, summed. */
class Deviations {
  readonly sums: Float64Array;
  readonly counts: Float64Array;

  constructor(size: number) {
    this.sums = new Float64Array(size);
    this.counts = new Float64Array(size);
  }

  add(index: number, deviation: number): void {
    this.sums[index]! += deviation;
    this.counts[index]! += 1;
  }

  mean(index: number, shrinkage: number): number {
    const count = this.counts[index]! + shrinkage;
    return count === 0 ? 0 : this.sums[index]! / count;
  }
}

export class ProgressiveRatings {
  readonly #options: ProgressiveRatingOptions;
  readonly #size: RatingsSize;
  readonly #mf: ProgressiveMf;
  readonly #neighbours: ProgressiveNeighbours;
  readonly #ridge: OnlineRidge;
  readonly #users: Deviations;
  readonly #items: Deviations;
  /** The newest residuals of each person, a ring each. */
  readonly #newest: Float64Array;

  constructor(size: RatingsSize, options: ProgressiveRatingOptions, seed: number) {
    checkNonNegative('meanShrinkage', options.meanShrinkage);
    this.#options = options;
    this.#size = size;
    this.#mf = new ProgressiveMf(size, options.mf, seed);
    this.#neighbours = new ProgressiveNeighbours(size, options.neighbours);
    this.#users = new Deviations(size.userCount);
    this.#items = new Deviations(size.itemCount);
    this.#newest = new Float64Array(size.userCount * NEWEST);
    const prior = new Float64Array(FEATURES);
    prior[MF_SIGNAL] = 1;
    this.#ridge = new OnlineRidge(prior, options.ridge);
  }

  get sizeBytes(): number {
    return this.#mf.sizeBytes + this.#neighbours.sizeBytes + this.#newest.byteLength;
  }

  forecast(user: number, item: number): RatingForecast {
    this.#check(user, item);
    const features = this.#featuresOf(user, item);
    return { user, item, features, value: this.#mf.mean + this.#ridge.predict(features) };
  }

  #check(user: number, item: number): void {
    const isIndex = (value: number, count: number): boolean =>
      Number.isInteger(value) && value >= 0 && value < count;
    if (isIndex(user, this.#size.userCount) && isIndex(item, this.#size.itemCount)) return;
    throw new AlgorithmError('bad_data', {
      what: 'person and item',
      expected: `below ${this.#size.userCount} and ${this.#size.itemCount}`,
      got: `${user} and ${item}`,
    });
  }

  #featuresOf(user: number, item: number): Float64Array {
    const { meanShrinkage } = this.#options;
    const features = new Float64Array(FEATURES);
    features[0] = 1;
    const signals = features.subarray(1, 1 + SIGNALS);
    signals[0] = this.#mf.predict(user, item) - this.#mf.mean;
    signals[1] = this.#neighbours.predict(user, item);
    signals[2] = this.#users.mean(user, meanShrinkage);
    signals[3] = this.#items.mean(item, meanShrinkage);
    signals[4] = this.#newestMean(user);
    signals[5] = this.#mf.userBiases[user]!;
    signals[6] = this.#mf.itemBiases[item]!;
    const ofUser = 1 / Math.sqrt(1 + this.#users.counts[user]!);
    const ofItem = 1 / Math.sqrt(1 + this.#items.counts[item]!);
    for (let k = 0; k < SIGNALS; k++) {
      features[1 + SIGNALS + k] = signals[k]! * ofUser;
      features[1 + 2 * SIGNALS + k] = signals[k]! * ofItem;
    }
    return features;
  }

  #newestMean(user: number): number {
    let sum = 0;
    for (let k = 0; k < NEWEST; k++) sum += this.#newest[user * NEWEST + k]!;
    return sum / NEWEST;
  }

  learn({ user, item, features }: RatingForecast, rating: number): void {
    if (!Number.isFinite(rating)) {
      throw new AlgorithmError('bad_data', {
        what: 'a rating',
        expected: 'a finite number',
        got: rating,
      });
    }
    const deviation = rating - this.#mf.mean;
    this.#ridge.learn(features, deviation);
    const residual = rating - this.#mf.biasesOf(user, item);
    this.#neighbours.learn(user, item, residual);
    const place = this.#users.counts[user]! % NEWEST;
    this.#newest[user * NEWEST + place] = residual;
    this.#users.add(user, deviation);
    this.#items.add(item, deviation);
    this.#mf.learn(user, item, rating);
  }
}
