/**
 * A log pool: the sum of weighted logarithms of the models' shares, which puts a network's softmax
 * beside scores that are no probabilities. Shares are scores above 0 over their sum at the unseen
 * items, with a floor so that a model that knows nothing of an item does not forbid it; logits become
 * their softmax over the unseen items; z-scores are added as they are.
 */
import type { Blend } from './contender.ts';
import { type Weights, zBlend } from './score-blends.ts';

export interface LogPoolParts {
  readonly shares: Weights;
  readonly logits: Weights;
  readonly zScores: Weights;
}

const SHARE_FLOOR = 1e-4;

type AddPart = (scores: Float64Array, seen: Uint8Array, weight: number, into: Float64Array) => void;

const addShares: AddPart = (scores, seen, weight, into) => {
  let sum = 0;
  for (let item = 0; item < scores.length; item++) {
    if (seen[item] === 0) sum += Math.max(scores[item]!, 0);
  }
  for (let item = 0; item < into.length; item++) {
    const share = sum > 0 ? Math.max(scores[item]!, 0) / sum : 0;
    into[item]! += weight * Math.log(share + SHARE_FLOOR);
  }
};

/** What the softmax is divided by is the same for all items, so the logits themselves will do. */
const addLogits: AddPart = (scores, _seen, weight, into) => {
  for (let item = 0; item < into.length; item++) into[item]! += weight * scores[item]!;
};

export const logPool = (name: string, { shares, logits, zScores }: LogPoolParts): Blend => {
  const standard = zBlend(name, zScores);
  const plain: (readonly [AddPart, number])[] = [
    ...Object.values(shares).map((weight) => [addShares, weight] as const),
    ...Object.values(logits).map((weight) => [addLogits, weight] as const),
  ];
  return {
    name,
    parts: [shares, logits, zScores].flatMap((weights) => Object.keys(weights)),
    settings: { rule: 'log pool over unseen items', shares, logits, zScores, SHARE_FLOOR },
    combine(parts, into, seen) {
      standard.combine(parts.slice(plain.length), into, seen);
      plain.forEach(([add, weight], index) => {
        add(parts[index]!, seen, weight, into);
      });
    },
  };
};
