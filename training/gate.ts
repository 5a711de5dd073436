/**
 * Whether a release may be used. It is refused, with the reasons, when a number in it is none, when it
 * lacks items that it should hold, when a model has other dimensions than its settings say, or when its
 * lists on the hold-out are worse than those of the release in use (beyond a margin) or than those
 * that everybody would get.
 */
import type { ItemModel } from '../algorithms/model/item-model.ts';
import { atOnce } from '../algorithms/model/pieces.ts';
import { readRatingForecast } from '../algorithms/ratings/rating-forecast.ts';
import type { HoldOutScore, ModelKind } from '../schemas/release.ts';
import { recipeOf } from './model-recipes.ts';
import type { GateOptions } from './options.ts';

export interface CandidateModel {
  readonly kind: ModelKind;
  readonly bytes: Uint8Array;
  /** How many items it must know: all, or as many as the release that it was taken over from. */
  readonly itemCount: number;
}

/** What is wrong with the bytes that would be published. */
export const faultsOfModel = ({ kind, bytes, itemCount }: CandidateModel): readonly string[] => {
  if (kind === 'ratings') return faultsOfRatings(bytes, itemCount);
  const recipe = recipeOf(kind);
  if (!recipe) return [];
  let model: ItemModel;
  try {
    model = recipe.read(bytes);
  } catch (error) {
    return [`${kind} cannot be read back: ${(error as Error).message}`];
  }
  const faults: string[] = [];
  if (model.itemCount !== itemCount) {
    faults.push(`${kind} knows ${model.itemCount} items, expected ${itemCount}`);
  }
  const fault = faultOfScores(model);
  return fault === undefined ? faults : [...faults, `${kind} ${fault}`];
};

const faultsOfRatings = (bytes: Uint8Array, itemCount: number): readonly string[] => {
  try {
    const model = readRatingForecast(bytes);
    if (model.itemCount !== itemCount) {
      return [`ratings knows ${model.itemCount} items, expected ${itemCount}`];
    }
    return atOnce(model.isFiniteInPieces()) ? [] : ['ratings holds numbers that are none'];
  } catch (error) {
    return [`ratings cannot be read back: ${(error as Error).message}`];
  }
};

const faultOfScores = (model: ItemModel): string | undefined => {
  const [probe] = probeOf(model.itemCount);
  if (!probe) return undefined;
  const scores = new Float64Array(model.itemCount);
  try {
    model.score(probe, scores);
  } catch (error) {
    return `cannot score: ${(error as Error).message}`;
  }
  return scores.every(Number.isFinite) ? undefined : 'gives scores that are no numbers';
};

/** A history that touches items from all over the index. */
const PROBE_ITEMS = 50;
const probeOf = (itemCount: number) => {
  if (itemCount === 0) return [];
  const step = Math.max(1, Math.floor(itemCount / PROBE_ITEMS));
  const items = Uint32Array.from(
    { length: Math.min(PROBE_ITEMS, itemCount) },
    (_, k) => (k * step) % itemCount,
  );
  return [{ items, weights: null, times: null }];
};

/** Candidate and release in use before the same people. */
export interface Duel {
  readonly candidate: HoldOutScore;
  readonly former: HoldOutScore;
}

export interface QualityVerdict {
  readonly candidate: HoldOutScore;
  readonly popularity: HoldOutScore;
  /** Undefined where there is no release in use, or nobody to judge it. */
  readonly duel: Duel | undefined;
}

export const faultsOfQuality = (
  { candidate, popularity, duel }: QualityVerdict,
  { marginToFormer }: GateOptions,
): readonly string[] => {
  const faults: string[] = [];
  if (candidate.ndcg < popularity.ndcg) {
    faults.push(
      `its lists are worse than what is popular: NDCG ${shown(candidate)} against ${shown(popularity)}`,
    );
  }
  if (duel && duel.candidate.ndcg < duel.former.ndcg * (1 - marginToFormer)) {
    faults.push(
      `its lists are worse than those of the release in use: NDCG ${shown(duel.candidate)} against ` +
        `${shown(duel.former)}, allowed ${percent(marginToFormer)} less`,
    );
  }
  return faults;
};

const shown = ({ ndcg }: HoldOutScore): string => ndcg.toFixed(4);
const percent = (share: number): string => `${Math.round(share * 100)} %`;
