/**
 * The two dense operations that the linear models need, as an interface, so that a faster engine
 * can be handed to a fit: `referenceLinearAlgebra` is the textbook, `blockedLinearAlgebra` the
 * plain JavaScript that is fast enough to measure with.
 */
import type { FitContext } from '../model/fit-context.ts';

/**
 * A symmetric matrix by its lower half, row after row: (row, column ≤ row) stands at
 * row · (row + 1) ÷ 2 + column. Half the memory of a square, and rows only ever grow at the end.
 */
export interface SymmetricMatrix {
  readonly size: number;
  readonly lower: Float64Array;
}

/** Row-major; a row is one right-hand side. */
export interface RightHandSides {
  readonly rowCount: number;
  readonly values: Float64Array;
}

export interface DenseLinearAlgebra {
  readonly name: string;
  /**
   * Replaces each row b of `rows` by the x of (A + λI)·x = b. Refuses with
   * `not_positive_definite` what has no Cholesky factor.
   */
  solveRows(system: RidgeSystem, rows: RightHandSides, context: FitContext): Promise<void>;
  /** (A + λI)⁻¹. */
  invert(system: RidgeSystem, context: FitContext): Promise<SymmetricMatrix>;
}

/** A + λI, without a copy of A, which is left as it was. */
export interface RidgeSystem {
  readonly matrix: SymmetricMatrix;
  readonly ridge: number;
}

export const lowerLength = (size: number): number => (size * (size + 1)) / 2;

export const symmetricMatrix = (size: number): SymmetricMatrix => ({
  size,
  lower: new Float64Array(lowerLength(size)),
});

export const symmetricIndex = (row: number, column: number): number =>
  row >= column ? (row * (row + 1)) / 2 + column : (column * (column + 1)) / 2 + row;
