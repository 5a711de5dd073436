/**
 * The one inner loop that everything dense stands on: a block of sums held in registers,
 *
 *   C[j][i] ±= Σ_k A[k][i] · B(k, j)      3 vectors of i, 4 values of j
 *
 * A and C are read along i, B's values are broadcast one by one, so B may lie in either order: its
 * neighbours in j and k are `bColumn` and `bStep` bytes apart. Twelve sums, three vectors of A and
 * one broadcast value are the sixteen registers of x64; with fewer sums the four cycles of a
 * multiply-add would show. `rest` columns of vectors (1 or 2) are what a width that is no multiple
 * of three leaves over.
 */
import { fma, fms, lanes } from './lanes';

@inline
function put<T>(c: usize, sum: v128, isMinus: bool): void {
  const old = v128.load(c);
  v128.store(c, isMinus ? v128.sub<T>(old, sum) : v128.add<T>(old, sum));
}

export function block3<T>(
  a: usize, aStep: usize, b: usize, bStep: usize, bColumn: usize,
  depth: i32, c: usize, cColumn: usize, isMinus: bool,
): void {
  let s00 = v128.splat<T>(<T>0), s01 = s00, s02 = s00;
  let s10 = s00, s11 = s00, s12 = s00;
  let s20 = s00, s21 = s00, s22 = s00;
  let s30 = s00, s31 = s00, s32 = s00;
  let b1 = b + bColumn, b2 = b1 + bColumn, b3 = b2 + bColumn;
  for (let k = 0; k < depth; k++) {
    const x0 = v128.load(a), x1 = v128.load(a, 16), x2 = v128.load(a, 32);
    let y = v128.load_splat<T>(b);
    s00 = fma<T>(x0, y, s00); s01 = fma<T>(x1, y, s01); s02 = fma<T>(x2, y, s02);
    y = v128.load_splat<T>(b1);
    s10 = fma<T>(x0, y, s10); s11 = fma<T>(x1, y, s11); s12 = fma<T>(x2, y, s12);
    y = v128.load_splat<T>(b2);
    s20 = fma<T>(x0, y, s20); s21 = fma<T>(x1, y, s21); s22 = fma<T>(x2, y, s22);
    y = v128.load_splat<T>(b3);
    s30 = fma<T>(x0, y, s30); s31 = fma<T>(x1, y, s31); s32 = fma<T>(x2, y, s32);
    a += aStep; b += bStep; b1 += bStep; b2 += bStep; b3 += bStep;
  }
  put<T>(c, s00, isMinus); put<T>(c + 16, s01, isMinus); put<T>(c + 32, s02, isMinus);
  c += cColumn;
  put<T>(c, s10, isMinus); put<T>(c + 16, s11, isMinus); put<T>(c + 32, s12, isMinus);
  c += cColumn;
  put<T>(c, s20, isMinus); put<T>(c + 16, s21, isMinus); put<T>(c + 32, s22, isMinus);
  c += cColumn;
  put<T>(c, s30, isMinus); put<T>(c + 16, s31, isMinus); put<T>(c + 32, s32, isMinus);
}

export function block2<T>(
  a: usize, aStep: usize, b: usize, bStep: usize, bColumn: usize,
  depth: i32, c: usize, cColumn: usize, isMinus: bool,
): void {
  let s00 = v128.splat<T>(<T>0), s01 = s00;
  let s10 = s00, s11 = s00;
  let s20 = s00, s21 = s00;
  let s30 = s00, s31 = s00;
  let b1 = b + bColumn, b2 = b1 + bColumn, b3 = b2 + bColumn;
  for (let k = 0; k < depth; k++) {
    const x0 = v128.load(a), x1 = v128.load(a, 16);
    let y = v128.load_splat<T>(b);
    s00 = fma<T>(x0, y, s00); s01 = fma<T>(x1, y, s01);
    y = v128.load_splat<T>(b1);
    s10 = fma<T>(x0, y, s10); s11 = fma<T>(x1, y, s11);
    y = v128.load_splat<T>(b2);
    s20 = fma<T>(x0, y, s20); s21 = fma<T>(x1, y, s21);
    y = v128.load_splat<T>(b3);
    s30 = fma<T>(x0, y, s30); s31 = fma<T>(x1, y, s31);
    a += aStep; b += bStep; b1 += bStep; b2 += bStep; b3 += bStep;
  }
  put<T>(c, s00, isMinus); put<T>(c + 16, s01, isMinus);
  c += cColumn;
  put<T>(c, s10, isMinus); put<T>(c + 16, s11, isMinus);
  c += cColumn;
  put<T>(c, s20, isMinus); put<T>(c + 16, s21, isMinus);
  c += cColumn;
  put<T>(c, s30, isMinus); put<T>(c + 16, s31, isMinus);
}

export function block1<T>(
  a: usize, aStep: usize, b: usize, bStep: usize, bColumn: usize,
  depth: i32, c: usize, cColumn: usize, isMinus: bool,
): void {
  let s0 = v128.splat<T>(<T>0), s1 = s0, s2 = s0, s3 = s0;
  let b1 = b + bColumn, b2 = b1 + bColumn, b3 = b2 + bColumn;
  for (let k = 0; k < depth; k++) {
    const x = v128.load(a);
    s0 = fma<T>(x, v128.load_splat<T>(b), s0);
    s1 = fma<T>(x, v128.load_splat<T>(b1), s1);
    s2 = fma<T>(x, v128.load_splat<T>(b2), s2);
    s3 = fma<T>(x, v128.load_splat<T>(b3), s3);
    a += aStep; b += bStep; b1 += bStep; b2 += bStep; b3 += bStep;
  }
  put<T>(c, s0, isMinus);
  put<T>(c + cColumn, s1, isMinus);
  put<T>(c + 2 * cColumn, s2, isMinus);
  put<T>(c + 3 * cColumn, s3, isMinus);
}

/** Four columns of C over `vectors` vectors of i: threes first, never a lone one after a three. */
export function columns4<T>(
  a: usize, aStep: usize, b: usize, bStep: usize, bColumn: usize,
  depth: i32, c: usize, cColumn: usize, vectors: i32, isMinus: bool,
): void {
  let left = vectors;
  while (left >= 3 && left != 4) {
    block3<T>(a, aStep, b, bStep, bColumn, depth, c, cColumn, isMinus);
    a += 48; c += 48; left -= 3;
  }
  while (left >= 2) {
    block2<T>(a, aStep, b, bStep, bColumn, depth, c, cColumn, isMinus);
    a += 32; c += 32; left -= 2;
  }
  if (left == 1) block1<T>(a, aStep, b, bStep, bColumn, depth, c, cColumn, isMinus);
}

/** A column of numbers less a multiple of another, from `from` (whole vectors) to `to` (bytes). */
@inline
export function subtractColumn<T>(target: usize, source: usize, factor: T, from: usize, to: usize): void {
  const y = v128.splat<T>(factor);
  for (let at = from; at < to; at += 16) {
    v128.store(target + at, fms<T>(v128.load(source + at), y, v128.load(target + at)));
  }
}

@inline
export function scaleColumn<T>(target: usize, by: T, from: usize, to: usize): void {
  const factor = v128.splat<T>(by);
  for (let at = from; at < to; at += 16) {
    v128.store(target + at, v128.mul<T>(v128.load(target + at), factor));
  }
}

/**
 * Cholesky's factor of a square stored by columns, lower half, in place; `edge` is a multiple of
 * four. Four columns at a time: first less the products of all finished ones, then among each
 * other. Above the diagonal nothing is promised. Returns 0, or 1 + the row whose pivot is not a
 * positive number.
 */
export function cholesky<T>(a: usize, edge: i32): i32 {
  const column = <usize>edge * sizeof<T>();
  for (let group = 0; group < edge; group += 4) {
    const first = a + <usize>group * column;
    const from = <usize>group * sizeof<T>();
    const vectors = (edge - group) / lanes<T>();
    columns4<T>(a + from, column, a + from, column, sizeof<T>(), group, first + from, column, vectors, true);
    for (let j = 0; j < 4; j++) {
      const target = first + <usize>j * column;
      const own = from + <usize>j * sizeof<T>();
      for (let k = 0; k < j; k++) {
        const source = first + <usize>k * column;
        subtractColumn<T>(target, source, load<T>(source + own), from, column);
      }
      const pivot = load<T>(target + own);
      if (!(pivot > <T>0 && pivot < <T>Infinity)) return group + j + 1;
      const root = sqrt<T>(pivot);
      scaleColumn<T>(target, <T>1 / root, from, column);
      store<T>(target + own, root);
    }
  }
  return 0;
}
