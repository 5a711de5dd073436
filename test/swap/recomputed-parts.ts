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

  /** By item, for somebody who likes these and nothing else, the last one newest. */
  partsOf(liked: readonly number[]): Readonly<Record<'taste' | 'embedding', Map<number, number>>> {
    const history = { items: Uint32Array.from(liked), weights: null, times: null };
    const scoresOf = (model: ItemModel): Float64Array => {
      const scores = new Float64Array(model.itemCount);
      model.score(history, scores);
      return scores;
    };
    const taste = bestOf(scoresOf(this.#taste), liked).filter(([, score]) => score > 0);
    const logits = bestOf(scoresOf(this.#embedding), liked);
    const most = logits[0]![1];
    const embedding = logits.map(([item, logit]) => [item, Math.exp(logit - most)] as const);
    return {
      taste: sharesOf(taste, this.#weights.taste!),
      embedding: sharesOf(embedding, this.#weights.embedding!),
    };
  }
}

type Scored = readonly (readonly [item: number, score: number])[];

const bestOf = (scores: Float64Array, liked: readonly number[]): Scored =>
  [...scores.entries()]
    .filter(([item]) => !liked.includes(item))
    .sort(([left, one], [right, other]) => other - one || left - right)
    .slice(0, PROPOSED);

const sharesOf = (list: Scored, { weight, epsilon, mass }: LearnedWeight): Map<number, number> => {
  const total = list.reduce((sum, [, raw]) => sum + raw, mass);
  return new Map(list.map(([item, raw]) => [item, weight * Math.log(1 + raw / (total * epsilon))]));
};
