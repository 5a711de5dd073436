/**
 * Item vectors as a model. A person is the sum of the vectors of their history, the k-th newest
 * event weighing decayᵏ:
 *
 *   in-out   score(i) = Σ_k decayᵏ · in(h_k) · out(i) − countDamping · log count(i)
 *   cosine   score(i) = cos(Σ_k decayᵏ · in(h_k), in(i)) − countDamping · log count(i)
 *
 * In–out asks what stands near the history, as the vectors were trained to say; cosine asks what
 * stands in the same company. The damping takes back the popularity that output vectors have learned.
 *
 * The score is a sum over the history's events (the damping shared among them by weight), so it can
 * be explained; without a history that it knows, everything scores 0. An item that no sequence held
 * has vectors of zeros and is damped like the most frequent one. Events with a weight of 0 or less
 * are no reason to recommend and are passed over.
 */

import { type SourceList, topList } from '../blend/source-list.ts';
import type { History } from '../histories/histories.ts';
import { rowProduct } from '../linear-algebra/row-product.ts';
import { areFiniteInPieces } from '../model/finite.ts';
import type { ExplainingItemModel } from '../model/item-model.ts';
import { arrayOf, checkLength, decodeModel, encodeModel } from '../model/model-bytes.ts';
import { checkCount, checkNonNegative, checkOneOf, checkRange } from '../model/option-checks.ts';
import type { Pieces } from '../model/pieces.ts';
import type { SkipGramVectors } from './skip-gram.ts';

const SCORINGS = ['in-out', 'cosine'] as const;
export type EmbeddingScoring = (typeof SCORINGS)[number];

export interface EmbeddingScoreOptions {
  readonly scoring: EmbeddingScoring;
  /** What each older event keeps of the weight, above 0 and at most 1. */
  readonly historyDecay: number;
  readonly countDamping: number;
}

export const checkScoreOptions = (options: EmbeddingScoreOptions): void => {
  checkOneOf('scoring', options.scoring, SCORINGS);
  checkRange('historyDecay', options.historyDecay, { min: Number.MIN_VALUE, max: 1 });
  checkNonNegative('countDamping', options.countDamping);
};

const ITEMS_AT_ONCE = 1_024;
/** Numbers of 32 bits in what the processor fetches at a time. */
const LINE = 16;
/** What weighs less cannot be seen in a score of 32 bits. */
const WEIGHT_MIN = 2 ** -24;

interface Share {
  readonly item: number;
  readonly place: number;
  readonly weight: number;
}

export class EmbeddingModel implements ExplainingItemModel {
  readonly itemCount: number;
  readonly dimensions: number;
  readonly #format: string;
  readonly #vectors: SkipGramVectors;
  readonly #options: EmbeddingScoreOptions;
  readonly #damping: Float64Array;
  /** 1 ÷ length of each input vector, 0 for a vector of zeros; made when first needed. */
  #scales: Float64Array | null = null;

  constructor(format: string, vectors: SkipGramVectors, options: EmbeddingScoreOptions) {
    checkScoreOptions(options);
    this.#format = format;
    this.#vectors = vectors;
    this.#options = options;
    this.itemCount = vectors.counts.length;
    this.dimensions = vectors.dimensions;
    const largest = vectors.counts.reduce((most, count) => Math.max(most, count), 1);
    this.#damping = vectors.counts.map(
      (count) => options.countDamping * Math.log(count > 0 ? count : largest),
    );
  }

  get sizeBytes(): number {
    const { inputs, outputs, counts } = this.#vectors;
    return inputs.byteLength + outputs.byteLength + counts.byteLength;
  }

  /** How many numbers it holds, whatever its item count promises. */
  get lengths(): { readonly inputs: number; readonly outputs: number } {
    return { inputs: this.#vectors.inputs.length, outputs: this.#vectors.outputs.length };
  }

  /** The input vector of an item. */
  vector(item: number): Float32Array {
    return this.#vectors.inputs.subarray(item * this.dimensions, (item + 1) * this.dimensions);
  }

  #scaleOf(item: number): number {
    this.#scales ??= Float64Array.from({ length: this.itemCount }, (_, other) => {
      const own = this.vector(other);
      const length = Math.sqrt(dot(own, this.#vectors.inputs, other * this.dimensions));
      return length > 0 ? 1 / length : 0;
    });
    return this.#scales[item]!;
  }

  /** Length of the vectors of a search: those of the model, and room for the damping. */
  get searchDimensions(): number {
    return this.dimensions + this.#dampingRoom;
  }

  /** Fills up whole vectors of four: a search is at its best where all numbers are alike in size. */
  get #dampingRoom(): number {
    return 4 - (this.dimensions % 4);
  }

  /**
   * Vectors such that the product of an item's with that of `queryOf` a history is the item's score, up
   * to a number that is the same for all items: what a search for the best items goes by. Some
   * thousand items in one piece of work.
   */
  *answersInPieces(): Pieces<Float32Array> {
    const targets = this.#targets();
    const width = this.searchDimensions;
    const answers = new Float32Array(this.itemCount * width);
    const middle = middleOf(this.#damping);
    for (let item = 0; item < this.itemCount; item++) {
      const scale = this.#itemScale(item);
      const start = item * width;
      for (let k = 0; k < this.dimensions; k++) {
        answers[start + k] = scale * targets[item * this.dimensions + k]!;
      }
      const damping = (middle - this.#damping[item]!) / this.#dampingRoom;
      answers.fill(damping, start + this.dimensions, start + width);
      if (item % ITEMS_AT_ONCE === ITEMS_AT_ONCE - 1) yield;
    }
    return answers;
  }

  /** undefined for a history of which it knows nothing. */
  queryOf(history: History): Float32Array | undefined {
    const shares = this.#sharesOf(history);
    if (shares.length === 0) return undefined;
    const person = this.#sumOf(shares);
    const scale = this.#personScale(person);
    const query = new Float32Array(this.searchDimensions).fill(1);
    for (let k = 0; k < this.dimensions; k++) query[k] = scale * person[k]!;
    return query;
  }

  /** Whether every number of the vectors is one. */
  isFiniteInPieces(): Pieces<boolean> {
    const { inputs, outputs, counts } = this.#vectors;
    return areFiniteInPieces([inputs, outputs, counts]);
  }

  /** The same vectors, scored otherwise. */
  scoredBy(options: EmbeddingScoreOptions): EmbeddingModel {
    return new EmbeddingModel(this.#format, this.#vectors, options);
  }

  /** The recency-weighted sum of the history's input vectors. */
  personVector(history: History): Float64Array {
    return this.#sumOf(this.#sharesOf(history));
  }

  #sumOf(shares: readonly Share[]): Float64Array {
    const { inputs } = this.#vectors;
    const person = new Float64Array(this.dimensions);
    // Fetched at once: rows apart in memory would each wait for the one before.
    let fetched = 0;
    for (const { item } of shares) {
      const end = (item + 1) * this.dimensions;
      for (let at = item * this.dimensions; at < end; at += LINE) fetched += inputs[at]!;
    }
    if (Number.isNaN(fetched)) return person.fill(Number.NaN);
    for (const { item, weight } of shares) {
      const start = item * this.dimensions;
      for (let k = 0; k < this.dimensions; k++) person[k]! += weight * inputs[start + k]!;
    }
    return person;
  }

  score(history: History, scores: Float64Array): void {
    scores.fill(0);
    const shares = this.#sharesOf(history);
    if (shares.length === 0) return;
    const person = this.personVector(history);
    const scale = this.#personScale(person);
    const targets = this.#targets();
    for (let item = 0; item < this.itemCount; item++) {
      const product = dot(person, targets, item * this.dimensions);
      scores[item] = scale * this.#itemScale(item) * product - this.#damping[item]!;
    }
  }

  explain(history: History, item: number): Float64Array {
    const shares = this.#sharesOf(history);
    const total = shares.reduce((sum, { weight }) => sum + weight, 0);
    const parts = new Float64Array(history.items.length);
    this.eachProduct(history, [item], (_, place, product) => {
      parts[place] = product;
    });
    for (const { place, weight } of shares) {
      parts[place]! -= (weight * this.#damping[item]!) / total;
    }
    return parts;
  }

  /** What each event gives to the score of each of these items, before the damping is taken off. */
  eachProduct(
    history: History,
    items: readonly number[],
    visit: (item: number, place: number, product: number) => void,
  ): void {
    const shares = this.#sharesOf(history);
    const { inputs } = this.#vectors;
    const targets = this.#targets();
    const historyScale = this.#historyScale(history);
    const width = this.dimensions;
    for (const item of items) {
      const scale = this.#itemScale(item) * historyScale;
      for (const { item: met, place, weight } of shares) {
        const product = rowProduct(inputs, met * width, targets, item * width, width);
        visit(item, place, weight * scale * product);
      }
    }
  }

  /** The items whose input vectors point the same way, by cosine, those above 0 alone. */
  similar(item: number, limit: number): SourceList {
    checkCount('limit', limit);
    const scores = new Float64Array(this.itemCount);
    if (item < this.itemCount) {
      const own = this.vector(item);
      for (let other = 0; other < this.itemCount; other++) {
        if (other === item) continue;
        const product = dot(own, this.#vectors.inputs, other * this.dimensions);
        scores[other] = this.#scaleOf(item) * this.#scaleOf(other) * product;
      }
    }
    return topList(scores, { limit });
  }

  #targets(): Float32Array {
    const { inputs, outputs } = this.#vectors;
    return this.#options.scoring === 'in-out' ? outputs : inputs;
  }

  #itemScale(item: number): number {
    return this.#options.scoring === 'in-out' ? 1 : this.#scaleOf(item);
  }

  #historyScale(history: History): number {
    if (this.#options.scoring === 'in-out') return 1;
    return this.#personScale(this.personVector(history));
  }

  #personScale(person: Float64Array): number {
    if (this.#options.scoring === 'in-out') return 1;
    const length = Math.sqrt(dot(person, person, 0));
    return length > 0 ? 1 / length : 0;
  }

  /** Events that count, newest first, until what is older weighs next to nothing. */
  #sharesOf({ items, weights }: History): Share[] {
    const shares: Share[] = [];
    let weight = 1;
    for (let place = items.length - 1; place >= 0 && weight > WEIGHT_MIN; place--) {
      const item = items[place]!;
      if (weights && weights[place]! <= 0) continue;
      if (item < this.itemCount && this.#vectors.counts[item]! > 0) {
        shares.push({ item, place, weight });
      }
      weight *= this.#options.historyDecay;
    }
    return shares;
  }

  serialise(): Uint8Array {
    const { dimensions, inputs, outputs, counts } = this.#vectors;
    const facts = { dimensions, options: this.#options };
    return encodeModel({ format: this.#format, facts, arrays: { inputs, outputs, counts } });
  }

  static read(bytes: Uint8Array, format: string): EmbeddingModel {
    const parts = decodeModel(bytes, format);
    const vectors = {
      dimensions: parts.facts.dimensions as number,
      inputs: arrayOf(parts, 'inputs', 'f32'),
      outputs: arrayOf(parts, 'outputs', 'f32'),
      counts: arrayOf(parts, 'counts', 'f64'),
    };
    checkLength('inputs', vectors.inputs, vectors.counts.length * vectors.dimensions);
    checkLength('outputs', vectors.outputs, vectors.inputs.length);
    return new EmbeddingModel(format, vectors, parts.facts.options as EmbeddingScoreOptions);
  }
}

const middleOf = (numbers: Float64Array): number => {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const number of numbers) {
    least = Math.min(least, number);
    most = Math.max(most, number);
  }
  return numbers.length === 0 ? 0 : (least + most) / 2;
};

/** The product of a vector with the one that starts at `start` of `rows`. */
const dot = (
  vector: Float32Array | Float64Array,
  rows: Float32Array | Float64Array,
  start: number,
): number => {
  let sum = 0;
  for (let k = 0; k < vector.length; k++) sum += vector[k]! * rows[start + k]!;
  return sum;
};
