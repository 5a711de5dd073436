/**
 * The time-aware linear next-item model. At each position of each sequence the features are a
 * stack of decayed blocks of what came before, the target the decayed window of what follows; one
 * ridge regression maps the first to the second:
 *
 *   W = (XᵀX + λI)⁻¹ XᵀY
 *
 * So it learns what people do next after what they just did, what they did lately, and what they
 * have always done, each with weights of its own, in closed form. Negative weights stay (dropping
 * them costs .018 HR@10 on Q2).
 *
 * Cost: K·I features for I items: (K·I)³/6 + (K·I)²·I multiply-adds a solve; statistics by
 * position-tables. Serving: K rows of at most `keepPerRow` weights for each event within reach.
 * Caveat: dense, so up to about 5,000 items; and weak where histories are two or three clicks.
 */
import { checkHistories, type Histories } from '../histories/histories.ts';
import { blockedLinearAlgebra } from '../linear-algebra/blocked-linear-algebra.ts';
import type { DenseLinearAlgebra } from '../linear-algebra/dense-linear-algebra.ts';
import { type FitContext, partOf, pause } from '../model/fit-context.ts';
import { checkCount, checkPositive } from '../model/option-checks.ts';
import type { Pieces } from '../model/pieces.ts';
import { LinearItemModel } from './linear-item-model.ts';
import { NextItemStatistics } from './next-item-statistics.ts';
import { checkShape, type NextItemShape } from './position-tables.ts';
import { WeightRows } from './weight-rows.ts';

export interface NextItemOptions {
  readonly shape: NextItemShape;
  /** λ. */
  readonly regularisation: number;
  /** How many weights of a row are kept for serving, the largest by absolute value. */
  readonly keepPerRow: number;
}

/**
 * Best NDCG@10 of a dozen stacks of blocks on Q2's validation item, of which most lie within .001;
 * λ = 100 to 400 lie within .001 as well. Q1 wants λ = 1000.
 */
export const DEFAULT_NEXT_ITEM_OPTIONS: NextItemOptions = {
  shape: {
    blocks: [
      { decay: 0.2, length: 2, isNormalised: false },
      { decay: 0.85, length: 25, isNormalised: true },
      { decay: 0.99, length: 300, isNormalised: true },
    ],
    targetDecay: 0.6,
    targetLength: 4,
  },
  regularisation: 200,
  keepPerRow: 500,
};

export const checkNextItemOptions = (options: NextItemOptions): void => {
  checkShape(options.shape);
  checkPositive('regularisation', options.regularisation);
  checkCount('keepPerRow', options.keepPerRow);
};

const FORMAT = 'next-item/1';

/** From statistics to what serves. The statistics stay as they were. */
export const solveNextItem = async (
  statistics: NextItemStatistics,
  options: NextItemOptions,
  context: FitContext,
  algebra: DenseLinearAlgebra = blockedLinearAlgebra,
): Promise<LinearItemModel> => {
  checkNextItemOptions(options);
  const { itemCount, gram, shape } = statistics;
  const solution = statistics.cross.slice();
  await algebra.solveRows(
    { matrix: gram, ridge: options.regularisation },
    { rowCount: itemCount, values: solution },
    partOf(context, { start: 0, end: 0.95 }),
  );
  const weights = new WeightRows(gram.size, itemCount, options.keepPerRow);
  for (let row = 0; row < gram.size; row += COLUMNS_AT_ONCE) {
    setRowsFrom(solution, weights, row);
  }
  await pause(context, 1);
  return new LinearItemModel({ format: FORMAT, blocks: shape.blocks, itemCount, weights });
};

/** A model's row is a column of the solution: a cache line of columns is read at a time. */
const COLUMNS_AT_ONCE = 16;

const setRowsFrom = (solution: Float64Array, weights: WeightRows, first: number): void => {
  const width = Math.min(COLUMNS_AT_ONCE, weights.rowCount - first);
  const rows = Array.from({ length: width }, () => new Float64Array(weights.columnCount));
  for (let target = 0; target < weights.columnCount; target++) {
    const start = target * weights.rowCount + first;
    for (let k = 0; k < width; k++) rows[k]![target] = solution[start + k]!;
  }
  for (let k = 0; k < width; k++) weights.setRow(first + k, rows[k]!);
};

export const fitNextItem = async (
  histories: Histories,
  options: NextItemOptions,
  context: FitContext,
  algebra: DenseLinearAlgebra = blockedLinearAlgebra,
): Promise<LinearItemModel> => {
  checkNextItemOptions(options);
  checkHistories(histories);
  const statistics = new NextItemStatistics(histories.itemCount, options.shape);
  statistics.addAll(histories);
  await pause(context, 0.1);
  return solveNextItem(statistics, options, partOf(context, { start: 0.1, end: 1 }), algebra);
};

export const readNextItem = (bytes: Uint8Array): LinearItemModel =>
  LinearItemModel.read(bytes, FORMAT);

/** The same between other work. */
export const readNextItemInPieces = (bytes: Uint8Array): Pieces<LinearItemModel> =>
  LinearItemModel.readInPieces(bytes, FORMAT);
