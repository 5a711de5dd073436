/**
 * EASE: embarrassingly shallow autoencoders (Steck, 2019). A person's row of items x is mapped to
 * itself by a matrix B with an empty diagonal, so that each item is predicted from the others:
 * minimise |X − XB|² + λ|B|², diag(B) = 0. With P = (XᵀX + λI)⁻¹ the answer is closed:
 * B(i, j) = −P(i, j) ÷ P(j, j). Negative weights are half of its strength and stay.
 *
 * XᵀX is kept as statistics: what a person adds is the pairs of their distinct items, a function
 * of their history alone, so it can be added and taken back.
 *
 * Cost: Σ n² ÷ 2 additions for the statistics, n³/2 multiply-adds for the inverse (n items),
 * 4·n² bytes statistics (f64, half), what serves keeps `keepPerItem` weights of each column.
 * Caveat: blind to order. A person's ten-year-old and newest item count alike.
 */
import { checkHistories, type Histories } from '../histories/histories.ts';
import { type SparseRows, userItemsOf } from '../histories/user-items.ts';
import { blockedLinearAlgebra } from '../linear-algebra/blocked-linear-algebra.ts';
import {
  type DenseLinearAlgebra,
  type SymmetricMatrix,
  symmetricIndex,
  symmetricMatrix,
} from '../linear-algebra/dense-linear-algebra.ts';
import { type FitContext, partOf, pause } from '../model/fit-context.ts';
import { checkCount, checkPositive } from '../model/option-checks.ts';
import type { Pieces } from '../model/pieces.ts';
import { gramInverseByPeople } from './ease-dual.ts';
import { WHOLE_HISTORY } from './history-block.ts';
import { LinearItemModel } from './linear-item-model.ts';
import { sparseEaseWeights } from './sparse-ease.ts';
import { WeightRows } from './weight-rows.ts';

export interface EaseOptions {
  /** λ. Larger trusts popular pairs only. */
  readonly regularisation: number;
  /** How many weights of an item's row are kept for serving, the largest by absolute value. */
  readonly keepPerItem: number;
  /** Beyond so many items each is solved on its neighbours alone (`sparse-ease`). */
  readonly denseItemsMax: number;
  /** How many neighbours that are. More is not better: the unlisted counts are guesses. */
  readonly sparseNeighbours: number;
}

/** λ = 1000 gives the published .718 / .449 on Q1; it was not searched for anew. */
export const DEFAULT_EASE_OPTIONS: EaseOptions = {
  regularisation: 1000,
  keepPerItem: 500,
  denseItemsMax: 20_000,
  sparseNeighbours: 100,
};

export const checkEaseOptions = (options: EaseOptions): void => {
  checkPositive('regularisation', options.regularisation);
  checkCount('keepPerItem', options.keepPerItem);
  checkCount('denseItemsMax', options.denseItemsMax, 0);
  checkCount('sparseNeighbours', options.sparseNeighbours);
};

/** Pair counts XᵀX of distinct items, kept between refreshes. */
export class EaseStatistics {
  readonly #gram: SymmetricMatrix;

  constructor(itemCount: number) {
    checkCount('itemCount', itemCount, 0);
    this.#gram = symmetricMatrix(itemCount);
  }

  get itemCount(): number {
    return this.#gram.size;
  }

  get gram(): SymmetricMatrix {
    return this.#gram;
  }

  get sizeBytes(): number {
    return this.#gram.lower.byteLength;
  }

  /** Adds the pairs of one person's distinct items; `sign` −1 takes them back exactly. */
  addPerson(distinctItems: ArrayLike<number>, sign: 1 | -1 = 1): void {
    const { lower } = this.#gram;
    for (let a = 0; a < distinctItems.length; a++) {
      for (let b = 0; b <= a; b++) {
        lower[symmetricIndex(distinctItems[a]!, distinctItems[b]!)]! += sign;
      }
    }
  }

  /** The person has met `item` for the first time. Exactly the difference of two `addPerson`. */
  addItem(earlierDistinctItems: ArrayLike<number>, item: number, sign: 1 | -1 = 1): void {
    const { lower } = this.#gram;
    for (let a = 0; a < earlierDistinctItems.length; a++) {
      lower[symmetricIndex(item, earlierDistinctItems[a]!)]! += sign;
    }
    lower[symmetricIndex(item, item)]! += sign;
  }

  /** Items rise within a row, so each row of the half square is walked forward. */
  addAll(userItems: SparseRows): void {
    const { lower } = this.#gram;
    for (let user = 0; user < userItems.rowCount; user++) {
      const start = userItems.starts[user]!;
      for (let a = start; a < userItems.starts[user + 1]!; a++) {
        const item = userItems.columns[a]!;
        const row = (item * (item + 1)) / 2;
        for (let b = start; b <= a; b++) lower[row + userItems.columns[b]!]! += 1;
      }
    }
  }
}

const FORMAT = 'ease/1';

/** From statistics to what serves. The statistics stay as they were. */
export const solveEase = async (
  statistics: EaseStatistics,
  options: EaseOptions,
  context: FitContext,
  algebra: DenseLinearAlgebra = blockedLinearAlgebra,
): Promise<LinearItemModel> => {
  checkEaseOptions(options);
  const inverse = await algebra.invert(
    { matrix: statistics.gram, ridge: options.regularisation },
    partOf(context, { start: 0, end: 0.95 }),
  );
  const model = modelOf(inverse, options);
  await pause(context, 1);
  return model;
};

const modelOf = (inverse: SymmetricMatrix, options: EaseOptions): LinearItemModel => {
  const itemCount = inverse.size;
  const weights = new WeightRows(itemCount, itemCount, options.keepPerItem);
  const diagonal = Float64Array.from(
    { length: itemCount },
    (_, item) => inverse.lower[symmetricIndex(item, item)]!,
  );
  const row = new Float64Array(itemCount);
  for (let from = 0; from < itemCount; from++) {
    for (let to = 0; to < itemCount; to++) {
      row[to] = to === from ? 0 : -inverse.lower[symmetricIndex(from, to)]! / diagonal[to]!;
    }
    weights.setRow(from, row);
  }
  return new LinearItemModel({ format: FORMAT, blocks: [WHOLE_HISTORY], itemCount, weights });
};

/**
 * Takes the way that is shorter: by items, or by people where there are fewer of them; item by item
 * where the catalogue is too large for either.
 */
export const fitEase = async (
  histories: Histories,
  options: EaseOptions,
  context: FitContext,
  algebra: DenseLinearAlgebra = blockedLinearAlgebra,
): Promise<LinearItemModel> => {
  checkEaseOptions(options);
  checkHistories(histories);
  const userItems = userItemsOf(histories);
  const { itemCount } = histories;
  if (itemCount > options.denseItemsMax) {
    const settings = { ...options, neighbours: options.sparseNeighbours };
    const weights = await sparseEaseWeights(userItems, settings, context);
    await pause(context, 1);
    return new LinearItemModel({ format: FORMAT, blocks: [WHOLE_HISTORY], itemCount, weights });
  }
  if (histories.userCount < itemCount) {
    const part = partOf(context, { start: 0, end: 0.95 });
    const ridge = options.regularisation;
    const inverse = await gramInverseByPeople(userItems, ridge, part, algebra);
    const model = modelOf(inverse, options);
    await pause(context, 1);
    return model;
  }
  const statistics = new EaseStatistics(itemCount);
  statistics.addAll(userItems);
  await pause(context, 0.1);
  return solveEase(statistics, options, partOf(context, { start: 0.1, end: 1 }), algebra);
};

/** The same between other work. */
export const readEaseInPieces = (bytes: Uint8Array): Pieces<LinearItemModel> =>
  LinearItemModel.readInPieces(bytes, FORMAT);

export const readEase = (bytes: Uint8Array): LinearItemModel => LinearItemModel.read(bytes, FORMAT);
