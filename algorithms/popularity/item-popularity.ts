/**
 * The baseline of every table: an item's score is how many events it has, whoever asks. A metric
 * whose figure for this model is not the published one is a broken metric.
 */
import {
  checkHistories,
  type Histories,
  type History,
  itemCounts,
} from '../histories/histories.ts';
import type { ItemModel } from '../model/item-model.ts';
import { arrayOf, decodeModel, encodeModel } from '../model/model-bytes.ts';

const FORMAT = 'item-popularity/1';

export class ItemPopularity implements ItemModel {
  readonly #counts: Float64Array;

  constructor(counts: Float64Array) {
    this.#counts = counts;
  }

  get itemCount(): number {
    return this.#counts.length;
  }

  get sizeBytes(): number {
    return this.#counts.byteLength;
  }

  score(_history: History, scores: Float64Array): void {
    scores.set(this.#counts);
  }

  serialise(): Uint8Array {
    return encodeModel({ format: FORMAT, facts: {}, arrays: { counts: this.#counts } });
  }
}

export const fitItemPopularity = (histories: Histories): ItemPopularity => {
  checkHistories(histories);
  return new ItemPopularity(itemCounts(histories));
};

export const readItemPopularity = (bytes: Uint8Array): ItemPopularity =>
  new ItemPopularity(arrayOf(decodeModel(bytes, FORMAT), 'counts', 'f64'));
