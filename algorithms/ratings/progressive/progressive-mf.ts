/**
 * Biased MF that learns each rating once, as it comes: r ≈ μ + b_u + b_i + p·q, μ the running mean,
 * one SGD step a rating. The baseline of progressive tables and a part of `progressive-ratings`.
 */
import { checkCount, checkNonNegative, checkPositive } from '../../model/option-checks.ts';
import { seededRandom } from '../../random/seeded-random.ts';

export interface RatingsSize {
  readonly userCount: number;
  readonly itemCount: number;
}

export interface ProgressiveMfOptions {
  readonly factors: number;
  readonly rate: number;
  readonly regularisation: number;
  readonly userBiasRate: number;
  readonly itemBiasRate: number;
  readonly biasRegularisation: number;
  readonly deviation: number;
  /**
   * The n-th step of a bias is at least 1 ÷ (n + this), so that whoever is new is learned quickly
   * and the rate can be that of those who are known; 0 keeps to the rates.
   */
  readonly biasCaution: number;
}

/** Chosen by the whole streams of latest-small and 1M, among five. */
export const DEFAULT_PROGRESSIVE_MF_OPTIONS: ProgressiveMfOptions = {
  factors: 10,
  rate: 0.1,
  regularisation: 0.02,
  userBiasRate: 0.04,
  itemBiasRate: 0.01,
  biasRegularisation: 0.02,
  deviation: 0.1,
  biasCaution: 8,
};

export class ProgressiveMf {
  readonly #options: ProgressiveMfOptions;
  readonly #users: Float64Array;
  readonly #items: Float64Array;
  readonly userBiases: Float64Array;
  readonly itemBiases: Float64Array;
  readonly #userSteps: Float64Array;
  readonly #itemSteps: Float64Array;
  #mean = 0;
  #count = 0;

  constructor({ userCount, itemCount }: RatingsSize, options: ProgressiveMfOptions, seed: number) {
    checkCount('factors', options.factors);
    checkPositive('rate', options.rate);
    checkNonNegative('regularisation', options.regularisation);
    checkPositive('userBiasRate', options.userBiasRate);
    checkPositive('itemBiasRate', options.itemBiasRate);
    checkNonNegative('biasRegularisation', options.biasRegularisation);
    checkPositive('deviation', options.deviation);
    checkNonNegative('biasCaution', options.biasCaution);
    this.#options = options;
    const random = seededRandom(seed);
    const vectors = (count: number): Float64Array =>
      Float64Array.from(
        { length: count * options.factors },
        () => options.deviation * random.normal(),
      );
    this.#users = vectors(userCount);
    this.#items = vectors(itemCount);
    this.userBiases = new Float64Array(userCount);
    this.itemBiases = new Float64Array(itemCount);
    this.#userSteps = new Float64Array(userCount);
    this.#itemSteps = new Float64Array(itemCount);
  }

  /** Of all ratings so far. */
  get mean(): number {
    return this.#mean;
  }

  get sizeBytes(): number {
    const vectors = this.#users.byteLength + this.#items.byteLength;
    return vectors + this.userBiases.byteLength + this.itemBiases.byteLength;
  }

  biasesOf(user: number, item: number): number {
    return this.#mean + this.userBiases[user]! + this.itemBiases[item]!;
  }

  predict(user: number, item: number): number {
    const { factors } = this.#options;
    let sum = this.biasesOf(user, item);
    for (let k = 0; k < factors; k++) {
      sum += this.#users[user * factors + k]! * this.#items[item * factors + k]!;
    }
    return sum;
  }

  learn(user: number, item: number, value: number): void {
    const { factors, rate, regularisation, biasRegularisation, ...steps } = this.#options;
    const error = value - this.predict(user, item);
    this.#count += 1;
    this.#mean += (value - this.#mean) / this.#count;
    const { userBiases, itemBiases } = this;
    const userStep = this.#biasStep(steps.userBiasRate, this.#userSteps, user);
    const itemStep = this.#biasStep(steps.itemBiasRate, this.#itemSteps, item);
    userBiases[user]! += userStep * (error - biasRegularisation * userBiases[user]!);
    itemBiases[item]! += itemStep * (error - biasRegularisation * itemBiases[item]!);
    for (let k = 0; k < factors; k++) {
      const [u, i] = [user * factors + k, item * factors + k];
      const ofUser = this.#users[u]!;
      const ofItem = this.#items[i]!;
      this.#users[u] = ofUser + rate * (error * ofItem - regularisation * ofUser);
      this.#items[i] = ofItem + rate * (error * ofUser - regularisation * ofItem);
    }
  }

  #biasStep(rate: number, steps: Float64Array, index: number): number {
    steps[index]! += 1;
    const { biasCaution } = this.#options;
    return biasCaution > 0 ? Math.max(rate, 1 / (steps[index]! + biasCaution)) : rate;
  }
}
