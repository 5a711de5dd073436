/**
 * Cholesky's method in tiles: the same sums as the reference, ordered so that nearly all of them
 * are products of two small tiles that stay in the cache. The factor costs n³/6 multiply-adds, a
 * right-hand side n², the inverse (right-hand sides of the identity, whose known zeros are
 * skipped) n³/3 more. Sizes that are no multiple of a tile are padded with an identity, which
 * changes nothing in the part that counts.
 */
import { type FitContext, partOf, pause } from '../model/fit-context.ts';
import {
  type DenseLinearAlgebra,
  lowerLength,
  type RidgeSystem,
  type RightHandSides,
  type SymmetricMatrix,
  symmetricMatrix,
} from './dense-linear-algebra.ts';
import {
  EDGE,
  factorTile,
  solveBackward,
  solveForward,
  subtractProduct,
  TILE_LENGTH,
  transposeTile,
} from './tile-kernels.ts';

/** The lower half of a square of tiles; tile (i, j ≤ i) starts at tileAt(i, j). */
interface TiledFactor {
  readonly tileCount: number;
  readonly tiles: Float64Array;
}

const tileAt = (i: number, j: number): number => ((i * (i + 1)) / 2 + j) * TILE_LENGTH;

const tiled = ({ matrix: { size, lower }, ridge }: RidgeSystem): TiledFactor => {
  const tileCount = Math.ceil(size / EDGE);
  const tiles = new Float64Array(lowerLength(tileCount) * TILE_LENGTH);
  for (let row = 0; row < tileCount * EDGE; row++) {
    const tileRow = Math.floor(row / EDGE);
    const inTile = (row % EDGE) * EDGE;
    if (row >= size) {
      tiles[tileAt(tileRow, tileRow) + inTile + (row % EDGE)] = 1;
      continue;
    }
    const start = (row * (row + 1)) / 2;
    for (let column = 0; column <= row; column += EDGE) {
      const values = lower.subarray(start + column, start + Math.min(column + EDGE, row + 1));
      tiles.set(values, tileAt(tileRow, column / EDGE) + inTile);
    }
    tiles[tileAt(tileRow, tileRow) + inTile + (row % EDGE)]! += ridge;
  }
  return { tileCount, tiles };
};

/** Left-looking: column after column of tiles, each from the finished ones left of it. */
const factorise = async (factor: TiledFactor, context: FitContext): Promise<void> => {
  const { tileCount, tiles } = factor;
  for (let j = 0; j < tileCount; j++) {
    await pause(context, shareOfFactor(j, tileCount));
    const diagonal = tileAt(j, j);
    for (let i = j; i < tileCount; i++) {
      const target = tileAt(i, j);
      for (let k = 0; k < j; k++) {
        subtractProduct(tiles, target, tiles, tileAt(i, k), tiles, tileAt(j, k));
      }
      if (i === j) factorTile(tiles, diagonal, j * EDGE);
      else solveForward(tiles, target, tiles, diagonal);
    }
  }
};

/** Work of the first j columns: Σ c·(n − c), as a share. */
const shareOfFactor = (j: number, tileCount: number): number =>
  (3 * tileCount * j ** 2 - 2 * j ** 3) / tileCount ** 3;

/** EDGE right-hand sides, as one tile for each tile of the matrix's columns. */
class Panel {
  readonly #tiles: Float64Array;
  readonly #factor: TiledFactor;

  constructor(factor: TiledFactor) {
    this.#factor = factor;
    this.#tiles = new Float64Array(factor.tileCount * TILE_LENGTH);
  }

  /** Copies EDGE rows in, or zeros where there are no more. */
  load(rows: RightHandSides, size: number, firstRow: number): void {
    this.#tiles.fill(0);
    this.#copy(rows, size, firstRow, (values, at, tile) => {
      this.#tiles.set(values.subarray(at, at + tile.length), tile.at);
    });
  }

  store(rows: RightHandSides, size: number, firstRow: number): void {
    this.#copy(rows, size, firstRow, (values, at, tile) => {
      values.set(this.#tiles.subarray(tile.at, tile.at + tile.length), at);
    });
  }

  #copy(
    { rowCount, values }: RightHandSides,
    size: number,
    firstRow: number,
    move: (values: Float64Array, at: number, tile: { at: number; length: number }) => void,
  ): void {
    for (let row = 0; row < EDGE && firstRow + row < rowCount; row++) {
      for (let column = 0; column < size; column += EDGE) {
        const at = (column / EDGE) * TILE_LENGTH + row * EDGE;
        const length = Math.min(EDGE, size - column);
        move(values, (firstRow + row) * size + column, { at, length });
      }
    }
  }

  /** Rows of the identity. */
  loadIdentity(tileRow: number): void {
    this.#tiles.fill(0);
    for (let row = 0; row < EDGE; row++) {
      this.#tiles[tileRow * TILE_LENGTH + row * EDGE + row] = 1;
    }
  }

  /** y of L·y = b. Tiles left of `from` are zero and stay it. */
  forward(from: number): void {
    const { tileCount, tiles } = this.#factor;
    for (let i = from; i < tileCount; i++) {
      const target = i * TILE_LENGTH;
      for (let k = from; k < i; k++) {
        subtractProduct(this.#tiles, target, this.#tiles, k * TILE_LENGTH, tiles, tileAt(i, k));
      }
      solveForward(this.#tiles, target, tiles, tileAt(i, i));
    }
  }

  /** x of Lᵀ·x = y, with the factor's tiles transposed. Tiles left of `from` are not wanted. */
  backward(from: number): void {
    const { tileCount, tiles } = this.#factor;
    for (let i = tileCount - 1; i >= from; i--) {
      const target = i * TILE_LENGTH;
      for (let k = tileCount - 1; k > i; k--) {
        subtractProduct(this.#tiles, target, this.#tiles, k * TILE_LENGTH, tiles, tileAt(k, i));
      }
      solveBackward(this.#tiles, target, tiles, tileAt(i, i));
    }
  }

  at(row: number, column: number): number {
    return this.#tiles[Math.floor(column / EDGE) * TILE_LENGTH + row * EDGE + (column % EDGE)]!;
  }

  keepTiles(from: number, into: Float64Array): void {
    into.set(this.#tiles.subarray(from * TILE_LENGTH));
  }

  loadTiles(from: number, tiles: Float64Array): void {
    this.#tiles.set(tiles, from * TILE_LENGTH);
  }
}

const transposeAll = ({ tileCount, tiles }: TiledFactor): void => {
  for (let at = 0; at < lowerLength(tileCount) * TILE_LENGTH; at += TILE_LENGTH) {
    transposeTile(tiles, at);
  }
};

const solveRows = async (
  system: RidgeSystem,
  rows: RightHandSides,
  context: FitContext,
): Promise<void> => {
  const { size } = system.matrix;
  if (size === 0 || rows.rowCount === 0) return;
  const factor = tiled(system);
  const factorShare = size / (size + 6 * rows.rowCount);
  await factorise(factor, partOf(context, { start: 0, end: factorShare }));
  const panel = new Panel(factor);
  const rest = partOf(context, { start: factorShare, end: 1 });
  for (const direction of ['forward', 'backward'] as const) {
    const done = direction === 'forward' ? 0 : 0.5;
    if (direction === 'backward') transposeAll(factor);
    for (let row = 0; row < rows.rowCount; row += EDGE) {
      await pause(rest, done + row / rows.rowCount / 2);
      panel.load(rows, size, row);
      panel[direction](0);
      panel.store(rows, size, row);
    }
  }
};

/**
 * A⁻¹ = L⁻ᵀ·L⁻¹. A panel of the identity's rows r has zeros left of r, which forward substitution
 * keeps, and by symmetry only what is right of r is wanted from the way back.
 */
const invert = async (system: RidgeSystem, context: FitContext): Promise<SymmetricMatrix> => {
  const inverse = symmetricMatrix(system.matrix.size);
  if (inverse.size === 0) return inverse;
  const factor = tiled(system);
  const { tileCount } = factor;
  await factorise(factor, partOf(context, { start: 0, end: 1 / 3 }));
  const panel = new Panel(factor);
  // Row r of the half-way result, from tile r on: together the same half square of tiles.
  const halfWay = new Float64Array(lowerLength(tileCount) * TILE_LENGTH);
  const halfWayRow = (tileRow: number): Float64Array => {
    const start = (lowerLength(tileCount) - lowerLength(tileCount - tileRow)) * TILE_LENGTH;
    return halfWay.subarray(start, start + (tileCount - tileRow) * TILE_LENGTH);
  };
  for (let tileRow = 0; tileRow < tileCount; tileRow++) {
    await pause(context, 1 / 3 + tileRow / tileCount / 3);
    panel.loadIdentity(tileRow);
    panel.forward(tileRow);
    panel.keepTiles(tileRow, halfWayRow(tileRow));
  }
  transposeAll(factor);
  for (let tileRow = 0; tileRow < tileCount; tileRow++) {
    await pause(context, 2 / 3 + tileRow / tileCount / 3);
    panel.loadTiles(tileRow, halfWayRow(tileRow));
    panel.backward(tileRow);
    storeSymmetric(panel, inverse, tileRow);
  }
  return inverse;
};

/** Row r of the panel holds the inverse's column r from the diagonal on: its lower half. */
const storeSymmetric = (panel: Panel, inverse: SymmetricMatrix, tileRow: number): void => {
  for (let column = tileRow * EDGE; column < inverse.size; column++) {
    const start = (column * (column + 1)) / 2;
    for (let row = 0; row < EDGE && tileRow * EDGE + row <= column; row++) {
      inverse.lower[start + tileRow * EDGE + row] = panel.at(row, column);
    }
  }
};

export const blockedLinearAlgebra: DenseLinearAlgebra = { name: 'blocked', solveRows, invert };
