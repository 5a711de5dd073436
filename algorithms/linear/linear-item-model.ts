/**
 * What EASE and the next-item model have in common once they are fitted: a row of weights for each
 * (block of history, item), and a score that is the sum of the rows of what the person did, each
 * times what that event weighs. The sum is the explanation.
 */
import type { History } from '../histories/histories.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';
import type { ExplainingItemModel } from '../model/item-model.ts';
import { decodeModel, encodeModel } from '../model/model-bytes.ts';
import { checkCount } from '../model/option-checks.ts';
import { atOnce, type Pieces } from '../model/pieces.ts';
import { blockWeights, checkBlock, type HistoryBlock } from './history-block.ts';
import { WeightRows } from './weight-rows.ts';

interface Fitted {
  readonly format: string;
  readonly blocks: readonly HistoryBlock[];
  readonly itemCount: number;
  /** Row (block · itemCount + item). */
  readonly weights: WeightRows;
}

export class LinearItemModel implements ExplainingItemModel {
  readonly itemCount: number;
  readonly blocks: readonly HistoryBlock[];
  readonly #format: string;
  readonly #weights: WeightRows;

  constructor(fitted: Fitted) {
    this.itemCount = fitted.itemCount;
    this.blocks = fitted.blocks;
    this.#format = fitted.format;
    this.#weights = fitted.weights;
  }

  get sizeBytes(): number {
    return this.#weights.sizeBytes;
  }

  score(history: History, scores: Float64Array): void {
    scores.fill(0);
    this.#eachShare(history, (row, share) => this.#weights.addRow(row, share, scores));
  }

  /**
   * Adds to `scores` what an amount of each item gives, by the first block's rows: from the scores
   * of one step this makes those of two.
   */
  addFrom(amounts: Float64Array, scores: Float64Array): void {
    for (let item = 0; item < this.itemCount; item++) {
      if (amounts[item] !== 0) this.#weights.addRow(item, amounts[item]!, scores);
    }
  }

  explain(history: History, item: number): Float64Array {
    const parts = new Float64Array(history.items.length);
    this.#eachShare(history, (row, share, place) => {
      parts[place]! += share * this.#weights.at(row, item);
    });
    return parts;
  }

  /** The same model with only the largest weights of each row: smaller, faster, a little worse. */
  keeping(weightsPerRow: number): LinearItemModel {
    checkCount('weightsPerRow', weightsPerRow);
    return new LinearItemModel({
      format: this.#format,
      blocks: this.blocks,
      itemCount: this.itemCount,
      weights: this.#weights.keeping(weightsPerRow),
    });
  }

  /** Visits every event that weighs something, block by block, newest first. */
  #eachShare({ items }: History, visit: (row: number, share: number, place: number) => void): void {
    this.blocks.forEach((block, blockIndex) => {
      const weights = blockWeights(block, items.length);
      const seen = new Set<number>();
      for (let age = 0; age < weights.length; age++) {
        const place = items.length - 1 - age;
        const item = items[place]!;
        if (item >= this.itemCount) continue;
        if (block.isSet) {
          if (seen.has(item)) continue;
          seen.add(item);
        }
        visit(blockIndex * this.itemCount + item, weights[age]!, place);
      }
    });
  }

  serialise(): Uint8Array {
    const { facts, arrays } = this.#weights.pack();
    const own = { ...facts, itemCount: this.itemCount, blocks: this.blocks };
    return encodeModel({ format: this.#format, facts: own, arrays });
  }

  static read(bytes: Uint8Array, format: string): LinearItemModel {
    return atOnce(LinearItemModel.readInPieces(bytes, format));
  }

  /** The same between other work: laying out many rows takes a while. */
  static *readInPieces(bytes: Uint8Array, format: string): Pieces<LinearItemModel> {
    const parts = decodeModel(bytes, format);
    const blocks = parts.facts.blocks as readonly HistoryBlock[];
    const itemCount = parts.facts.itemCount as number;
    blocks.forEach(checkBlock);
    const weights = yield* WeightRows.unpackInPieces(parts);
    if (weights.rowCount !== blocks.length * itemCount || weights.columnCount !== itemCount) {
      throw new AlgorithmError('bad_artifact', {
        expected: `${blocks.length} rows of weights for each of ${itemCount} items`,
        got: `${weights.rowCount} rows for ${weights.columnCount}`,
      });
    }
    return new LinearItemModel({ format, blocks, itemCount, weights });
  }
}
