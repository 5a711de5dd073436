/**
 * Cholesky's method in square tiles, f32 and f64: the calls that the blocked linear algebra makes.
 * A tile is `edge` × `edge` numbers by columns (edge a multiple of 4); the factor is the lower half of
 * a square of tiles, tile (i, j ≤ i) the (i(i + 1)/2 + j)-th. A panel is `edge` right-hand sides: for
 * each tile of columns one tile whose column k holds the k-th unknown of all of them.
 * Reference: ../../linear-algebra/reference-linear-algebra.ts.
 */
import { cholesky, columns4, scaleColumn, subtractColumn } from './include/block';
import { lanes } from './include/lanes';

@inline
function tileAt<T>(tiles: usize, i: i32, j: i32, edge: i32): usize {
  return tiles + <usize>((i * (i + 1)) / 2 + j) * <usize>(edge * edge) * sizeof<T>();
}

/** C ← C − A·Bᵀ, or C − A·B where B is to be read the other way. */
function subtractProduct<T>(c: usize, a: usize, b: usize, edge: i32, isFlipped: bool): void {
  const column = <usize>edge * sizeof<T>();
  const vectors = edge / lanes<T>();
  const bStep = isFlipped ? <usize>sizeof<T>() : column;
  const bColumn = isFlipped ? column : <usize>sizeof<T>();
  for (let j = 0; j < edge; j += 4) {
    columns4<T>(a, column, b + <usize>j * bColumn, bStep, bColumn, edge, c + <usize>j * column, column, vectors, true);
  }
}

/** Everything left of tile (i, j) taken off it; the diagonal one is factored, too. */
function reduce<T>(tiles: usize, edge: i32, i: i32, j: i32): i32 {
  const target = tileAt<T>(tiles, i, j, edge);
  for (let k = 0; k < j; k++) {
    subtractProduct<T>(target, tileAt<T>(tiles, i, k, edge), tileAt<T>(tiles, j, k, edge), edge, false);
  }
  if (i != j) return 0;
  const failed = cholesky<T>(target, edge);
  return failed == 0 ? 0 : failed + j * edge;
}

/** X ← X·L⁻ᵀ: four columns of X at a time, less the finished ones, then among each other. */
function solveForward<T>(x: usize, l: usize, edge: i32): void {
  const column = <usize>edge * sizeof<T>();
  const vectors = edge / lanes<T>();
  for (let group = 0; group < edge; group += 4) {
    const first = x + <usize>group * column;
    const own = <usize>group * sizeof<T>();
    columns4<T>(x, column, l + own, column, sizeof<T>(), group, first, column, vectors, true);
    for (let j = 0; j < 4; j++) {
      const target = first + <usize>j * column;
      for (let k = 0; k < j; k++) {
        const factor = load<T>(l + <usize>(group + k) * column + own + <usize>j * sizeof<T>());
        subtractColumn<T>(target, first + <usize>k * column, factor, 0, column);
      }
      const pivot = load<T>(l + <usize>(group + j) * column + own + <usize>j * sizeof<T>());
      scaleColumn<T>(target, <T>1 / pivot, 0, column);
    }
  }
}

/** X ← X·L⁻¹, from the last columns to the first. */
function solveBackward<T>(x: usize, l: usize, edge: i32): void {
  const column = <usize>edge * sizeof<T>();
  const vectors = edge / lanes<T>();
  for (let group = edge - 4; group >= 0; group -= 4) {
    const first = x + <usize>group * column;
    const lFirst = l + <usize>group * column;
    const later = <usize>(group + 4);
    columns4<T>(
      x + later * column, column, lFirst + later * sizeof<T>(), sizeof<T>(), column,
      edge - group - 4, first, column, vectors, true,
    );
    for (let j = 3; j >= 0; j--) {
      const target = first + <usize>j * column;
      const lColumn = lFirst + <usize>j * column + <usize>group * sizeof<T>();
      for (let k = j + 1; k < 4; k++) {
        const factor = load<T>(lColumn + <usize>k * sizeof<T>());
        subtractColumn<T>(target, first + <usize>k * column, factor, 0, column);
      }
      scaleColumn<T>(target, <T>1 / load<T>(lColumn + <usize>j * sizeof<T>()), 0, column);
    }
  }
}

/** Forward, then backward; unknowns before tile `from` are zeros, and not wanted. */
function solvePanel<T>(panel: usize, tiles: usize, edge: i32, tileCount: i32, from: i32): void {
  const tile = <usize>(edge * edge) * sizeof<T>();
  for (let i = from; i < tileCount; i++) {
    const target = panel + <usize>i * tile;
    for (let k = from; k < i; k++) {
      subtractProduct<T>(target, panel + <usize>k * tile, tileAt<T>(tiles, i, k, edge), edge, false);
    }
    solveForward<T>(target, tileAt<T>(tiles, i, i, edge), edge);
  }
  for (let i = tileCount - 1; i >= from; i--) {
    const target = panel + <usize>i * tile;
    for (let k = tileCount - 1; k > i; k--) {
      subtractProduct<T>(target, panel + <usize>k * tile, tileAt<T>(tiles, k, i, edge), edge, true);
    }
    solveBackward<T>(target, tileAt<T>(tiles, i, i, edge), edge);
  }
}

/** The tile row `from` of the inverse, from the diagonal on, as a panel at `panel`. */
function invertPanel<T>(panel: usize, tiles: usize, edge: i32, tileCount: i32, from: i32): void {
  const tile = <usize>(edge * edge) * sizeof<T>();
  memory.fill(panel + <usize>from * tile, 0, <usize>(tileCount - from) * tile);
  for (let k = 0; k < edge; k++) {
    store<T>(panel + <usize>from * tile + <usize>(k * edge + k) * sizeof<T>(), <T>1);
  }
  solvePanel<T>(panel, tiles, edge, tileCount, from);
}

export function reduceF32(tiles: usize, edge: i32, i: i32, j: i32): i32 {
  return reduce<f32>(tiles, edge, i, j);
}

export function reduceF64(tiles: usize, edge: i32, i: i32, j: i32): i32 {
  return reduce<f64>(tiles, edge, i, j);
}

/** Tile (i, j) times the inverse of the finished diagonal tile j. */
export function finishF32(tiles: usize, edge: i32, i: i32, j: i32): void {
  solveForward<f32>(tileAt<f32>(tiles, i, j, edge), tileAt<f32>(tiles, j, j, edge), edge);
}

export function finishF64(tiles: usize, edge: i32, i: i32, j: i32): void {
  solveForward<f64>(tileAt<f64>(tiles, i, j, edge), tileAt<f64>(tiles, j, j, edge), edge);
}

export function solveF32(panel: usize, tiles: usize, edge: i32, tileCount: i32): void {
  solvePanel<f32>(panel, tiles, edge, tileCount, 0);
}

export function solveF64(panel: usize, tiles: usize, edge: i32, tileCount: i32): void {
  solvePanel<f64>(panel, tiles, edge, tileCount, 0);
}

export function invertF32(panel: usize, tiles: usize, edge: i32, tileCount: i32, from: i32): void {
  invertPanel<f32>(panel, tiles, edge, tileCount, from);
}

export function invertF64(panel: usize, tiles: usize, edge: i32, tileCount: i32, from: i32): void {
  invertPanel<f64>(panel, tiles, edge, tileCount, from);
}
