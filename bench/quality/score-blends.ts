/**
 * How whole score arrays are put together for the tables: sums of z-scores over the unseen items,
 * and log pools of the models' shares. (What serves is `algorithms/blend`, over candidates.)
 */
import type { Blend } from './contender.ts';

/** The parts by name with their weights. */
export type Weights = Readonly<Record<string, number>>;

/** Σ weight · (score − mean) ÷ deviation, both over the items that the person has not seen. */
export const zBlend = (name: string, weights: Weights, note?: string): Blend => ({
  name,
  parts: Object.keys(weights),
  settings: { rule: 'sum of z-scores over unseen items', weights },
  note,
  combine(parts, into, seen) {
    into.fill(0);
    Object.values(weights).forEach((weight, index) => {
      const scores = parts[index]!;
      const { mean, deviation } = spreadOf(scores, seen);
      if (deviation === 0) return;
      const scale = weight / deviation;
      for (let item = 0; item < into.length; item++) into[item]! += scale * (scores[item]! - mean);
    });
  },
});

const spreadOf = (
  scores: Float64Array,
  seen: Uint8Array,
): { readonly mean: number; readonly deviation: number } => {
  let sum = 0;
  let squares = 0;
  let count = 0;
  for (let item = 0; item < scores.length; item++) {
    if (seen[item] === 1) continue;
    const score = scores[item]!;
    sum += score;
    squares += score * score;
    count += 1;
  }
  if (count === 0) return { mean: 0, deviation: 0 };
  const mean = sum / count;
  return { mean, deviation: Math.sqrt(Math.max(squares / count - mean * mean, 0)) };
};

/** Σ weight · score ÷ the largest score, for scores of at least 0. */
export const maxBlend = (name: string, weights: Weights, note?: string): Blend => ({
  name,
  parts: Object.keys(weights),
  settings: { rule: 'sum of shares of the largest score', weights },
  note,
  combine(parts, into) {
    into.fill(0);
    Object.values(weights).forEach((weight, index) => {
      const scores = parts[index]!;
      const largest = scores.reduce((most, score) => Math.max(most, score), 0);
      if (largest === 0) return;
      for (let item = 0; item < into.length; item++)
        into[item]! += (weight / largest) * scores[item]!;
    });
  },
});
