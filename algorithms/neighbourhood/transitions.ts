/**
 * Decayed directed transitions: how often b follows a within a few steps, a step further away
 * counting less, optionally also b before a with a smaller weight:
 *
 *   n(a → b) = Σ decay^(steps − 1),   w(a, b) = n(a → b) ÷ (Σ_b n(a → b) + shrinkage)
 *
 * A person's score is the sum over the newest `reach` events, the k-th newest weighing
 * `historyDecay`ᵏ. Markov's chain with a little more memory; cheap to learn one event at a time.
 * Cost: one addition a pair within reach.
 */
import { checkHistories, type Histories } from '../histories/histories.ts';
import { LinearItemModel } from '../linear/linear-item-model.ts';
import { WeightRows } from '../linear/weight-rows.ts';
import { type FitContext, pause } from '../model/fit-context.ts';
import { checkCount, checkNonNegative, checkRange } from '../model/option-checks.ts';
import { type Occurrences, occurrencesOf } from './occurrences.ts';

export interface TransitionOptions {
  /** How many steps after a an item still counts as following it. */
  readonly steps: number;
  /** What each further step keeps of the weight. */
  readonly stepDecay: number;
  /** What a pair in the other direction counts. */
  readonly backward: number;
  /** Whether an item may follow itself: clicks repeat, films hardly. */
  readonly countsRepeats: boolean;
  readonly shrinkage: number;
  readonly neighbours: number;
  /** How many of the newest events are scored from, and what each older one keeps. */
  readonly reach: number;
  readonly historyDecay: number;
}

export const DEFAULT_TRANSITION_OPTIONS: TransitionOptions = {
  steps: 10,
  stepDecay: 0.8,
  backward: 0,
  countsRepeats: false,
  shrinkage: 5,
  neighbours: 500,
  reach: 10,
  historyDecay: 0.8,
};

const checkOptions = (options: TransitionOptions): void => {
  checkCount('steps', options.steps);
  checkRange('stepDecay', options.stepDecay, { min: 0, max: 1 });
  checkNonNegative('backward', options.backward);
  checkNonNegative('shrinkage', options.shrinkage);
  checkCount('neighbours', options.neighbours);
  checkCount('reach', options.reach);
  checkRange('historyDecay', options.historyDecay, { min: Number.MIN_VALUE, max: 1 });
};

const FORMAT = 'transitions/1';

export const fitTransitions = async (
  histories: Histories,
  options: TransitionOptions,
  context: FitContext,
): Promise<LinearItemModel> => {
  checkOptions(options);
  checkHistories(histories);
  const { itemCount } = histories;
  const occurrences = occurrencesOf(histories);
  const weights = new WeightRows(itemCount, itemCount, options.neighbours);
  const counts = new Float64Array(itemCount);
  for (let item = 0; item < itemCount; item++) {
    if (item % 256 === 0) await pause(context, item / itemCount);
    counts.fill(0);
    for (let k = occurrences.starts[item]!; k < occurrences.starts[item + 1]!; k++) {
      countAround(histories, occurrences, k, options, counts);
    }
    if (!options.countsRepeats) counts[item] = 0;
    const total = counts.reduce((sum, count) => sum + count, 0) + options.shrinkage;
    if (total > 0) for (let other = 0; other < itemCount; other++) counts[other]! /= total;
    weights.setRow(item, counts);
  }
  const block = { decay: options.historyDecay, length: options.reach, isNormalised: false };
  return new LinearItemModel({ format: FORMAT, blocks: [block], itemCount, weights });
};

const countAround = (
  { items, starts }: Histories,
  { positions, users }: Occurrences,
  occurrence: number,
  { steps, stepDecay, backward }: TransitionOptions,
  counts: Float64Array,
): void => {
  const position = positions[occurrence]!;
  const rowStart = starts[users[occurrence]!]!;
  const rowEnd = starts[users[occurrence]! + 1]!;
  let weight = 1;
  for (let step = 1; step <= steps; step++) {
    const isInside = position + step < rowEnd;
    const wasInside = backward > 0 && position - step >= rowStart;
    if (!isInside && !wasInside) return;
    if (isInside) counts[items[position + step]!]! += weight;
    if (wasInside) counts[items[position - step]!]! += backward * weight;
    weight *= stepDecay;
  }
};

export const readTransitions = (bytes: Uint8Array): LinearItemModel =>
  LinearItemModel.read(bytes, FORMAT);
