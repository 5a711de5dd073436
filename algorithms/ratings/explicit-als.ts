/**
 * Explicit alternating least squares with weighted regularisation (Zhou, Wilkinson, Schreiber and
 * Pan, 2008), biases solved together with the vectors: with the items held, each person's
 * [p, b] is one ridge solve over their ratings; with the people held, each item's [q, b] is the
 * same solve over its raters. The regularised loss
 *
 *   Σ (r − μ − b_u − b_i − p·q)² + λ Σ_u n_u|p_u|² + λ Σ_i n_i|q_i|² + λ_b (Σ b_u² + Σ b_i²)
 *
 * never rises (a test looks). The fold-in of a person is the people's half step, so people are not
 * kept. Cost: 2·ratings·k²/2 + (users + items)·k³/6 multiply-adds an iteration.
 */
import type { Histories } from '../histories/histories.ts';
import { type SparseRows, transposeOf } from '../histories/user-items.ts';
import { type FitContext, pause } from '../model/fit-context.ts';
import { checkCount, checkPositive } from '../model/option-checks.ts';
import { seededRandom } from '../random/seeded-random.ts';
import { FactorRatingModel } from './factor-rating-model.ts';
import { checkedRatings, meanOf } from './rating-model.ts';
import { SmallRidge } from './small-ridge.ts';

export interface ExplicitAlsOptions {
  readonly factors: number;
  readonly iterations: number;
  /** λ, times the number of ratings of the person or item. */
  readonly regularisation: number;
  readonly biasRegularisation: number;
  readonly deviation: number;
}

/** Chosen on a tenth of the training part of MovieLens 1M's first fold. */
export const DEFAULT_EXPLICIT_ALS_OPTIONS: ExplicitAlsOptions = {
  factors: 32,
  iterations: 10,
  regularisation: 0.09,
  biasRegularisation: 5,
  deviation: 0.1,
};

/** One side: rows of vectors and a bias each. */
export interface AlsSide {
  readonly factors: Float64Array;
  readonly biases: Float64Array;
}

export interface AlsProblem {
  readonly mean: number;
  readonly options: ExplicitAlsOptions;
}

/** Solves every row of `into` against the other side, which is held. */
export const alsHalfStep = (
  rows: SparseRows,
  { into, held }: { readonly into: AlsSide; readonly held: AlsSide },
  { mean, options }: AlsProblem,
): void => {
  const { factors, regularisation, biasRegularisation } = options;
  const system = new SmallRidge(factors + 1);
  const x = new Float64Array(factors + 1);
  x[factors] = 1;
  const ridge = new Float64Array(factors + 1);
  for (let row = 0; row < rows.rowCount; row++) {
    const [start, end] = [rows.starts[row]!, rows.starts[row + 1]!];
    if (start === end) continue;
    system.clear();
    for (let k = start; k < end; k++) {
      const other = rows.columns[k]!;
      x.set(held.factors.subarray(other * factors, (other + 1) * factors));
      system.add(x, rows.values[k]! - mean - held.biases[other]!);
    }
    ridge.fill(regularisation * (end - start));
    ridge[factors] = biasRegularisation;
    const solved = system.solve(ridge);
    into.factors.set(solved.subarray(0, factors), row * factors);
    into.biases[row] = solved[factors]!;
  }
};

const sideOf = (count: number, factors: number): AlsSide => ({
  factors: new Float64Array(count * factors),
  biases: new Float64Array(count),
});

export const fitExplicitAls = async (
  histories: Histories,
  options: ExplicitAlsOptions,
  context: FitContext,
): Promise<FactorRatingModel> => {
  const { factors, iterations, deviation } = options;
  checkCount('factors', factors);
  checkCount('iterations', iterations);
  checkPositive('regularisation', options.regularisation);
  checkPositive('biasRegularisation', options.biasRegularisation);
  checkPositive('deviation', deviation);
  const userItems = checkedRatings(histories);
  const itemUsers = transposeOf(userItems);
  const problem = { mean: meanOf(userItems.values), options };
  const users = sideOf(userItems.rowCount, factors);
  const items = sideOf(userItems.columnCount, factors);
  const random = seededRandom(context.seed);
  for (let k = 0; k < items.factors.length; k++) items.factors[k] = deviation * random.normal();
  for (let iteration = 0; iteration < iterations; iteration++) {
    await pause(context, iteration / iterations);
    alsHalfStep(userItems, { into: users, held: items }, problem);
    await pause(context, (iteration + 0.5) / iterations);
    alsHalfStep(itemUsers, { into: items, held: users }, problem);
  }
  await pause(context, 1);
  return new FactorRatingModel({
    factors,
    mean: problem.mean,
    itemBiases: items.biases,
    itemFactors: items.factors,
    implicitFactors: null,
    foldIn: {
      ridge: options.regularisation,
      isRidgePerRating: true,
      biasRidge: options.biasRegularisation,
    },
  });
};
