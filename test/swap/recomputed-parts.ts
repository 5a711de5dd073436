/**
 * The parts of a list once more, from the files of a release by the formulas of the training: the
 * model's own scores over all items, the best that were not seen, their shares, the logarithm.
 */

import { readItem2vec } from '../../algorithms/embedding/item2vec.ts';
import { readImplicitAls } from '../../algorithms/factors/implicit-als.ts';
import type { ItemModel } from '../../algorithms/model/item-model.ts';
import type { SyntheticRelease } from '../../bench/serving/synthetic-release.ts';
import { fileOfModel, type LearnedWeight, type LearnedWeights } from '../../schemas/release.ts';
import { DEFAULT_SERVING_OPTIONS } from '../../serving/options.ts';

const PROPOSED = DEFAULT_SERVING_OPTIONS.ladder.plainCandidatesMax;

export class ReleaseReference {
  readonly #taste: ItemModel;
  readonly #embedding: ItemModel;
  readonly #weights: LearnedWeights;

  constructor({ files }: SyntheticRelease) {
    const bytesOf = (name: string): Uint8Array => files.find((file) => file.name === name)!.bytes;
    this.#taste = readImplicitAls(bytesOf(fileOfModel('als')));
    this.#embedding = readItem2vec(bytesOf(fileOfModel('item2vec')));
    const text = new TextDecoder().decode(bytesOf(fileOfModel('blend')));
    this.#weights = JSON.parse(text) as LearnedWeights;
  }

  /** For somebody who likes these and nothing else, the last one newest. */
  partsOf(liked: readonly number[]): Readonly<Record<'taste' | 'embedding', ExpectedPart>> {
    const history = { items: Uint32Array.from(liked), weights: null, times: null };
    const scoresOf = (model: ItemModel): Float64Array => {
      const scores = new Float64Array(model.itemCount);
      model.score(history, scores);
      return scores;
    };
    const taste = bestOf(scoresOf(this.#taste), liked);
    const logits = bestOf(scoresOf(this.#embedding), liked);
    const most = logits.best[0]![1];
    const likings = taste.best.filter(([, score]) => score > 0);
    const softmax = logits.best.map(([item, logit]) => [item, Math.exp(logit - most)] as const);
    return {
      taste: { ...taste, amounts: sharesOf(likings, this.#weights.taste!) },
      embedding: { ...logits, amounts: sharesOf(softmax, this.#weights.embedding!) },
    };
  }
}

export interface ExpectedPart {
  readonly amounts: ReadonlyMap<number, number>;
  /** Items so near the end of what is proposed that 32 bits may order them otherwise. */
  readonly atCut: ReadonlySet<number>;
}

type Scored = readonly (readonly [item: number, score: number])[];

/** Relative to the score at the end of the list. */
const CUT_MARGIN = 1e-5;

const bestOf = (
  scores: Float64Array,
  liked: readonly number[],
): { readonly best: Scored; readonly atCut: ReadonlySet<number> } => {
  const ordered = [...scores.entries()]
    .filter(([item]) => !liked.includes(item))
    .sort(([left, one], [right, other]) => other - one || left - right);
  const best = ordered.slice(0, PROPOSED);
  const cut = best.at(-1)![1];
  const isAtCut = ([, score]: Scored[number]): boolean =>
    Math.abs(score - cut) <= CUT_MARGIN * Math.max(1, Math.abs(cut));
  const near = ordered.filter(isAtCut).map(([item]) => item);
  return { best, atCut: new Set(near.length > 1 ? near : []) };
};

const sharesOf = (list: Scored, { weight, epsilon, mass }: LearnedWeight): Map<number, number> => {
  const total = list.reduce((sum, [, raw]) => sum + raw, mass);
  return new Map(list.map(([item, raw]) => [item, weight * Math.log(1 + raw / (total * epsilon))]));
};
