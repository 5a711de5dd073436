/**
 * The shared part of the next-item statistics: how much a source event at place a, seen through
 * block k, counts together with another at place b through block l, summed over the positions p
 * from which both are seen:
 *
 *   M_kl[a, b] = Σ_p w_k(p, a) · w_l(p, b)
 *
 * and together with the target at place t, a position p predicting the `targetLength` events from
 * p on with weight ηʲ:
 *
 *   C_k[a, t] = Σ_{p ≤ t < p + targetLength} w_k(p, a) · η^(t − p)
 *
 * Weights depend on places alone, so every user with n events adds the same M(n), and C[a, t] does
 * not even depend on n. A block reaches L events back, so the tables are bands: b − a lies between
 * −(L_l − 1) and L_k − 1. That turns Σ L_k·L_l additions a position into Σ (L_k + L_l).
 */
import { checkCount, checkRange } from '../model/option-checks.ts';
import { blockWeights, checkBlock, type HistoryBlock } from './history-block.ts';

export interface NextItemShape {
  readonly blocks: readonly HistoryBlock[];
  /** η: how much the j-th event after the next one counts as a target, ηʲ. */
  readonly targetDecay: number;
  readonly targetLength: number;
}

export const checkShape = (shape: NextItemShape): void => {
  checkCount('number of blocks', shape.blocks.length);
  for (const block of shape.blocks) checkBlock(block);
  checkRange('targetDecay', shape.targetDecay, { min: 0, max: 1 });
  checkCount('targetLength', shape.targetLength);
};

/** One pair of blocks, l ≤ k. Entry (a, b) stands at (a − first) · width + (b − a) + reach. */
export interface PairBand {
  readonly k: number;
  readonly l: number;
  readonly width: number;
  /** L_l − 1: how far b may lie before a. */
  readonly reach: number;
  values: Float64Array;
}

export interface TableOptions {
  /** The first place that is a source. */
  readonly first: number;
  /** Places at first; more are made as they come. */
  readonly capacity: number;
  /** A block with itself is symmetric: only b ≤ a is kept unless both halves are asked for. */
  readonly isWhole?: boolean;
}

export class PositionTables {
  readonly first: number;
  readonly pairs: readonly PairBand[];
  readonly #shape: NextItemShape;
  readonly #isWhole: boolean;
  #capacity: number;

  constructor(shape: NextItemShape, { first, capacity, isWhole = false }: TableOptions) {
    this.#shape = shape;
    this.first = first;
    this.#capacity = capacity;
    this.#isWhole = isWhole;
    this.pairs = shape.blocks.flatMap((blockK, k) =>
      shape.blocks.slice(0, k + 1).map((blockL, l) => {
        const isHalf = k === l && !isWhole;
        const width = isHalf ? blockK.length : blockK.length + blockL.length - 1;
        const values = new Float64Array(capacity * width);
        return { k, l, width, reach: blockL.length - 1, values };
      }),
    );
  }

  /** Takes in position p: it sees the events before it. */
  addPosition(p: number): void {
    if (p - this.first > this.#capacity) this.#grow(p - this.first);
    const weights = this.#shape.blocks.map((block) => blockWeights(block, p));
    for (const { k, l, width, reach, values } of this.pairs) {
      const [weightsK, weightsL] = [weights[k]!, weights[l]!];
      for (let ageA = 0; ageA < weightsK.length; ageA++) {
        // (b − a) is ageA − ageB, since place = p − 1 − age.
        const row = (p - 1 - ageA - this.first) * width + ageA + reach;
        for (let ageB = k === l && !this.#isWhole ? ageA : 0; ageB < weightsL.length; ageB++) {
          values[row - ageB]! += weightsK[ageA]! * weightsL[ageB]!;
        }
      }
    }
  }

  #grow(wanted: number): void {
    this.#capacity = Math.max(wanted, this.#capacity * 2);
    for (const pair of this.pairs) {
      const values = new Float64Array(this.#capacity * pair.width);
      values.set(pair.values);
      pair.values = values;
    }
  }
}

/**
 * C_k[a, t] for one target place t: entry by a's distance to t, from 1 (the event just before it).
 */
export const targetWeights = (shape: NextItemShape, t: number): Float64Array[] =>
  shape.blocks.map((block) => {
    const weights = new Float64Array(Math.min(block.length + shape.targetLength, t + 1));
    let share = 1;
    for (let j = 0; j < shape.targetLength && t - j >= 1; j++) {
      const seen = blockWeights(block, t - j);
      // From position p = t − j an event of age g lies g + 1 before p, so g + 1 + j before t.
      for (let age = 0; age < seen.length; age++) weights[age + 1 + j]! += share * seen[age]!;
      share *= shape.targetDecay;
    }
    return weights;
  });

/** From this place on every target has the same weights. */
export const settledPlace = (shape: NextItemShape): number =>
  Math.max(...shape.blocks.map(({ length }) => length)) + shape.targetLength;
