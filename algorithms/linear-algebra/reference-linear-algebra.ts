/**
 * Cholesky's method as in any textbook: A = L·Lᵀ, then L·y = b, then Lᵀ·x = y. Three plain loops,
 * to be checked against the paper and to check the fast one against. Cubic and slow.
 */
import { AlgorithmError } from '../model/algorithm-error.ts';
import { type FitContext, pause } from '../model/fit-context.ts';
import {
  type DenseLinearAlgebra,
  type RidgeSystem,
  type RightHandSides,
  type SymmetricMatrix,
  symmetricIndex,
  symmetricMatrix,
} from './dense-linear-algebra.ts';

const factorOf = ({ matrix, ridge }: RidgeSystem): SymmetricMatrix => {
  const factor = symmetricMatrix(matrix.size);
  const at = (row: number, column: number): number => factor.lower[symmetricIndex(row, column)]!;
  for (let row = 0; row < matrix.size; row++) {
    for (let column = 0; column <= row; column++) {
      let rest = matrix.lower[symmetricIndex(row, column)]! + (row === column ? ridge : 0);
      for (let k = 0; k < column; k++) rest -= at(row, k) * at(column, k);
      if (row === column && !(rest > 0 && rest < Number.POSITIVE_INFINITY)) {
        throw new AlgorithmError('not_positive_definite', { pivot: rest, row });
      }
      factor.lower[symmetricIndex(row, column)] =
        row === column ? Math.sqrt(rest) : rest / at(column, column);
    }
  }
  return factor;
};

const solveRow = (factor: SymmetricMatrix, row: Float64Array): void => {
  const at = (i: number, k: number): number => factor.lower[symmetricIndex(i, k)]!;
  for (let i = 0; i < factor.size; i++) {
    for (let k = 0; k < i; k++) row[i]! -= at(i, k) * row[k]!;
    row[i]! /= at(i, i);
  }
  for (let i = factor.size - 1; i >= 0; i--) {
    for (let k = i + 1; k < factor.size; k++) row[i]! -= at(k, i) * row[k]!;
    row[i]! /= at(i, i);
  }
};

const solveRows = async (
  system: RidgeSystem,
  rows: RightHandSides,
  context: FitContext,
): Promise<void> => {
  const factor = factorOf(system);
  const { size } = factor;
  for (let row = 0; row < rows.rowCount; row++) {
    await pause(context, row / rows.rowCount);
    solveRow(factor, rows.values.subarray(row * size, (row + 1) * size));
  }
};

const invert = async (system: RidgeSystem, context: FitContext): Promise<SymmetricMatrix> => {
  const { size } = system.matrix;
  const values = new Float64Array(size * size);
  for (let row = 0; row < size; row++) values[row * size + row] = 1;
  await solveRows(system, { rowCount: size, values }, context);
  const inverse = symmetricMatrix(size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      inverse.lower[symmetricIndex(row, column)] = values[row * size + column]!;
    }
  }
  return inverse;
};

export const referenceLinearAlgebra: DenseLinearAlgebra = { name: 'reference', solveRows, invert };
