/**
 * The weights of a linear model as it serves: of each row only the m largest by absolute value,
 * columns rising within a row. Six or eight bytes a weight: f32 values beside u16 columns, or u32
 * columns where there are more than 65,536.
 */
import { AlgorithmError } from '../model/algorithm-error.ts';
import { arrayOf, type ModelParts } from '../model/model-bytes.ts';
import type { Pieces } from '../model/pieces.ts';

export class WeightRows {
  readonly rowCount: number;
  readonly columnCount: number;
  readonly #keep: number;
  readonly #lengths: Uint32Array;
  readonly #columns: Uint16Array | Uint32Array;
  readonly #values: Float32Array;

  constructor(rowCount: number, columnCount: number, keepPerRow: number) {
    this.rowCount = rowCount;
    this.columnCount = columnCount;
    this.#keep = Math.min(keepPerRow, columnCount);
    this.#lengths = new Uint32Array(rowCount);
    const Columns = columnCount <= 2 ** 16 ? Uint16Array : Uint32Array;
    this.#columns = new Columns(rowCount * this.#keep);
    this.#values = new Float32Array(rowCount * this.#keep);
  }

  get sizeBytes(): number {
    return this.#lengths.byteLength + this.#columns.byteLength + this.#values.byteLength;
  }

  /** Takes the m largest weights of a dense row. Equal ones: the lower column stays. */
  setRow(row: number, weights: Float64Array): void {
    const least = leastOfLargest(weights, this.#keep);
    const start = row * this.#keep;
    let above = 0;
    for (let column = 0; column < weights.length; column++) {
      if (Math.abs(weights[column]!) > least) above += 1;
    }
    let equalsLeft = least > 0 ? this.#keep - above : 0;
    let length = 0;
    for (let column = 0; column < weights.length; column++) {
      const size = Math.abs(weights[column]!);
      if (size < least || size === 0 || (size === least && equalsLeft-- <= 0)) continue;
      this.#columns[start + length] = column;
      this.#values[start + length] = weights[column]!;
      length += 1;
    }
    this.#lengths[row] = length;
  }

  /** into[column] += share × weight, over the kept weights of a row. */
  addRow(row: number, share: number, into: Float64Array): void {
    const start = row * this.#keep;
    const end = start + this.#lengths[row]!;
    for (let k = start; k < end; k++) into[this.#columns[k]!]! += share * this.#values[k]!;
  }

  /** Visits the kept weights of a row, columns rising. */
  eachOf(row: number, visit: (column: number, weight: number) => void): void {
    const start = row * this.#keep;
    const end = start + this.#lengths[row]!;
    for (let k = start; k < end; k++) visit(this.#columns[k]!, this.#values[k]!);
  }

  at(row: number, column: number): number {
    let low = row * this.#keep;
    let high = low + this.#lengths[row]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#columns[middle]! < column) low = middle + 1;
      else high = middle;
    }
    const isThere = low < row * this.#keep + this.#lengths[row]! && this.#columns[low] === column;
    return isThere ? this.#values[low]! : 0;
  }

  /** Only the `keepPerRow` largest of each row. */
  keeping(keepPerRow: number): WeightRows {
    const fewer = new WeightRows(this.rowCount, this.columnCount, keepPerRow);
    const dense = new Float64Array(this.columnCount);
    for (let row = 0; row < this.rowCount; row++) {
      dense.fill(0);
      this.addRow(row, 1, dense);
      fewer.setRow(row, dense);
    }
    return fewer;
  }

  /** The rows packed without gaps. */
  pack(): Pick<ModelParts, 'facts' | 'arrays'> {
    const total = this.#lengths.reduce((sum, length) => sum + length, 0);
    const columns = this.#columns.slice(0, total);
    const values = new Float32Array(total);
    let at = 0;
    for (let row = 0; row < this.rowCount; row++) {
      const start = row * this.#keep;
      const end = start + this.#lengths[row]!;
      columns.set(this.#columns.subarray(start, end), at);
      values.set(this.#values.subarray(start, end), at);
      at += end - start;
    }
    const facts = { rowCount: this.rowCount, columnCount: this.columnCount, keep: this.#keep };
    return { facts, arrays: { lengths: this.#lengths, columns, values } };
  }

  /** What `pack` made, checked; some hundred rows in one piece of work. */
  static *unpackInPieces(parts: ModelParts): Pieces<WeightRows> {
    const { rowCount, columnCount, keep } = parts.facts as Record<string, number>;
    const lengths = arrayOf(parts, 'lengths', 'u32');
    mustHold(lengths.length === rowCount, `${rowCount} rows of weights`, lengths.length);
    const rows = new WeightRows(rowCount!, columnCount!, keep!);
    rows.#lengths.set(lengths);
    const columns = arrayOf(parts, 'columns', columnCount! <= 2 ** 16 ? 'u16' : 'u32');
    const values = arrayOf(parts, 'values', 'f32');
    let at = 0;
    for (let row = 0; row < rowCount!; row++) {
      const end = at + lengths[row]!;
      const isThere = lengths[row]! <= rows.#keep && end <= values.length;
      mustHold(isThere, 'the weights of all rows', 'a part');
      const own = { columns: columns.subarray(at, end), values: values.subarray(at, end) };
      mustHold(areWeights(own, columnCount!), 'finite weights in rising columns', 'others');
      rows.#columns.set(own.columns, row * rows.#keep);
      rows.#values.set(own.values, row * rows.#keep);
      at = end;
      if (row % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) yield;
    }
    return rows;
  }
}

const ROWS_AT_ONCE = 256;

const areWeights = (
  row: { readonly columns: Uint16Array | Uint32Array; readonly values: Float32Array },
  columnCount: number,
): boolean => {
  for (let k = 0; k < row.columns.length; k++) {
    if (!Number.isFinite(row.values[k]) || row.columns[k]! >= columnCount) return false;
    if (k > 0 && row.columns[k]! <= row.columns[k - 1]!) return false;
  }
  return true;
};

const mustHold = (holds: boolean, expected: string, got: unknown): void => {
  if (!holds) throw new AlgorithmError('bad_artifact', { expected, got });
};

/** The smallest of the `count` largest absolute values; 0 where all may stay. */
const leastOfLargest = (weights: Float64Array, count: number): number => {
  if (count >= weights.length) return 0;
  const sizes = weights.map(Math.abs);
  let low = 0;
  let high = sizes.length - 1;
  const wanted = sizes.length - count;
  // Hoare's selection: the middle element as pivot, so that sorted rows are no worst case.
  while (low < high) {
    const pivot = sizes[(low + high) >>> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (sizes[i]! < pivot) i += 1;
      while (sizes[j]! > pivot) j -= 1;
      if (i > j) break;
      const held = sizes[i]!;
      sizes[i] = sizes[j]!;
      sizes[j] = held;
      i += 1;
      j -= 1;
    }
    if (wanted <= j) high = j;
    else if (wanted >= i) low = i;
    else break;
  }
  return sizes[wanted]!;
};
