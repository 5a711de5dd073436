/**
 * A decayed block of history: the newest `length` events before a position, the k-th newest
 * weighing decayᵏ, the whole divided by the 2-norm of its weights where normalised. What an event
 * weighs depends on the position and the event's place alone, never on the items: that is why the
 * statistics of all users of one length can share a table.
 */
import { checkCount, checkRange } from '../model/option-checks.ts';

export interface HistoryBlock {
  /** γ, above 0 and at most 1. */
  readonly decay: number;
  /** L, the reach in events. */
  readonly length: number;
  readonly isNormalised: boolean;
  /** Whether an item that occurs twice counts once, at its newest place. */
  readonly isSet?: boolean;
}

/** Every distinct item of the history counts 1, however old. */
export const WHOLE_HISTORY: HistoryBlock = {
  decay: 1,
  length: Number.MAX_SAFE_INTEGER,
  isNormalised: false,
  isSet: true,
};

export const checkBlock = (block: HistoryBlock): void => {
  checkRange('block decay', block.decay, { min: Number.MIN_VALUE, max: 1 });
  checkCount('block length', block.length);
};

/** Weights by age in events (0 is the newest) for a history of `available` events. */
export const blockWeights = (block: HistoryBlock, available: number): Float64Array => {
  const weights = new Float64Array(Math.min(block.length, available));
  let weight = 1;
  let squares = 0;
  for (let age = 0; age < weights.length; age++) {
    weights[age] = weight;
    squares += weight * weight;
    weight *= block.decay;
  }
  if (!block.isNormalised || squares === 0) return weights;
  const norm = Math.sqrt(squares);
  return weights.map((value) => value / norm);
};
