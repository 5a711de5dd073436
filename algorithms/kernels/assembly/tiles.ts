/**
 * Cholesky's method in square tiles, f32 and f64: the calls that the blocked linear algebra makes.
 * A tile is `edge` × `edge` numbers by columns (edge a multiple of 4); the factor is the lower half of
 * a square of tiles, tile (i, j ≤ i) the (i(i + 1)/2 + j)-th. A panel is `edge` right-hand sides: for
 * each tile of columns one tile whose column k holds the k-th unknown of all of them.
 * Reference: ../../linear-algebra/reference-linear-algebra.ts.
 */
import { cholesky, columns4, subtractColumn } from './include/block';
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

/** X ← X·L⁻ᵀ: column after column of X, each from the finished ones. */
function solveForward<T>(x: usize, l: usize, edge: i32): void {
  const column = <usize>edge * sizeof<T>();
  for (let i = 0; i < edge; i++) {
    const target = x + <usize>i * column;
    const own = <usize>i * sizeof<T>();
    for (let k = 0; k < i; k++) {
      const factor = load<T>(l + <usize>k * column + own);
      if (factor != <T>0) subtractColumn<T>(target, x + <usize>k * column, factor, 0, column);
    }
    scale<T>(target, <T>1 / load<T>(l + <usize>i * column + own), column);
  }
}

/** X ← X·L⁻¹. */
function solveBackward<T>(x: usize, l: usize, edge: i32): void {
  const column = <usize>edge * sizeof<T>();
  for (let i = edge - 1; i >= 0; i--) {
    const target = x + <usize>i * column;
    const lColumn = l + <usize>i * column;
    for (let k = i + 1; k < edge; k++) {
      subtractColumn<T>(target, x + <usize>k * column, load<T>(lColumn + <usize>k * sizeof<T>()), 0, column);
    }
    scale<T>(target, <T>1 / load<T>(lColumn + <usize>i * sizeof<T>()), column);
  }
}

@inline
function scale<T>(target: usize, by: T, bytes: usize): void {
  const factor = v128.splat<T>(by);
  for (let at: usize = 0; at < bytes; at += 16) {
    v128.store(target + at, v128.mul<T>(v128.load(target + at), factor));
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
