/**
 * Cholesky's method in tiles on WASM kernels, shared among an engine's threads: what
 * `blockedLinearAlgebra` does, ten to twenty times as fast. In f64 it agrees with the reference to
 * rounding; in f32 (twice as fast again, half the memory) the solution's relative error is about
 * the machine's 6e-8 times the condition of A + λI, which for the next-item model (λ of hundreds, its
 * features' counts to some 10⁵) costs no place in a list, while EASE divides by the inverse's
 * diagonal and stays with f64.
 *
 * The wave of a column of the factor is its tiles, each less the products of what stands left of it,
 * and then each times the inverse of the diagonal one; right-hand sides go panel by panel. A
 * tile's sums are always added in the same order, so the number of threads does not show.
 */
import type { KernelEngine } from '../kernels/kernel-engine.ts';
import type { KernelRegion } from '../kernels/kernel-memory.ts';
import { tileKernels } from '../kernels/tiles.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';
import { type FitContext, partOf } from '../model/fit-context.ts';
import {
  type DenseLinearAlgebra,
  lowerLength,
  type RidgeSystem,
  type RightHandSides,
  type SymmetricMatrix,
  symmetricMatrix,
} from './dense-linear-algebra.ts';

export interface KernelPrecision {
  readonly precision: 'f32' | 'f64';
}

/** 96: two tiles of f32 fill the first-level cache, of f64 a tenth of the second. */
const EDGE = 96;
const TILE_LENGTH = EDGE * EDGE;

const SUFFIX = { f32: 'F32', f64: 'F64' } as const;
type Values = Float32Array | Float64Array;

/** The lower half of a square of tiles in the engine's memory, each by columns. */
interface TiledFactor {
  readonly tileCount: number;
  readonly tiles: Values;
}

const tileAt = (i: number, j: number): number => ((i * (i + 1)) / 2 + j) * TILE_LENGTH;

/** Rows beyond the size are the identity's, which changes nothing in the part that counts. */
const fillTiles = (
  { matrix: { size, lower }, ridge }: RidgeSystem,
  { tileCount, tiles }: TiledFactor,
): void => {
  for (let row = 0; row < tileCount * EDGE; row++) {
    const tileRow = Math.floor(row / EDGE);
    const inTile = row % EDGE;
    const diagonal = tileAt(tileRow, tileRow) + inTile * EDGE + inTile;
    if (row >= size) {
      tiles[diagonal] = 1;
      continue;
    }
    const start = (row * (row + 1)) / 2;
    for (let column = 0; column <= row; column += EDGE) {
      const target = tileAt(tileRow, column / EDGE) + inTile;
      const end = Math.min(EDGE, row + 1 - column);
      for (let k = 0; k < end; k++) tiles[target + k * EDGE] = lower[start + column + k]!;
    }
    tiles[diagonal] = lower[start + row]! + ridge;
  }
};

class KernelLinearAlgebra implements DenseLinearAlgebra {
  readonly name: string;
  readonly #engine: KernelEngine;
  readonly #precision: 'f32' | 'f64';

  constructor(engine: KernelEngine, { precision }: KernelPrecision) {
    this.name = `kernels, ${precision}`;
    this.#engine = engine;
    this.#precision = precision;
  }

  async solveRows(system: RidgeSystem, rows: RightHandSides, context: FitContext): Promise<void> {
    const { size } = system.matrix;
    if (size === 0 || rows.rowCount === 0) return;
    using region = this.#engine.memory.region();
    const factor = this.#emptyFactor(size, region);
    const factorShare = size / (size + 6 * rows.rowCount);
    await this.#factorise(system, factor, partOf(context, { start: 0, end: factorShare }));
    const panelLength = factor.tileCount * TILE_LENGTH;
    const panelCount = Math.ceil(rows.rowCount / EDGE);
    const panels = region[this.#precision](panelCount * panelLength);
    movePanels({ rows, size, panels, panelLength }, 'in');
    await this.#engine.run(
      {
        module: tileKernels,
        build: 'relaxed',
        kernel: `solve${SUFFIX[this.#precision]}`,
        calls: Array.from({ length: panelCount }, (_, panel) => [
          panels.byteOffset + panel * panelLength * panels.BYTES_PER_ELEMENT,
          factor.tiles.byteOffset,
          EDGE,
          factor.tileCount,
        ]),
      },
      partOf(context, { start: factorShare, end: 1 }),
    );
    movePanels({ rows, size, panels, panelLength }, 'out');
  }

  #emptyFactor(size: number, region: KernelRegion): TiledFactor {
    const tileCount = Math.ceil(size / EDGE);
    return { tileCount, tiles: region[this.#precision](lowerLength(tileCount) * TILE_LENGTH) };
  }

  /** Left-looking: column after column of tiles, each from the finished ones left of it. */
  async #factorise(system: RidgeSystem, factor: TiledFactor, context: FitContext): Promise<void> {
    fillTiles(system, factor);
    const { tileCount, tiles } = factor;
    const module = tileKernels;
    const suffix = SUFFIX[this.#precision];
    for (let j = 0; j < tileCount; j++) {
      const span = { start: shareOfFactor(j, tileCount), end: shareOfFactor(j + 1, tileCount) };
      const part = partOf(context, span);
      const calls = Array.from({ length: tileCount - j }, (_, below) => [
        tiles.byteOffset,
        EDGE,
        j + below,
        j,
      ]);
      const answers = await this.#engine.run(
        { module, build: 'relaxed', kernel: `reduce${suffix}`, calls },
        part,
      );
      if (answers[0] !== 0) throw notDefinite(factor, answers[0]! - 1);
      await this.#engine.run(
        { module, build: 'relaxed', kernel: `finish${suffix}`, calls: calls.slice(1) },
        { seed: context.seed, signal: context.signal },
      );
    }
  }

  async invert(system: RidgeSystem, context: FitContext): Promise<SymmetricMatrix> {
    const inverse = symmetricMatrix(system.matrix.size);
    if (inverse.size === 0) return inverse;
    using region = this.#engine.memory.region();
    const factor = this.#emptyFactor(inverse.size, region);
    const { tileCount } = factor;
    await this.#factorise(system, factor, partOf(context, { start: 0, end: 1 / 3 }));
    const panels = region[this.#precision](lowerLength(tileCount) * TILE_LENGTH);
    await this.#engine.run(
      {
        module: tileKernels,
        build: 'relaxed',
        kernel: `invert${SUFFIX[this.#precision]}`,
        calls: Array.from({ length: tileCount }, (_, panel) => [
          panels.byteOffset + halfPanelAt(panel, tileCount) * panels.BYTES_PER_ELEMENT,
          factor.tiles.byteOffset,
          EDGE,
          tileCount,
          panel,
        ]),
      },
      partOf(context, { start: 1 / 3, end: 1 }),
    );
    storeSymmetric(panels, tileCount, inverse);
    return inverse;
  }
}

/** Work of the first j columns: Σ c·(n − c), as a share. */
const shareOfFactor = (j: number, tileCount: number): number =>
  (3 * tileCount * j ** 2 - 2 * j ** 3) / tileCount ** 3;

const notDefinite = ({ tiles }: TiledFactor, row: number): AlgorithmError => {
  const tile = tileAt(Math.floor(row / EDGE), Math.floor(row / EDGE));
  const pivot = tiles[tile + (row % EDGE) * (EDGE + 1)];
  return new AlgorithmError('not_positive_definite', { pivot, row });
};

interface PanelMove {
  readonly rows: RightHandSides;
  readonly size: number;
  readonly panels: Values;
  readonly panelLength: number;
}

/** Right-hand sides are rows, panels hold them as columns of unknowns. */
const movePanels = (
  { rows: { rowCount, values }, size, panels, panelLength }: PanelMove,
  direction: 'in' | 'out',
): void => {
  for (let row = 0; row < rowCount; row++) {
    const target = Math.floor(row / EDGE) * panelLength + (row % EDGE);
    const source = row * size;
    if (direction === 'in') {
      for (let k = 0; k < size; k++) panels[target + k * EDGE] = values[source + k]!;
    } else {
      for (let k = 0; k < size; k++) values[source + k] = panels[target + k * EDGE]!;
    }
  }
};

/**
 * Panel r of the inverse is wanted from tile r on, so that all panels take half a square. This is
 * where its tile 0 would stand, which is never touched.
 */
const halfPanelAt = (panel: number, tileCount: number): number =>
  (lowerLength(tileCount) - lowerLength(tileCount - panel) - panel) * TILE_LENGTH;

/** Panel r holds the inverse's rows of tile r from the diagonal on: its lower half's columns. */
const storeSymmetric = (panels: Values, tileCount: number, inverse: SymmetricMatrix): void => {
  for (let row = 0; row < inverse.size; row++) {
    const start = (row * (row + 1)) / 2;
    for (let column = 0; column <= row; column++) {
      const panel = halfPanelAt(Math.floor(column / EDGE), tileCount);
      inverse.lower[start + column] = panels[panel + row * EDGE + (column % EDGE)]!;
    }
  }
};

export const kernelLinearAlgebra = (
  engine: KernelEngine,
  precision: KernelPrecision,
): DenseLinearAlgebra => new KernelLinearAlgebra(engine, precision);
