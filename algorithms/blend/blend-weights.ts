/**
 * The blend's weights by conditional logit (McFadden, 1974): given the union of candidates, the
 * probability that the person takes candidate i is softmax(w · x_i) with x = log(1 + p ÷ ε). The
 * weights maximise the likelihood of what people did take, less κ/2 · |w − w₀|² around the last
 * release's weights, and stay at or above 0.
 *
 * Newton's method; each step minimises the quadratic model under w ≥ 0 by coordinate descent (the
 * dimension is the handful of sources) and is halved until the objective falls. Convex, so the
 * answer does not depend on the start.
 *
 * Caveat: the examples must be later than everything that the sources were trained on, otherwise
 * the source that remembers best gets the weight.
 */
import { AlgorithmError } from '../model/algorithm-error.ts';
import { type FitContext, pause } from '../model/fit-context.ts';
import { checkCount, checkNonNegative } from '../model/option-checks.ts';

export interface ChoiceExample {
  /** x, candidate after candidate, a column for each source. */
  readonly features: Float64Array;
  /** Which candidate was taken. */
  readonly taken: number;
}

export interface BlendWeightOptions {
  /** κ: how strongly the weights are held to `previous`, in examples' worth. */
  readonly shrinkage: number;
  /** w₀; 1 for each source where there is no earlier release. */
  readonly previous: readonly number[];
  readonly iterations: number;
}

export interface FittedBlendWeights {
  readonly weights: Float64Array;
  /** Mean log-likelihood of an example, in nats. */
  readonly logLikelihood: number;
  readonly examples: number;
}

interface Derivatives {
  readonly value: number;
  readonly gradient: Float64Array;
  readonly hessian: Float64Array;
}

const checkExamples = (examples: readonly ChoiceExample[], sources: number): void => {
  for (const { features, taken } of examples) {
    const candidates = features.length / sources;
    const isWhole = Number.isInteger(candidates) && taken >= 0 && taken < candidates;
    if (!isWhole || !features.every(Number.isFinite)) {
      throw new AlgorithmError('bad_data', {
        what: 'an example',
        expected: `finite features of ${sources} sources and a taken candidate`,
        got: `${features.length} features, taken ${taken}`,
      });
    }
  }
};

/** Of the negative log-likelihood plus the penalty. */
const derivativesAt = (
  weights: Float64Array,
  examples: readonly ChoiceExample[],
  { shrinkage, previous }: BlendWeightOptions,
): Derivatives => {
  const size = weights.length;
  const gradient = weights.map((weight, m) => shrinkage * (weight - previous[m]!));
  const hessian = new Float64Array(size * size);
  let value = 0;
  for (let m = 0; m < size; m++) {
    hessian[m * size + m] = shrinkage;
    value += (shrinkage / 2) * (weights[m]! - previous[m]!) ** 2;
  }
  for (const example of examples) value += addExample(example, weights, gradient, hessian);
  return { value, gradient, hessian };
};

const addExample = (
  { features, taken }: ChoiceExample,
  weights: Float64Array,
  gradient: Float64Array,
  hessian: Float64Array,
): number => {
  const size = weights.length;
  const count = features.length / size;
  const utilities = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    for (let m = 0; m < size; m++) utilities[i]! += weights[m]! * features[i * size + m]!;
  }
  const largest = utilities.reduce((most, utility) => Math.max(most, utility), -Infinity);
  const shares = utilities.map((utility) => Math.exp(utility - largest));
  const total = shares.reduce((sum, share) => sum + share, 0);
  const mean = new Float64Array(size);
  for (let i = 0; i < count; i++) {
    const share = shares[i]! / total;
    for (let m = 0; m < size; m++) {
      const weighted = share * features[i * size + m]!;
      if (weighted === 0) continue;
      mean[m]! += weighted;
      for (let l = 0; l < size; l++) hessian[m * size + l]! += weighted * features[i * size + l]!;
    }
  }
  for (let m = 0; m < size; m++) {
    gradient[m]! += mean[m]! - features[taken * size + m]!;
    for (let l = 0; l < size; l++) hessian[m * size + l]! -= mean[m]! * mean[l]!;
  }
  return largest + Math.log(total) - utilities[taken]!;
};

/** The w ≥ 0 that minimises the quadratic model around `from`. */
const stepFrom = (from: Float64Array, { gradient, hessian }: Derivatives): Float64Array => {
  const size = from.length;
  const step = from.slice();
  for (let sweep = 0; sweep < 200; sweep++) {
    let moved = 0;
    for (let m = 0; m < size; m++) {
      const curvature = hessian[m * size + m]!;
      if (!(curvature > 0)) continue;
      let slope = gradient[m]!;
      for (let l = 0; l < size; l++) slope += hessian[m * size + l]! * (step[l]! - from[l]!);
      const next = Math.max(step[m]! - slope / curvature, 0);
      moved = Math.max(moved, Math.abs(next - step[m]!));
      step[m] = next;
    }
    if (moved < 1e-12) break;
  }
  return step;
};

export const fitBlendWeights = async (
  examples: readonly ChoiceExample[],
  options: BlendWeightOptions,
  context: FitContext,
): Promise<FittedBlendWeights> => {
  checkNonNegative('shrinkage', options.shrinkage);
  checkCount('iterations', options.iterations);
  checkCount('number of sources', options.previous.length);
  for (const weight of options.previous) checkNonNegative('previous weight', weight);
  checkExamples(examples, options.previous.length);
  let weights = Float64Array.from(options.previous);
  let current = derivativesAt(weights, examples, options);
  for (let iteration = 0; iteration < options.iterations; iteration++) {
    await pause(context, iteration / options.iterations);
    const target = stepFrom(weights, current);
    let share = 1;
    let isBetter = false;
    for (; share > 1e-6 && !isBetter; share /= 2) {
      const tried = weights.map((weight, m) => weight + share * (target[m]! - weight));
      const next = derivativesAt(tried, examples, options);
      isBetter = next.value < current.value - 1e-12 * Math.abs(current.value);
      if (!isBetter) continue;
      weights = tried;
      current = next;
    }
    if (!isBetter) break;
  }
  await pause(context, 1);
  return {
    weights,
    logLikelihood: examples.length === 0 ? 0 : meanLikelihood(weights, examples),
    examples: examples.length,
  };
};

const meanLikelihood = (weights: Float64Array, examples: readonly ChoiceExample[]): number => {
  const options = { shrinkage: 0, previous: [...weights], iterations: 1 };
  return -derivativesAt(weights, examples, options).value / examples.length;
};
