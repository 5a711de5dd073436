/**
 * The model of ratings: tried on ratings given after the hold-out's moment, whose errors also say how
 * wide its intervals are, then fitted on all. One that does not beat the items' and people's usual
 * ratings is left out of the release, with a remark: lists do not need it.
 */
import type { Histories, History } from '../algorithms/histories/histories.ts';
import { rmse } from '../algorithms/metrics/rating.ts';
import { type FitContext, partOf } from '../algorithms/model/fit-context.ts';
import { fitExplicitAls } from '../algorithms/ratings/explicit-als.ts';
import { RatingForecast, type RatingScale } from '../algorithms/ratings/rating-forecast.ts';
import { type HeldOutError, RatingSpread } from '../algorithms/ratings/rating-spread.ts';
import type { FeedbackKind } from '../schemas/kinds.ts';
import type { RatingTrial } from '../schemas/release.ts';
import type { ReadHistory } from './histories/history-reader.ts';
import { historiesFor, ratingHistory } from './histories/training-histories.ts';
import type { HoldOut } from './hold-out.ts';
import type { TrainingOptions } from './options.ts';

export interface RatingFit {
  /** Absent where it was left out. */
  readonly bytes?: Uint8Array;
  readonly trial: RatingTrial | null;
  readonly remark?: string;
}

/** With fewer held-out ratings nothing can be told of a prediction. */
const RATINGS_MIN = 100;

export const fitRatings = async (
  history: ReadHistory,
  holdOut: HoldOut,
  options: TrainingOptions,
  context: FitContext,
): Promise<RatingFit> => {
  const { kinds } = holdOut.view;
  const scale = scaleOf(kinds);
  const seen = withinLimit(historiesFor('ratings', holdOut.view, holdOut.seenPeople), options);
  if (scale === undefined || seen.items.length < RATINGS_MIN) return tooFew;
  const trialModel = await fitExplicitAls(
    seen,
    options.ratings,
    partOf(context, { start: 0, end: 0.4 }),
  );
  const usual = usualRatings(seen);
  const errors: HeldOutError[] = [];
  const told = { predicted: [] as number[], usual: [] as number[], given: [] as number[] };
  for (const { person } of holdOut.tested) {
    const before = ratingHistory(holdOut.view, person);
    const later = laterRatings(history, holdOut, person);
    const predicted = trialModel.predict(before, later.items);
    later.items.forEach((item, k) => {
      const value = later.weights![k]!;
      told.given.push(value);
      told.predicted.push(predicted[k]!);
      told.usual.push(usual(before, item));
      errors.push({ error: predicted[k]! - value, ratings: before.items.length });
    });
  }
  if (errors.length < RATINGS_MIN) return tooFew;
  const trial: RatingTrial = {
    ratings: errors.length,
    rmse: rmse(told.predicted, told.given)!,
    usualRmse: rmse(told.usual, told.given)!,
  };
  if (trial.rmse >= trial.usualRmse) {
    const figures = `${trial.rmse.toFixed(3)} against ${trial.usualRmse.toFixed(3)}`;
    const remark = `The model ratings is left out: it predicts no better than usual ratings do, ${figures}.`;
    return { trial, remark };
  }
  const all = withinLimit(historiesFor('ratings', { history, kinds }), options);
  const model = await fitExplicitAls(all, options.ratings, partOf(context, { start: 0.4, end: 1 }));
  return { trial, bytes: new RatingForecast(model, RatingSpread.of(errors), scale).serialise() };
};

const tooFew: RatingFit = {
  trial: null,
  remark: `The model ratings is left out: fewer than ${RATINGS_MIN} ratings to learn from, or to be tried on.`,
};

/** Of the one kind of rating that there is. */
const scaleOf = (kinds: readonly FeedbackKind[]): RatingScale | undefined =>
  kinds.find(({ polarity, value }) => polarity === 'by-own-mean' && value !== null)?.value ??
  undefined;

/** The first people whose ratings fit: people are in no order that means anything. */
const withinLimit = (ratings: Histories, { limits }: TrainingOptions): Histories => {
  const { starts } = ratings;
  let people = ratings.userCount;
  while (people > 0 && starts[people]! > limits.ratingsMax) people--;
  const end = starts[people]!;
  return {
    ...ratings,
    userCount: people,
    starts: starts.subarray(0, people + 1),
    items: ratings.items.subarray(0, end),
    weights: ratings.weights?.subarray(0, end) ?? null,
    times: ratings.times?.subarray(0, end) ?? null,
  };
};

const laterRatings = (history: ReadHistory, { view }: HoldOut, person: number): History => {
  const whole = ratingHistory({ history, kinds: view.kinds }, person);
  const isLater = (place: number): boolean => whole.times![place]! >= view.before;
  const places = Array.from(whole.items, (_, place) => place).filter(isLater);
  return {
    items: Uint32Array.from(places, (place) => whole.items[place]!),
    weights: Float32Array.from(places, (place) => whole.weights![place]!),
    times: null,
  };
};

/** Ratings at which an item's or a person's own mean counts half. */
const USUAL_SHRINKAGE = 5;

/** What an item usually gets, moved by how the person usually rates. */
const usualRatings = ({ items, weights, itemCount }: Histories) => {
  const sums = new Float64Array(itemCount);
  const counts = new Float64Array(itemCount);
  let total = 0;
  for (let k = 0; k < items.length; k++) {
    sums[items[k]!]! += weights![k]!;
    counts[items[k]!]! += 1;
    total += weights![k]!;
  }
  const mean = total / items.length;
  const itemShift = (item: number): number =>
    (sums[item]! - counts[item]! * mean) / (counts[item]! + USUAL_SHRINKAGE);
  return (before: History, item: number): number => {
    let shift = 0;
    before.items.forEach((own, k) => {
      shift += before.weights![k]! - mean - itemShift(own);
    });
    return mean + itemShift(item) + shift / (before.items.length + USUAL_SHRINKAGE);
  };
};
