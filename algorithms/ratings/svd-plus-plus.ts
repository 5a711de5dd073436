/**
 * SVD++ (Koren, 2008): biases and factors, where a person's vector also holds what they rated at
 * all, not only how. Trained by `factor-sgd`; people are not kept but folded in.
 */
import type { Histories } from '../histories/histories.ts';
import type { FitContext } from '../model/fit-context.ts';
import { checkFoldIn, FactorRatingModel, type FoldInOptions } from './factor-rating-model.ts';
import { checkFactorSgdOptions, type FactorSgdOptions, runSgd } from './factor-sgd.ts';
import { checkedRatings } from './rating-model.ts';

export interface SvdPlusPlusOptions extends FactorSgdOptions {
  readonly foldIn: FoldInOptions;
}

/** Chosen on a tenth of the training part of MovieLens 1M's first fold. */
export const DEFAULT_SVD_PLUS_PLUS_OPTIONS: SvdPlusPlusOptions = {
  factors: 128,
  epochs: 30,
  rate: 0.014,
  biasRate: 0.01,
  decay: 0.93,
  regularisation: 0.04,
  biasRegularisation: 0.01,
  deviation: 0.05,
  foldIn: { ridge: 0.06, isRidgePerRating: true, biasRidge: 1 },
};

/** With the implicit part or, as biased MF, without. */
export const fitFactorRatings = async (
  histories: Histories,
  options: SvdPlusPlusOptions,
  context: FitContext,
  part: { readonly isImplicit: boolean },
): Promise<FactorRatingModel> => {
  checkFactorSgdOptions(options);
  checkFoldIn(options.foldIn);
  const state = await runSgd(checkedRatings(histories), options, context, part);
  return new FactorRatingModel({ ...state, factors: options.factors, foldIn: options.foldIn });
};

export const fitSvdPlusPlus = (
  histories: Histories,
  options: SvdPlusPlusOptions,
  context: FitContext,
): Promise<FactorRatingModel> =>
  fitFactorRatings(histories, options, context, { isImplicit: true });
