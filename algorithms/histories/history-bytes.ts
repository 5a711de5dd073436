/** Histories as arrays of a stored model, for the models whose knowledge is the histories. */
import { AlgorithmError } from '../model/algorithm-error.ts';
import { arrayOf, type ModelArray, type ModelParts } from '../model/model-bytes.ts';
import type { Histories } from './histories.ts';

export const packHistories = (histories: Histories): Pick<ModelParts, 'facts' | 'arrays'> => {
  const { userCount, itemCount, starts, items, weights, times } = histories;
  const arrays: Record<string, ModelArray> = { starts, items };
  if (weights) arrays.weights = weights;
  if (times) arrays.times = times;
  return { facts: { userCount, itemCount }, arrays };
};

export const unpackHistories = (parts: ModelParts): Histories => {
  const { userCount, itemCount } = parts.facts;
  if (typeof userCount !== 'number' || typeof itemCount !== 'number') {
    throw new AlgorithmError('bad_artifact', { expected: 'counts', got: 'none' });
  }
  return {
    userCount,
    itemCount,
    starts: arrayOf(parts, 'starts', 'u32'),
    items: arrayOf(parts, 'items', 'u32'),
    weights: 'weights' in parts.arrays ? arrayOf(parts, 'weights', 'f32') : null,
    times: 'times' in parts.arrays ? arrayOf(parts, 'times', 'f64') : null,
  };
};
