/**
 * EASE for catalogues too large for a dense matrix. A column of EASE is the ridge regression of one
 * item on all others; here it is the regression on its `neighbours` most similar items alone (by
 * cosine of common people), so that each item asks for a small system of its own:
 *
 *   (G_NN + λI) · w = G_Nj,   G the counts of common people
 *
 * Where every two items share a person and all are neighbours, it is EASE exactly (a test says so). G is kept as sparse rows of the
 * `ROW_ENTRIES` largest counts; a pair in neither row is held to share as many people as by chance,
 * at most what the rows leave room for. That guess can make a system indefinite: its ridge then
 * grows fourfold until it is not.
 *
 * Cost: Σ n² over people for the counts, k³/6 multiply-adds an item for k neighbours; memory
 * ROW_ENTRIES · 8 bytes an item while it fits. Items are independent of each other.
 */
import { type SparseRows, transposeOf } from '../histories/user-items.ts';
import { type FitContext, pause } from '../model/fit-context.ts';
import { WeightRows } from './weight-rows.ts';

export interface SparseEaseSettings {
  readonly regularisation: number;
  readonly neighbours: number;
  readonly keepPerItem: number;
}

const ROW_ENTRIES = 500;
const RIDGE_TRIES = 6;

/** Row `item` of weights: what the item, once met, gives to others. */
export const sparseEaseWeights = async (
  userItems: SparseRows,
  settings: SparseEaseSettings,
  context: FitContext,
): Promise<WeightRows> => {
  const itemCount = userItems.columnCount;
  const counts = await commonCounts(userItems, Math.max(ROW_ENTRIES, settings.neighbours), context);
  const columns: { readonly from: number[]; readonly weights: Float64Array }[] = [];
  const solver = new LocalSolver(counts, settings);
  for (let item = 0; item < itemCount; item++) {
    if (item % 256 === 0) await pause(context, 0.4 + (0.5 * item) / itemCount);
    columns.push(solver.column(item));
  }
  return rowsOf(columns, itemCount, settings.keepPerItem);
};

/** How many people two items share, for the pairs that share most; rows with rising columns. */
interface CommonCounts {
  readonly people: number;
  readonly sizes: Float64Array;
  /** The smallest count that an item's list holds; 0 where the list holds all. */
  readonly least: Float64Array;
  readonly rows: WeightRows;
}

const commonCounts = async (
  userItems: SparseRows,
  entries: number,
  context: FitContext,
): Promise<CommonCounts> => {
  const itemUsers = transposeOf(userItems);
  const itemCount = userItems.columnCount;
  const rows = new WeightRows(itemCount, itemCount, entries);
  const sizes = new Float64Array(itemCount);
  const least = new Float64Array(itemCount);
  const common = new Float64Array(itemCount);
  for (let item = 0; item < itemCount; item++) {
    if (item % 256 === 0) await pause(context, (0.4 * item) / itemCount);
    common.fill(0);
    for (let k = itemUsers.starts[item]!; k < itemUsers.starts[item + 1]!; k++) {
      const user = itemUsers.columns[k]!;
      for (let j = userItems.starts[user]!; j < userItems.starts[user + 1]!; j++) {
        common[userItems.columns[j]!]! += 1;
      }
    }
    sizes[item] = common[item]!;
    common[item] = 0;
    rows.setRow(item, common);
    least[item] = leastOf(rows, item, entries);
  }
  return { people: userItems.rowCount, sizes, least, rows };
};

const leastOf = (rows: WeightRows, item: number, entries: number): number => {
  let least = Number.POSITIVE_INFINITY;
  let count = 0;
  rows.eachOf(item, (_, shared) => {
    least = Math.min(least, shared);
    count += 1;
  });
  return count < entries ? 0 : least;
};

class LocalSolver {
  readonly #counts: CommonCounts;
  readonly #settings: SparseEaseSettings;
  /** Place of an item among the neighbours at hand, −1 outside. */
  readonly #placeOf: Int32Array;

  constructor(counts: CommonCounts, settings: SparseEaseSettings) {
    this.#counts = counts;
    this.#settings = settings;
    this.#placeOf = new Int32Array(counts.sizes.length).fill(-1);
  }

  /** The items that speak for `item`, and how much. */
  column(item: number): { readonly from: number[]; readonly weights: Float64Array } {
    const { sizes, rows } = this.#counts;
    const similarities: { readonly from: number; readonly count: number }[] = [];
    rows.eachOf(item, (from, count) => similarities.push({ from, count }));
    const closeness = ({ from, count }: { from: number; count: number }): number =>
      count / Math.sqrt(sizes[from]!);
    similarities.sort((a, b) => closeness(b) - closeness(a) || a.from - b.from);
    const chosen = similarities.slice(0, this.#settings.neighbours);
    const from = chosen.map((entry) => entry.from);
    const wanted = Float64Array.from(chosen, (entry) => entry.count);
    return { from, weights: this.#solve(from, wanted) };
  }

  #solve(from: readonly number[], wanted: Float64Array): Float64Array {
    const matrix = this.#systemOf(from);
    let ridge = this.#settings.regularisation;
    for (let attempt = 0; attempt < RIDGE_TRIES; attempt++, ridge *= 4) {
      const weights = solveSmall(matrix, ridge, wanted);
      if (weights) return weights;
    }
    return new Float64Array(from.length);
  }

  /** What a pair in neither list is held to share: as by chance, but no more than both lists say. */
  #unlistedCount(a: number, b: number): number {
    const { sizes, least, people } = this.#counts;
    return Math.min((sizes[a]! * sizes[b]!) / people, least[a]!, least[b]!);
  }

  /** The lower half of G among the neighbours, row-major in a square. */
  #systemOf(from: readonly number[]): Float64Array {
    const { sizes, rows } = this.#counts;
    const size = from.length;
    const matrix = new Float64Array(size * size);
    for (let a = 0; a < size; a++) {
      for (let b = 0; b < a; b++) matrix[a * size + b] = this.#unlistedCount(from[a]!, from[b]!);
    }
    from.forEach((item, place) => {
      this.#placeOf[item] = place;
    });
    from.forEach((item, place) => {
      matrix[place * size + place] = sizes[item]!;
      // A pair may stand in one row alone: whichever has it writes it.
      rows.eachOf(item, (other, count) => {
        const otherPlace = this.#placeOf[other]!;
        if (otherPlace < 0) return;
        matrix[Math.max(place, otherPlace) * size + Math.min(place, otherPlace)] = count;
      });
    });
    for (const item of from) this.#placeOf[item] = -1;
    return matrix;
  }
}

/** Cholesky of a small system; null where it is not positive definite. */
const solveSmall = (
  matrix: Float64Array,
  ridge: number,
  wanted: Float64Array,
): Float64Array | null => {
  const size = wanted.length;
  const factor = matrix.slice();
  const solution = wanted.slice();
  for (let i = 0; i < size; i++) {
    const row = i * size;
    for (let j = 0; j <= i; j++) {
      const other = j * size;
      let rest = factor[row + j]! + (i === j ? ridge : 0);
      for (let k = 0; k < j; k++) rest -= factor[row + k]! * factor[other + k]!;
      if (i === j && !(rest > 0)) return null;
      factor[row + j] = i === j ? Math.sqrt(rest) : rest / factor[other + j]!;
    }
    for (let k = 0; k < i; k++) solution[i]! -= factor[row + k]! * solution[k]!;
    solution[i]! /= factor[row + i]!;
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) solution[i]! -= factor[k * size + i]! * solution[k]!;
    solution[i]! /= factor[i * size + i]!;
  }
  return solution;
};

/** Columns turned into rows. */
const rowsOf = (
  columns: readonly { readonly from: readonly number[]; readonly weights: Float64Array }[],
  itemCount: number,
  keepPerItem: number,
): WeightRows => {
  const targets: number[][] = Array.from({ length: itemCount }, () => []);
  const values: number[][] = Array.from({ length: itemCount }, () => []);
  columns.forEach(({ from, weights }, to) => {
    from.forEach((item, k) => {
      targets[item]!.push(to);
      values[item]!.push(weights[k]!);
    });
  });
  const longest = targets.reduce((most, { length }) => Math.max(most, length), 1);
  const rows = new WeightRows(itemCount, itemCount, Math.min(keepPerItem, longest));
  const dense = new Float64Array(itemCount);
  targets.forEach((row, item) => {
    row.forEach((to, k) => {
      dense[to] = values[item]![k]!;
    });
    rows.setRow(item, dense);
    for (const to of row) dense[to] = 0;
  });
  return rows;
};
