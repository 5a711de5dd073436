/**
 * What implicit least squares take from histories: for each (user, item) two weights, the sums over
 * the user's events with that item. An event's cₖ is its kind's weight times its decay, measured
 * from the user's own newest event, never from a clock, so that a person's vector changes when they
 * do something and not while they sleep. A negative weight is a dislike: |cₖ| counts in
 * `confidences` (how sure we are of a value) and nothing in `pulls` (that value's being 1).
 */
import { checkHistories, type Histories, type History } from '../histories/histories.ts';
import { checkPositive } from '../model/option-checks.ts';

/** Rows of one side; `columns` rise within a row and are unique. */
export interface ConfidenceRows {
  readonly rowCount: number;
  readonly columnCount: number;
  readonly starts: Uint32Array;
  readonly columns: Uint32Array;
  /** Σ |cₖ|. */
  readonly confidences: Float32Array;
  /** Σ of the positive cₖ. */
  readonly pulls: Float32Array;
}

/** In the unit of the histories' times; null for no decay. */
export type HalfLife = number | null;

export const checkHalfLife = (halfLife: HalfLife): void => {
  if (halfLife !== null) checkPositive('halfLife', halfLife);
};

/** cₖ of each event of a history. */
export const eventWeights = (history: History, halfLife: HalfLife): Float64Array => {
  const { items, weights, times } = history;
  const newest = times ? times.reduce((latest, time) => Math.max(latest, time), -Infinity) : 0;
  return Float64Array.from({ length: items.length }, (_, k) => {
    const weight = weights ? weights[k]! : 1;
    return halfLife === null || !times ? weight : weight * 2 ** ((times[k]! - newest) / halfLife);
  });
};

export const confidenceRowsOf = (histories: Histories, halfLife: HalfLife): ConfidenceRows => {
  checkHistories(histories);
  checkHalfLife(halfLife);
  const { userCount, itemCount, starts, items } = histories;
  const rowStarts = new Uint32Array(userCount + 1);
  const columns = new Uint32Array(items.length);
  const confidences = new Float32Array(items.length);
  const pulls = new Float32Array(items.length);
  const confidenceOf = new Float64Array(itemCount);
  const pullOf = new Float64Array(itemCount);
  let length = 0;
  for (let user = 0; user < userCount; user++) {
    const [start, end] = [starts[user]!, starts[user + 1]!];
    const rowStart = length;
    const history = {
      items: items.subarray(start, end),
      weights: histories.weights?.subarray(start, end) ?? null,
      times: histories.times?.subarray(start, end) ?? null,
    };
    const weights = eventWeights(history, halfLife);
    for (let k = 0; k < weights.length; k++) {
      const [item, weight] = [history.items[k]!, weights[k]!];
      if (weight === 0) continue;
      if (confidenceOf[item] === 0) columns[length++] = item;
      confidenceOf[item]! += Math.abs(weight);
      if (weight > 0) pullOf[item]! += weight;
    }
    columns.subarray(rowStart, length).sort();
    for (let k = rowStart; k < length; k++) {
      const item = columns[k]!;
      confidences[k] = confidenceOf[item]!;
      pulls[k] = pullOf[item]!;
      confidenceOf[item] = 0;
      pullOf[item] = 0;
    }
    rowStarts[user + 1] = length;
  }
  return {
    rowCount: userCount,
    columnCount: itemCount,
    starts: rowStarts,
    columns: columns.slice(0, length),
    confidences: confidences.slice(0, length),
    pulls: pulls.slice(0, length),
  };
};

export const transposeConfidences = (rows: ConfidenceRows): ConfidenceRows => {
  const starts = new Uint32Array(rows.columnCount + 1);
  for (const column of rows.columns) starts[column + 1]! += 1;
  for (let column = 0; column < rows.columnCount; column++) starts[column + 1]! += starts[column]!;
  const fill = starts.slice();
  const columns = new Uint32Array(rows.columns.length);
  const confidences = new Float32Array(rows.columns.length);
  const pulls = new Float32Array(rows.columns.length);
  for (let row = 0; row < rows.rowCount; row++) {
    for (let k = rows.starts[row]!; k < rows.starts[row + 1]!; k++) {
      const place = fill[rows.columns[k]!]!;
      fill[rows.columns[k]!] = place + 1;
      columns[place] = row;
      confidences[place] = rows.confidences[k]!;
      pulls[place] = rows.pulls[k]!;
    }
  }
  const { rowCount, columnCount } = rows;
  return { rowCount: columnCount, columnCount: rowCount, starts, columns, confidences, pulls };
};
