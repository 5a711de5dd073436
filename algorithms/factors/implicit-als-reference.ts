/**
 * Implicit least squares as in the paper (Hu, Koren and Volinsky 2008, with the regularisation of
 * Rendle et al. 2021), in f64 and with no thought of speed: each row solves
 *
 *   (α₀HᵀH + Σ c·hhᵀ + λ(Σc + α₀n)^ν·I)·x = Σ p·h
 *
 * by the textbook's Cholesky. Beside it the loss that every solve lowers or leaves.
 */
import { type SymmetricMatrix, symmetricMatrix } from '../linear-algebra/dense-linear-algebra.ts';
import { referenceLinearAlgebra } from '../linear-algebra/reference-linear-algebra.ts';
import type { FitContext } from '../model/fit-context.ts';
import type { ConfidenceRows } from './confidences.ts';
import { type ImplicitAlsOptions, ridgeOf } from './implicit-als-options.ts';

/** Row-major, `dimensions` numbers a row. */
export type Factors = Float64Array;

const addOuter = (into: SymmetricMatrix, vector: ArrayLike<number>, by: number): void => {
  for (let row = 0, at = 0; row < into.size; row++) {
    for (let column = 0; column <= row; column++, at++) {
      into.lower[at]! += by * vector[row]! * vector[column]!;
    }
  }
};

const confidenceOf = (rows: ConfidenceRows, row: number): number => {
  let sum = 0;
  for (let k = rows.starts[row]!; k < rows.starts[row + 1]!; k++) sum += rows.confidences[k]!;
  return sum;
};

/** New factors of the rows' side, from those of the other. */
export const referenceSweep = async (
  rows: ConfidenceRows,
  others: Factors,
  options: ImplicitAlsOptions,
  context: FitContext,
): Promise<Factors> => {
  const d = options.dimensions;
  const otherAt = (other: number): Float64Array => others.subarray(other * d, (other + 1) * d);
  const base = symmetricMatrix(d);
  for (let other = 0; other < rows.columnCount; other++) {
    addOuter(base, otherAt(other), options.unobservedWeight);
  }
  const solved = new Float64Array(rows.rowCount * d);
  for (let row = 0; row < rows.rowCount; row++) {
    const matrix = { size: d, lower: base.lower.slice() };
    const values = new Float64Array(d);
    for (let k = rows.starts[row]!; k < rows.starts[row + 1]!; k++) {
      const other = otherAt(rows.columns[k]!);
      addOuter(matrix, other, rows.confidences[k]!);
      for (let i = 0; i < d; i++) values[i]! += rows.pulls[k]! * other[i]!;
    }
    const confidence = confidenceOf(rows, row);
    const ridge = ridgeOf(options, { confidence, otherCount: rows.columnCount });
    await referenceLinearAlgebra.solveRows({ matrix, ridge }, { rowCount: 1, values }, context);
    solved.set(values, row * d);
  }
  return solved;
};

/** Up to a constant: Σ (c·s² − 2p·s) over events + α₀·Σ s² over all pairs + the regularisation. */
export const referenceLoss = (
  userItems: ConfidenceRows,
  itemUsers: ConfidenceRows,
  factors: { readonly users: ArrayLike<number>; readonly items: ArrayLike<number> },
  options: ImplicitAlsOptions,
): number => {
  const d = options.dimensions;
  const { users, items } = factors;
  let loss = 0;
  for (let user = 0; user < userItems.rowCount; user++) {
    const scores = Float64Array.from({ length: userItems.columnCount }, (_, item) => {
      let score = 0;
      for (let i = 0; i < d; i++) score += users[user * d + i]! * items[item * d + i]!;
      return score;
    });
    for (const score of scores) loss += options.unobservedWeight * score * score;
    for (let k = userItems.starts[user]!; k < userItems.starts[user + 1]!; k++) {
      const score = scores[userItems.columns[k]!]!;
      loss += userItems.confidences[k]! * score * score - 2 * userItems.pulls[k]! * score;
    }
  }
  const sides = [
    { rows: userItems, values: users },
    { rows: itemUsers, values: items },
  ];
  for (const { rows, values } of sides) {
    for (let row = 0; row < rows.rowCount; row++) {
      const confidence = confidenceOf(rows, row);
      let squares = 0;
      for (let i = 0; i < d; i++) squares += values[row * d + i]! ** 2;
      loss += ridgeOf(options, { confidence, otherCount: rows.columnCount }) * squares;
    }
  }
  return loss;
};
