/**
 * A ridge over what several models say of a rating: SVD++ of several sizes, item–item models on the
 * first one's residuals, and the mean residual of what the same person rated near in time, each
 * also times the logarithms of how much is known of person and item. Its weights are fitted on
 * ratings held out of the parts; then the parts are fitted again on everything with the weights
 * frozen.
 *
 * Caveat: on a random split the residuals near in time may be of later ratings. When a rating is
 * predicted at the moment it is about to be given, only earlier ones exist, and they are fair.
 */
import { type Histories, type History, historyOf } from '../histories/histories.ts';
import { type SparseRows, userItemsOf } from '../histories/user-items.ts';
import { blockedLinearAlgebra } from '../linear-algebra/blocked-linear-algebra.ts';
import type { DenseLinearAlgebra } from '../linear-algebra/dense-linear-algebra.ts';
import { type FitContext, partOf } from '../model/fit-context.ts';
import { arrayOf, decodeModel, encodeModel, type ModelArray } from '../model/model-bytes.ts';
import { checkCount, checkNonNegative, checkPositive, checkRange } from '../model/option-checks.ts';
import { type SeededRandom, seededRandom } from '../random/seeded-random.ts';
import { type FactorRatingModel, readFactorRatings } from './factor-rating-model.ts';
import { checkedRatings, meanOf, ownRatingsOf, type RatingModel } from './rating-model.ts';
import { type HeldOutError, type RatingInterval, RatingSpread } from './rating-spread.ts';
import {
  fitResidualNeighbours,
  type ResidualNeighbourOptions,
  ResidualNeighbours,
} from './residual-neighbours.ts';
import { SmallRidge } from './small-ridge.ts';
import {
  DEFAULT_SVD_PLUS_PLUS_OPTIONS,
  fitSvdPlusPlus,
  type SvdPlusPlusOptions,
} from './svd-plus-plus.ts';

export interface RatingStackOptions {
  /** At least one; the first is the base whose residuals the other parts explain. */
  readonly factorModels: readonly SvdPlusPlusOptions[];
  readonly neighbours: ResidualNeighbourOptions;
  /**
   * How fast what lies apart in time stops to count, e^(−apart ÷ fade), in the unit of the histories'
   * times; none switches that part off.
   */
  readonly fades: readonly number[];
  readonly fadeShrinkage: number;
  readonly ridge: number;
  readonly holdOutShare: number;
}

export const DEFAULT_RATING_STACK_OPTIONS: RatingStackOptions = {
  factorModels: [64, 96, 128].map((factors) => ({ ...DEFAULT_SVD_PLUS_PLUS_OPTIONS, factors })),
  neighbours: { shrinkage: 30, neighbours: 60, caution: 0.5, ridge: 60, itemsMax: 10_000 },
  fades: [3, 30, 300, 3600, 7 * 86_400],
  fadeShrinkage: 3,
  ridge: 1,
  holdOutShare: 0.05,
};

/** Fades after which a rating counts for nothing. */
const FARTHEST = 30;

interface Parts {
  readonly mean: number;
  readonly itemRatings: Float64Array;
  readonly factorModels: readonly FactorRatingModel[];
  readonly neighbours: ResidualNeighbours;
}

/** When each of the items is rated, beside them; null where that is not known. */
type Times = ArrayLike<number> | null;

/** One person's predictions by every part. */
class PersonSignals {
  readonly #parts: Parts;
  readonly #options: RatingStackOptions;
  readonly #predicted: readonly Float64Array[];
  readonly #items: Uint32Array;
  readonly #residuals: Float64Array;
  readonly #times: Float64Array | null;
  readonly #logRatings: number;

  constructor(parts: Parts, options: RatingStackOptions, person: History, asked: Uint32Array) {
    this.#parts = parts;
    this.#options = options;
    const [base, ...others] = parts.factorModels;
    const folded = base!.foldIn(person);
    this.#predicted = [
      base!.predictFor(folded, asked),
      ...others.map((model) => model.predict(person, asked)),
    ];
    const own = ownRatingsOf(person, base!.itemCount);
    const fitted = base!.predictFor(folded, own.items);
    this.#items = own.items;
    this.#residuals = own.values.map((value, k) => value - fitted[k]!);
    const { times } = person;
    this.#times = times && Float64Array.from(own.places, (place) => times[place]!);
    this.#logRatings = Math.log(1 + own.items.length);
  }

  /** [1, log n_u, log n_i, signals, signals · log n_u, signals · log n_i]. */
  features(place: number, item: number, time: number | null): Float64Array {
    const { mean, itemRatings, neighbours } = this.#parts;
    const { correlation, ridge } = neighbours.signals(this.#items, this.#residuals, item);
    const signals = [
      ...this.#predicted.map((predicted) => predicted[place]! - mean),
      correlation,
      ridge,
      ...this.#options.fades.map((fade) => this.#nearInTime(item, time, fade)),
    ];
    const logs = [this.#logRatings, Math.log(1 + (itemRatings[item] ?? 0))];
    const products = logs.flatMap((log) => signals.map((signal) => signal * log));
    return Float64Array.from([1, ...logs, ...signals, ...products]);
  }

  /** The mean residual of the person's other ratings, those near in time in front. */
  #nearInTime(item: number, time: number | null, fade: number): number {
    if (time === null || this.#times === null) return 0;
    let sum = 0;
    let total = this.#options.fadeShrinkage;
    for (let k = 0; k < this.#times.length; k++) {
      const apart = Math.abs(this.#times[k]! - time) / fade;
      if (this.#items[k] === item || apart > FARTHEST) continue;
      const weight = Math.exp(-apart);
      sum += weight * this.#residuals[k]!;
      total += weight;
    }
    return total === 0 ? 0 : sum / total;
  }
}

interface FittedWeights {
  readonly timed: Float64Array;
  /** Fitted as if no times were known, for predictions whose moment is not told. */
  readonly timeless: Float64Array;
  readonly spread: RatingSpread;
}

const FORMAT = 'rating-stack/2';

export class RatingStack implements RatingModel {
  readonly #parts: Parts;
  readonly #options: RatingStackOptions;
  readonly #fitted: FittedWeights;

  constructor(parts: Parts, options: RatingStackOptions, fitted: FittedWeights) {
    this.#parts = parts;
    this.#options = options;
    this.#fitted = fitted;
  }

  get itemCount(): number {
    return this.#parts.itemRatings.length;
  }

  get sizeBytes(): number {
    const factors = this.#parts.factorModels.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return factors + this.#parts.neighbours.sizeBytes + this.#parts.itemRatings.byteLength;
  }

  predict(history: History, items: ArrayLike<number>, times: Times = null): Float64Array {
    const asked = Uint32Array.from(items);
    const person = new PersonSignals(this.#parts, this.#options, history, asked);
    const isTimed = times !== null && history.times !== null;
    const weights = isTimed ? this.#fitted.timed : this.#fitted.timeless;
    return Float64Array.from(asked, (item, place) => {
      const features = person.features(place, item, times ? times[place]! : null);
      return this.#parts.mean + weigh(weights, features);
    });
  }

  /** Where the rating behind a prediction for this person lies, with the given probability. */
  interval(history: History, predicted: number, probability: number): RatingInterval {
    return this.#fitted.spread.interval(predicted, history.items.length, probability);
  }

  serialise(): Uint8Array {
    const { mean, itemRatings, factorModels, neighbours } = this.#parts;
    const { timed, timeless, spread } = this.#fitted;
    const packed = neighbours.pack();
    const { scales, quantiles } = spread;
    const arrays: Record<string, ModelArray> = {
      ...packed.arrays,
      itemRatings,
      timed,
      timeless,
      scales,
      quantiles,
    };
    factorModels.forEach((model, k) => {
      arrays[`factorModel${k}`] = model.serialise();
    });
    const facts = { mean, options: this.#options, neighbours: packed.facts };
    return encodeModel({ format: FORMAT, facts, arrays });
  }
}

export const readRatingStack = (bytes: Uint8Array): RatingStack => {
  const stored = decodeModel(bytes, FORMAT);
  const options = stored.facts.options as RatingStackOptions;
  const parts: Parts = {
    mean: stored.facts.mean as number,
    itemRatings: arrayOf(stored, 'itemRatings', 'f64'),
    factorModels: options.factorModels.map((_, k) =>
      readFactorRatings(arrayOf(stored, `factorModel${k}`, 'u8')),
    ),
    neighbours: ResidualNeighbours.unpack(
      stored,
      stored.facts.neighbours as Readonly<Record<string, unknown>>,
    ),
  };
  const spread = new RatingSpread(
    arrayOf(stored, 'scales', 'f64'),
    arrayOf(stored, 'quantiles', 'f64'),
  );
  const timed = arrayOf(stored, 'timed', 'f64');
  return new RatingStack(parts, options, {
    timed,
    timeless: arrayOf(stored, 'timeless', 'f64'),
    spread,
  });
};

const weigh = (weights: Float64Array, features: Float64Array): number => {
  let sum = 0;
  for (let k = 0; k < features.length; k++) sum += weights[k]! * features[k]!;
  return sum;
};

const checkOptions = (options: RatingStackOptions): void => {
  checkCount('factorModels.length', options.factorModels.length);
  for (const fade of options.fades) checkPositive('fades', fade);
  checkNonNegative('fadeShrinkage', options.fadeShrinkage);
  checkPositive('ridge', options.ridge);
  checkRange('holdOutShare', options.holdOutShare, { min: 0.001, max: 0.5 });
};

export const fitRatingStack = async (
  histories: Histories,
  options: RatingStackOptions,
  context: FitContext,
  algebra: DenseLinearAlgebra = blockedLinearAlgebra,
): Promise<RatingStack> => {
  checkOptions(options);
  checkedRatings(histories);
  const { kept, heldOut } = holdOut(histories, options.holdOutShare, seededRandom(context.seed));
  const first = partOf(context, { start: 0, end: 0.5 });
  const parts = await fitParts(kept, { options, algebra }, first);
  const fitted = fitWeights(parts, options, { kept, heldOut });
  const second = partOf(context, { start: 0.5, end: 1 });
  return new RatingStack(await fitParts(histories, { options, algebra }, second), options, fitted);
};

interface Split {
  readonly kept: Histories;
  readonly heldOut: Histories;
}

/** The first rating stays, so that something can be fitted. */
const holdOut = (histories: Histories, share: number, random: SeededRandom): Split => {
  const isOut = Uint8Array.from(histories.items, (_, k) =>
    k > 0 && random.next() < share ? 1 : 0,
  );
  return { kept: only(histories, isOut, 0), heldOut: only(histories, isOut, 1) };
};

const only = (histories: Histories, mark: Uint8Array, wanted: number): Histories => {
  const { userCount, items, weights, times } = histories;
  const starts = new Uint32Array(userCount + 1);
  for (let user = 0; user < userCount; user++) {
    let count = 0;
    for (let k = histories.starts[user]!; k < histories.starts[user + 1]!; k++) {
      if (mark[k] === wanted) count += 1;
    }
    starts[user + 1] = starts[user]! + count;
  }
  const isWanted = (_: number, k: number): boolean => mark[k] === wanted;
  return {
    ...histories,
    starts,
    items: items.filter(isWanted),
    weights: weights?.filter(isWanted) ?? null,
    times: times?.filter(isWanted) ?? null,
  };
};

interface PartPlan {
  readonly options: RatingStackOptions;
  readonly algebra: DenseLinearAlgebra;
}

const fitParts = async (
  histories: Histories,
  { options, algebra }: PartPlan,
  context: FitContext,
): Promise<Parts> => {
  const ratings = userItemsOf(histories);
  const count = options.factorModels.length + 1;
  const factorModels: FactorRatingModel[] = [];
  for (const [k, settings] of options.factorModels.entries()) {
    const part = partOf(context, { start: k / count, end: (k + 1) / count });
    factorModels.push(await fitSvdPlusPlus(histories, settings, { ...part, seed: part.seed + k }));
  }
  const residuals = residualsOf(histories, ratings, factorModels[0]!);
  const last = partOf(context, { start: (count - 1) / count, end: 1 });
  const neighbours = await fitResidualNeighbours(residuals, options.neighbours, last, algebra);
  const itemRatings = new Float64Array(ratings.columnCount);
  for (const item of ratings.columns) itemRatings[item]! += 1;
  return { mean: meanOf(ratings.values), itemRatings, factorModels, neighbours };
};

const residualsOf = (
  histories: Histories,
  ratings: SparseRows,
  base: FactorRatingModel,
): SparseRows => {
  const values = new Float32Array(ratings.values.length);
  for (let user = 0; user < ratings.rowCount; user++) {
    const [start, end] = [ratings.starts[user]!, ratings.starts[user + 1]!];
    const predicted = base.predict(
      historyOf(histories, user),
      ratings.columns.subarray(start, end),
    );
    predicted.forEach((value, k) => {
      values[start + k] = ratings.values[start + k]! - value;
    });
  }
  return { ...ratings, values };
};

const fitWeights = (
  parts: Parts,
  options: RatingStackOptions,
  { kept, heldOut }: Split,
): FittedWeights => {
  const cases: { features: Float64Array; target: number; ratings: number }[] = [];
  for (let user = 0; user < heldOut.userCount; user++) {
    const asked = historyOf(heldOut, user);
    if (asked.items.length === 0) continue;
    const history = historyOf(kept, user);
    const person = new PersonSignals(parts, options, history, asked.items);
    asked.items.forEach((item, place) => {
      const features = person.features(place, item, asked.times ? asked.times[place]! : null);
      const target = asked.weights![place]! - parts.mean;
      cases.push({ features, target, ratings: history.items.length });
    });
  }
  const timed = solveWeights(parts, options, cases);
  const blind = cases.map(({ features, target }) => ({
    features: withoutTimes(features, parts.factorModels.length, options.fades.length),
    target,
  }));
  const timeless = solveWeights(parts, options, blind);
  const errors: HeldOutError[] = cases.map(({ features, target, ratings }) => ({
    error: target - weigh(timed, features),
    ratings,
  }));
  return { timed, timeless, spread: RatingSpread.of(errors) };
};

/** The features with every signal of what is near in time at 0. */
const withoutTimes = (features: Float64Array, models: number, fades: number): Float64Array => {
  const signals = models + 2 + fades;
  return features.map((value, k) => {
    const signal = (k - 3) % signals;
    return k >= 3 && signal >= models + 2 ? 0 : value;
  });
};

/** Drawn towards the mean of the factor models: without cases the stack is their mean. */
const solveWeights = (
  parts: Parts,
  { ridge, fades }: RatingStackOptions,
  cases: readonly { readonly features: Float64Array; readonly target: number }[],
): Float64Array => {
  const models = parts.factorModels.length;
  const size = 3 + 3 * (models + 2 + fades.length);
  const prior = new Float64Array(size).fill(1 / models, 3, 3 + models);
  const system = new SmallRidge(size);
  for (const { features, target } of cases) system.add(features, target - weigh(prior, features));
  const change = system.solve(new Float64Array(size).fill(ridge));
  return prior.map((weight, k) => weight + change[k]!);
};
