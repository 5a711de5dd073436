/**
 * Alternating least squares: one side's rows solved against the other side's factors. Factors are
 * f32 rows of `d` numbers, d a multiple of four. A row's events are columns with two weights each:
 * `confidence` for A, `pull` for b (0 for a dislike):
 *
 *   A = G + ridge·I + Σ c·hhᵀ,  b = Σ p·h,  x = A⁻¹b        G = α₀HᵀH, all of it, by columns
 *
 * Reference: ../../factors/implicit-als-reference.ts.
 */
import { cholesky, columns4 } from './include/block';
import { fma, sumOf } from './include/lanes';

/** How many rows are copied beside each other at a time: 128 rows of 64 are 32 KB. */
const ROWS_AT_ONCE = 128;

/** out += Σ rows[k]·rows[k]ᵀ, the lower half by columns. */
export function gram(rows: usize, count: i32, d: i32, out: usize): void {
  const stride = <usize>d * 4;
  for (let from = 0; from < count; from += ROWS_AT_ONCE) {
    const depth = min(ROWS_AT_ONCE, count - from);
    addGram(rows + <usize>from * stride, depth, d, out);
  }
}

@inline
function addGram(rows: usize, depth: i32, d: i32, out: usize): void {
  const stride = <usize>d * 4;
  for (let j = 0; j < d; j += 4) {
    const at = <usize>j * 4;
    columns4<f32>(rows + at, stride, rows + at, stride, 4, depth, out + <usize>j * stride + at, stride, (d - j) / 4, false);
  }
}

/** y += x·by. */
@inline
function addScaled(y: usize, x: usize, by: f32, stride: usize): void {
  const factor = f32x4.splat(by);
  for (let at: usize = 0; at < stride; at += 16) {
    v128.store(y + at, fma<f32>(v128.load(x + at), factor, v128.load(y + at)));
  }
}

@inline
function dot(x: usize, y: usize, stride: usize): f32 {
  let s0 = f32x4.splat(0), s1 = s0;
  let at: usize = 0;
  for (; at + 32 <= stride; at += 32) {
    s0 = fma<f32>(v128.load(x + at), v128.load(y + at), s0);
    s1 = fma<f32>(v128.load(x + at, 16), v128.load(y + at, 16), s1);
  }
  if (at < stride) s0 = fma<f32>(v128.load(x + at), v128.load(y + at), s0);
  return sumOf<f32>(f32x4.add(s0, s1));
}

/** x ← A⁻¹x by the factor of A, which is what a solve leaves in its scratch. */
export function substitute(a: usize, x: usize, d: i32): void {
  const stride = <usize>d * 4;
  for (let i = 0; i < d; i++) {
    const column = a + <usize>i * stride;
    const own = <usize>i * 4;
    const value = load<f32>(x + own) / load<f32>(column + own);
    // The whole vectors after i; the rest of i's own vector by hand.
    let at = own + 4;
    for (; (at & 15) != 0; at += 4) store<f32>(x + at, load<f32>(x + at) - value * load<f32>(column + at));
    const factor = f32x4.splat(-value);
    for (; at < stride; at += 16) {
      v128.store(x + at, fma<f32>(v128.load(column + at), factor, v128.load(x + at)));
    }
    store<f32>(x + own, value);
  }
  for (let i = d - 1; i >= 0; i--) {
    const column = a + <usize>i * stride;
    const own = <usize>i * 4;
    let rest = load<f32>(x + own);
    let at = own + 4;
    for (; (at & 15) != 0; at += 4) rest -= load<f32>(column + at) * load<f32>(x + at);
    let sum = f32x4.splat(0);
    for (; at < stride; at += 16) sum = fma<f32>(v128.load(column + at), v128.load(x + at), sum);
    store<f32>(x + own, (rest - sumOf<f32>(sum)) / load<f32>(column + own));
  }
}

/** Takes A's events in: copies of the rows times √c, ROWS_AT_ONCE at a time. */
@inline
function addEvents(a: usize, b: usize, copies: usize, columns: usize, confidences: usize, pulls: usize, count: i32, factors: usize, d: i32): void {
  const stride = <usize>d * 4;
  for (let from = 0; from < count; from += ROWS_AT_ONCE) {
    const depth = min(ROWS_AT_ONCE, count - from);
    for (let k = 0; k < depth; k++) {
      const event = <usize>(from + k) * 4;
      const row = factors + <usize>load<u32>(columns + event) * stride;
      const root = f32x4.splat(sqrt<f32>(load<f32>(confidences + event)));
      const pull = f32x4.splat(load<f32>(pulls + event));
      const copy = copies + <usize>k * stride;
      for (let at: usize = 0; at < stride; at += 16) {
        const h = v128.load(row + at);
        v128.store(copy + at, f32x4.mul(h, root));
        v128.store(b + at, fma<f32>(h, pull, v128.load(b + at)));
      }
    }
    addGram(copies, depth, d, a);
  }
}

/** Bytes of scratch that a solve needs: A, and copies of rows. */
export function solveScratch(d: i32): i32 {
  return (d * d + (ROWS_AT_ONCE + 4) * d) * 4;
}

/** x ← A⁻¹(b + x). Returns 0, or 1 where A has no Cholesky factor (x is then zeros). */
export function solveTowards(
  scratch: usize, columns: usize, confidences: usize, pulls: usize, count: i32,
  factors: usize, g: usize, ridge: f32, d: i32, x: usize,
): i32 {
  const stride = <usize>d * 4;
  const copies = scratch + <usize>d * stride;
  memory.copy(scratch, g, <usize>d * stride);
  for (let i = 0; i < d; i++) {
    const at = scratch + <usize>i * stride + <usize>i * 4;
    store<f32>(at, load<f32>(at) + ridge);
  }
  addEvents(scratch, x, copies, columns, confidences, pulls, count, factors, d);
  if (cholesky<f32>(scratch, d) != 0) {
    memory.fill(x, 0, stride);
    return 1;
  }
  substitute(scratch, x, d);
  return 0;
}

/** One row exactly: x ← A⁻¹b; zeros where there are no events. */
export function solveRow(
  scratch: usize, columns: usize, confidences: usize, pulls: usize, count: i32,
  factors: usize, g: usize, ridge: f32, d: i32, x: usize,
): i32 {
  memory.fill(x, 0, <usize>d * 4);
  if (count == 0) return 0;
  return solveTowards(scratch, columns, confidences, pulls, count, factors, g, ridge, d, x);
}

/** Rows from … to of one side. Returns how many had no Cholesky factor. */
export function solveRows(
  scratch: usize, from: i32, to: i32, starts: usize, columns: usize, confidences: usize, pulls: usize,
  factors: usize, g: usize, ridges: usize, d: i32, out: usize,
): i32 {
  let failures = 0;
  for (let row = from; row < to; row++) {
    const start = load<u32>(starts + <usize>row * 4);
    const count = <i32>(load<u32>(starts + <usize>row * 4, 4) - start);
    const first = <usize>start * 4;
    failures += solveRow(
      scratch, columns + first, confidences + first, pulls + first, count,
      factors, g, load<f32>(ridges + <usize>row * 4), d, out + <usize>row * <usize>d * 4,
    );
  }
  return failures;
}

/** y = G·p + ridge·p. */
@inline
function multiplyBase(g: usize, ridge: f32, p: usize, y: usize, d: i32): void {
  const stride = <usize>d * 4;
  const r = f32x4.splat(ridge);
  for (let at: usize = 0; at < stride; at += 16) v128.store(y + at, f32x4.mul(v128.load(p + at), r));
  for (let j = 0; j < d; j += 4) {
    const column = g + <usize>j * stride;
    const p0 = v128.load32_splat(p + <usize>j * 4), p1 = v128.load32_splat(p + <usize>j * 4, 4);
    const p2 = v128.load32_splat(p + <usize>j * 4, 8), p3 = v128.load32_splat(p + <usize>j * 4, 12);
    const c1 = column + stride, c2 = c1 + stride, c3 = c2 + stride;
    for (let at: usize = 0; at < stride; at += 16) {
      const left = fma<f32>(v128.load(column + at), p0, f32x4.mul(v128.load(c1 + at), p1));
      const right = fma<f32>(v128.load(c2 + at), p2, f32x4.mul(v128.load(c3 + at), p3));
      v128.store(y + at, f32x4.add(v128.load(y + at), f32x4.add(left, right)));
    }
  }
}

/**
 * y += Σ (pull·isFirst + sign·c·(h·p))·h over a row's events, four at a time. For the products of the
 * method sign is 1; for the residual b − A·x it is −1 and the pulls are added.
 */
@inline
function addProducts(rows: usize, columns: usize, confidences: usize, pulls: usize, count: i32, d: i32, p: usize, y: usize, isResidual: bool): void {
  const stride = <usize>d * 4;
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const event = <usize>k * 4;
    const h0 = rowOf(rows, columns, k, stride), h1 = rowOf(rows, columns, k + 1, stride);
    const h2 = rowOf(rows, columns, k + 2, stride), h3 = rowOf(rows, columns, k + 3, stride);
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    for (let at: usize = 0; at < stride; at += 16) {
      const q = v128.load(p + at);
      s0 = fma<f32>(v128.load(h0 + at), q, s0);
      s1 = fma<f32>(v128.load(h1 + at), q, s1);
      s2 = fma<f32>(v128.load(h2 + at), q, s2);
      s3 = fma<f32>(v128.load(h3 + at), q, s3);
    }
    // The four sums side by side.
    const a = f32x4.add(v128.shuffle<f32>(s0, s1, 0, 4, 1, 5), v128.shuffle<f32>(s0, s1, 2, 6, 3, 7));
    const b = f32x4.add(v128.shuffle<f32>(s2, s3, 0, 4, 1, 5), v128.shuffle<f32>(s2, s3, 2, 6, 3, 7));
    const sums = f32x4.add(v128.shuffle<f32>(a, b, 0, 1, 4, 5), v128.shuffle<f32>(a, b, 2, 3, 6, 7));
    let t = f32x4.mul(sums, v128.load(confidences + event));
    if (isResidual) t = f32x4.sub(v128.load(pulls + event), t);
    const t0 = v128.shuffle<f32>(t, t, 0, 0, 0, 0), t1 = v128.shuffle<f32>(t, t, 1, 1, 1, 1);
    const t2 = v128.shuffle<f32>(t, t, 2, 2, 2, 2), t3 = v128.shuffle<f32>(t, t, 3, 3, 3, 3);
    for (let at: usize = 0; at < stride; at += 16) {
      const left = fma<f32>(v128.load(h0 + at), t0, f32x4.mul(v128.load(h1 + at), t1));
      const right = fma<f32>(v128.load(h2 + at), t2, f32x4.mul(v128.load(h3 + at), t3));
      v128.store(y + at, f32x4.add(v128.load(y + at), f32x4.add(left, right)));
    }
  }
  for (; k < count; k++) {
    const event = <usize>k * 4;
    const h = rowOf(rows, columns, k, stride);
    let t = load<f32>(confidences + event) * dot(h, p, stride);
    if (isResidual) t = load<f32>(pulls + event) - t;
    addScaled(y, h, t, stride);
  }
}

@inline
function rowOf(rows: usize, columns: usize, k: i32, stride: usize): usize {
  const place = columns == 0 ? <u32>k : load<u32>(columns + <usize>k * 4);
  return rows + <usize>place * stride;
}

/**
 * One row by `steps` steps of the conjugate gradient method from the x that stands there. Stops where the
 * residual has vanished. Rows that fit are copied beside each other first.
 */
export function improveRow(
  scratch: usize, columns: usize, confidences: usize, pulls: usize, count: i32,
  factors: usize, g: usize, ridge: f32, d: i32, x: usize, steps: i32,
): void {
  const stride = <usize>d * 4;
  const r = scratch, p = r + stride, y = p + stride, copies = y + stride;
  let rows = factors;
  if (count <= ROWS_AT_ONCE) {
    for (let k = 0; k < count; k++) memory.copy(copies + <usize>k * stride, rowOf(factors, columns, k, stride), stride);
    rows = copies;
    columns = 0;
  }
  multiplyBase(g, ridge, x, r, d);
  for (let at: usize = 0; at < stride; at += 16) v128.store(r + at, f32x4.neg(v128.load(r + at)));
  addProducts(rows, columns, confidences, pulls, count, d, x, r, true);
  memory.copy(p, r, stride);
  let old = dot(r, r, stride);
  for (let step = 0; step < steps; step++) {
    if (!(old > 1e-20)) return;
    multiplyBase(g, ridge, p, y, d);
    addProducts(rows, columns, confidences, pulls, count, d, p, y, false);
    const length = old / dot(p, y, stride);
    addScaled(x, p, length, stride);
    addScaled(r, y, -length, stride);
    const fresh = dot(r, r, stride);
    const turn = f32x4.splat(fresh / old);
    for (let at: usize = 0; at < stride; at += 16) {
      v128.store(p + at, fma<f32>(v128.load(p + at), turn, v128.load(r + at)));
    }
    old = fresh;
  }
}

export function improveRows(
  scratch: usize, from: i32, to: i32, starts: usize, columns: usize, confidences: usize, pulls: usize,
  factors: usize, g: usize, ridges: usize, d: i32, out: usize, steps: i32,
): void {
  for (let row = from; row < to; row++) {
    const start = load<u32>(starts + <usize>row * 4);
    const count = <i32>(load<u32>(starts + <usize>row * 4, 4) - start);
    const x = out + <usize>row * <usize>d * 4;
    if (count == 0) {
      memory.fill(x, 0, <usize>d * 4);
      continue;
    }
    const first = <usize>start * 4;
    improveRow(
      scratch, columns + first, confidences + first, pulls + first, count,
      factors, g, load<f32>(ridges + <usize>row * 4), d, x, steps,
    );
  }
}

/** out[i] = rows[i]·x. */
export function scores(rows: usize, count: i32, d: i32, x: usize, out: usize): void {
  const stride = <usize>d * 4;
  for (let row = 0; row < count; row++) {
    store<f32>(out + <usize>row * 4, dot(rows + <usize>row * stride, x, stride));
  }
}

/** out[k] = the product of x with the row of the k-th of `columns`. */
export function productsOf(columns: usize, count: i32, rows: usize, d: i32, x: usize, out: usize): void {
  const stride = <usize>d * 4;
  for (let k = 0; k < count; k++) {
    const row = rows + <usize>load<u32>(columns + <usize>k * 4) * stride;
    store<f32>(out + <usize>k * 4, dot(row, x, stride));
  }
}
