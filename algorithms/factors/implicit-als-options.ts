/** What implicit least squares can be told, and the strength of a row's regularisation. */
import { checkCount, checkNonNegative, checkOneOf, checkPositive } from '../model/option-checks.ts';
import { checkHalfLife, type HalfLife } from './confidences.ts';

export interface ImplicitAlsOptions {
  /** d. */
  readonly dimensions: number;
  /** How often both sides are solved. */
  readonly epochs: number;
  /** λ. */
  readonly regularisation: number;
  /** α₀: what a pair that never met weighs. */
  readonly unobservedWeight: number;
  /** ν: how a row's regularisation grows with its events; 1 in proportion, 0 not at all. */
  readonly frequencyExponent: number;
  /** Standard deviation of the first factors, times √d. */
  readonly initialScale: number;
  /** How a row's system is solved: to the end, or by a few conjugate gradient steps an epoch. */
  readonly solver: 'exact' | 'conjugate-gradient';
  readonly conjugateSteps: number;
  /** After which an event weighs half, measured from the user's own newest; null: never. */
  readonly halfLife: HalfLife;
}

/** From a plateau of NDCG@10 on Q1's validation item (docs/models.md), where both solvers agree. */
export const DEFAULT_IMPLICIT_ALS_OPTIONS: ImplicitAlsOptions = {
  dimensions: 192,
  epochs: 12,
  regularisation: 0.007,
  unobservedWeight: 0.3,
  frequencyExponent: 1,
  initialScale: 0.1,
  solver: 'conjugate-gradient',
  conjugateSteps: 3,
  halfLife: null,
};

export const checkImplicitAlsOptions = (options: ImplicitAlsOptions): void => {
  checkCount('dimensions', options.dimensions);
  checkCount('epochs', options.epochs);
  checkPositive('regularisation', options.regularisation);
  checkPositive('unobservedWeight', options.unobservedWeight);
  checkNonNegative('frequencyExponent', options.frequencyExponent);
  checkPositive('initialScale', options.initialScale);
  checkOneOf('solver', options.solver, ['exact', 'conjugate-gradient']);
  checkCount('conjugateSteps', options.conjugateSteps);
  checkHalfLife(options.halfLife);
};

/** λ·(Σ cₖ + α₀·n)^ν of a row against n rows of the other side. */
export const ridgeOf = (
  { regularisation, unobservedWeight, frequencyExponent }: ImplicitAlsOptions,
  row: { readonly confidence: number; readonly otherCount: number },
): number =>
  regularisation * (row.confidence + unobservedWeight * row.otherCount) ** frequencyExponent;
