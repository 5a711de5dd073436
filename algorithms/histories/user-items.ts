/**
 * Histories as a sparse matrix: rows are users (or, transposed, items), columns rise within a row
 * and are unique. Of a pair that occurs more than once the last value stands, as a second rating
 * replaces the first.
 */
import type { Histories } from './histories.ts';

export interface SparseRows {
  readonly rowCount: number;
  readonly columnCount: number;
  readonly starts: Uint32Array;
  readonly columns: Uint32Array;
  readonly values: Float32Array;
}

export const userItemsOf = (histories: Histories): SparseRows => {
  const { userCount, itemCount, starts, items, weights } = histories;
  const rowStarts = new Uint32Array(userCount + 1);
  const columns = new Uint32Array(items.length);
  const values = new Float32Array(items.length);
  const latest = new Float32Array(itemCount);
  const seenBy = new Int32Array(itemCount).fill(-1);
  let length = 0;
  for (let user = 0; user < userCount; user++) {
    const rowStart = length;
    for (let k = starts[user]!; k < starts[user + 1]!; k++) {
      const item = items[k]!;
      if (seenBy[item] !== user) {
        seenBy[item] = user;
        columns[length++] = item;
      }
      latest[item] = weights ? weights[k]! : 1;
    }
    columns.subarray(rowStart, length).sort();
    for (let k = rowStart; k < length; k++) values[k] = latest[columns[k]!]!;
    rowStarts[user + 1] = length;
  }
  return {
    rowCount: userCount,
    columnCount: itemCount,
    starts: rowStarts,
    columns: columns.slice(0, length),
    values: values.slice(0, length),
  };
};

export const transposeOf = (rows: SparseRows): SparseRows => {
  const starts = new Uint32Array(rows.columnCount + 1);
  for (let k = 0; k < rows.columns.length; k++) starts[rows.columns[k]! + 1]! += 1;
  for (let column = 0; column < rows.columnCount; column++) starts[column + 1]! += starts[column]!;
  const fill = starts.slice();
  const columns = new Uint32Array(rows.columns.length);
  const values = new Float32Array(rows.columns.length);
  for (let row = 0; row < rows.rowCount; row++) {
    for (let k = rows.starts[row]!; k < rows.starts[row + 1]!; k++) {
      const position = fill[rows.columns[k]!]!;
      fill[rows.columns[k]!] = position + 1;
      columns[position] = row;
      values[position] = rows.values[k]!;
    }
  }
  return { rowCount: rows.columnCount, columnCount: rows.rowCount, starts, columns, values };
};
