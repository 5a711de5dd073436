/**
 * Biased matrix factorisation by SGD (Koren, Bell and Volinsky, 2009): SVD++ without its implicit
 * part, half its memory and nearly its quality. Trained by `factor-sgd`; people are folded in.
 */
import type { Histories } from '../histories/histories.ts';
import type { FitContext } from '../model/fit-context.ts';
import type { FactorRatingModel } from './factor-rating-model.ts';
import { fitFactorRatings, type SvdPlusPlusOptions } from './svd-plus-plus.ts';

export type BiasedMfOptions = SvdPlusPlusOptions;

/** Chosen on a tenth of the training part of MovieLens 1M's first fold. */
export const DEFAULT_BIASED_MF_OPTIONS: BiasedMfOptions = {
  factors: 128,
  epochs: 26,
  rate: 0.01,
  biasRate: 0.007,
  decay: 1,
  regularisation: 0.05,
  biasRegularisation: 0.01,
  deviation: 0.05,
  foldIn: { ridge: 0.06, isRidgePerRating: true, biasRidge: 1 },
};

export const fitBiasedMf = (
  histories: Histories,
  options: BiasedMfOptions,
  context: FitContext,
): Promise<FactorRatingModel> =>
  fitFactorRatings(histories, options, context, { isImplicit: false });
