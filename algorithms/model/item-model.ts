/**
 * What every fitted model of items looks like from outside: it scores all items for one person's
 * history and knows nothing of the person beside it. So a model fits whoever comes, holds no user
 * data, and can be stored as bytes.
 */
import type { History } from '../histories/histories.ts';

export interface ItemModel {
  readonly itemCount: number;
  readonly sizeBytes: number;
  /**
   * Writes one score per item into `scores`; higher is better, and the scale is the model's own.
   * Items of the history are scored like any other: whether to show them is the caller's matter.
   */
  score(history: History, scores: Float64Array): void;
  serialise(): Uint8Array;
}

/** A model whose score is a sum over the events of the history. */
export interface ExplainingItemModel extends ItemModel {
  /** What each event of the history gives to the item's score; the sum is the score. */
  explain(history: History, item: number): Float64Array;
}
