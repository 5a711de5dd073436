/**
 * Softmax where a network uses it: causal attention with a learned bias for each distance, and the
 * output layer with its cross-entropy, forward and backward in one pass over a few rows at a time,
 * so that the table of rows × items is never whole.
 */
import { exponential } from './activation';
import { fma, sumOf } from './lanes';
import { addProduct, PRODUCT_SCRATCH } from './product';

const LOWEST: f32 = -1e30;

/**
 * log x for a finite x above 0, by the exponent and the series of the inverse hyperbolic tangent. The
 * standard library's log, exp and pow bring tables, which would be written over the shared memory.
 */
function logarithm(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let power = <i32>(bits >> 52) - 1023;
  let rest = reinterpret<f64>((bits & 0xfffffffffffff) | 0x3ff0000000000000);
  if (rest > 1.4142135623730951) {
    rest /= 2;
    power += 1;
  }
  const z = (rest - 1) / (rest + 1), square = z * z;
  let sum: f64 = 0;
  for (let odd = 21; odd >= 1; odd -= 2) sum = sum * square + 1 / <f64>odd;
  return 2 * z * sum + <f64>power * 0.6931471805599453;
}

@inline
function largestOf(x: v128): f32 {
  return max<f32>(
    max<f32>(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max<f32>(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/** Shares below e^LEAST are nothing: times a gradient they would be denormal, which is slow. */
const LEAST: f32 = -60;

/** A row (whole vectors) becomes its softmax times `scale`; returns log Σ e^x. */
function softmaxRow(row: usize, length: i32, scale: f32): f32 {
  const end = row + <usize>length * 4;
  let most = f32x4.splat(LOWEST);
  for (let at = row; at < end; at += 16) most = f32x4.max(most, v128.load(at));
  const largest = largestOf(most);
  const largests = f32x4.splat(largest);
  let sum = f32x4.splat(0);
  for (let at = row; at < end; at += 16) {
    const below = f32x4.sub(v128.load(at), largests);
    const power = v128.and(exponential(below), f32x4.gt(below, f32x4.splat(LEAST)));
    v128.store(at, power);
    sum = f32x4.add(sum, power);
  }
  const total = sumOf<f32>(sum);
  const factor = f32x4.splat(scale / total);
  for (let at = row; at < end; at += 16) v128.store(at, f32x4.mul(v128.load(at), factor));
  return largest + <f32>logarithm(<f64>total);
}

/** `qkv` holds queries, keys and values of all heads side by side; `bias` one row of distances a head. */
export function attention(
  scratch: usize, qkv: usize, bias: usize, shares: usize, y: usize,
  windows: i32, length: i32, heads: i32, headWidth: i32,
): void {
  const width = <usize>(heads * headWidth) * 4, line = 3 * width;
  const square = <usize>(length * length) * 4, row = <usize>length * 4;
  const scale = <f32>(1 / sqrt<f64>(<f64>headWidth));
  for (let window = 0; window < windows; window++) {
    for (let head = 0; head < heads; head++, shares += square) {
      const q = qkv + <usize>window * <usize>length * line + <usize>(head * headWidth) * 4;
      const own = bias + <usize>head * row;
      memory.fill(shares, 0, square);
      addProduct(scratch, length, length, headWidth, q, line, 4, q + width, 4, line, shares, row);
      for (let i = 0; i < length; i++) {
        const at = shares + <usize>i * row;
        for (let j = 0; j <= i; j++) {
          const place = at + <usize>j * 4;
          store<f32>(place, load<f32>(place) * scale + load<f32>(own + <usize>(i - j) * 4));
        }
        for (let j = i + 1; j < length; j++) store<f32>(at + <usize>j * 4, LOWEST);
        softmaxRow(at, length, 1);
        for (let j = i + 1; j < length; j++) store<f32>(at + <usize>j * 4, 0);
      }
      const out = y + <usize>window * <usize>length * width + <usize>(head * headWidth) * 4;
      for (let i = 0; i < length; i++) memory.fill(out + <usize>i * width, 0, <usize>headWidth * 4);
      addProduct(scratch, length, headWidth, length, shares, row, 4, q + 2 * width, line, 4, out, width);
    }
  }
}

/** Adds to `gqkv` and `gBias`. Scratch: a product's and length² numbers. */
export function attentionBack(
  scratch: usize, gy: usize, qkv: usize, shares: usize, gqkv: usize, gBias: usize,
  windows: i32, length: i32, heads: i32, headWidth: i32,
): void {
  const width = <usize>(heads * headWidth) * 4, line = 3 * width;
  const square = <usize>(length * length) * 4, row = <usize>length * 4;
  const scale = <f32>(1 / sqrt<f64>(<f64>headWidth));
  const g = scratch + PRODUCT_SCRATCH;
  for (let window = 0; window < windows; window++) {
    for (let head = 0; head < heads; head++, shares += square) {
      const side = <usize>(head * headWidth) * 4;
      const first = <usize>window * <usize>length;
      const q = qkv + first * line + side, gq = gqkv + first * line + side;
      const go = gy + first * width + side;
      addProduct(scratch, length, headWidth, length, shares, 4, row, go, width, 4, gq + 2 * width, line);
      memory.fill(g, 0, square);
      addProduct(scratch, length, length, headWidth, go, width, 4, q + 2 * width, 4, line, g, row);
      for (let i = 0; i < length; i++) scoresBack(g + <usize>i * row, shares + <usize>i * row, gBias + <usize>head * row, i, length, scale);
      addProduct(scratch, length, headWidth, length, g, row, 4, q + width, line, 4, gq, line);
      addProduct(scratch, length, headWidth, length, g, 4, row, q, line, 4, gq + width, line);
    }
  }
}

/** From the gradient of a row of shares to that of its products. */
function scoresBack(g: usize, shares: usize, gBias: usize, i: i32, length: i32, scale: f32): void {
  let sum: f32 = 0;
  for (let j = 0; j <= i; j++) sum += load<f32>(g + <usize>j * 4) * load<f32>(shares + <usize>j * 4);
  for (let j = 0; j <= i; j++) {
    const at = <usize>j * 4;
    const own = load<f32>(shares + at) * (load<f32>(g + at) - sum);
    const distance = gBias + <usize>(i - j) * 4;
    store<f32>(distance, load<f32>(distance) + own);
    store<f32>(g + at, own * scale);
  }
  for (let j = i + 1; j < length; j++) store<f32>(g + <usize>j * 4, 0);
}

/** How many rows meet all items at a time. */
const ROWS_AT_ONCE = 128;

/**
 * Cross-entropy of softmax(h·tableᵀ + bias) at each row's target (below 0: no target), its sum added
 * to `loss`; gradients times `scale`, added to those of table and bias, set in `gh`. `items` and
 * `width` are multiples of four. Scratch: a product's, and 128 rows of items and twice of width.
 */
export function softmaxHead(
  scratch: usize, h: usize, rows: i32, width: i32, table: usize, bias: usize, items: i32, targets: usize,
  gh: usize, gTable: usize, gBias: usize, loss: usize, scale: f32,
): void {
  const line = <usize>width * 4;
  const chosen = scratch + PRODUCT_SCRATCH;
  const near = chosen + ROWS_AT_ONCE * 4;
  const gNear = near + ROWS_AT_ONCE * line;
  const logits = gNear + ROWS_AT_ONCE * line;
  memory.fill(gh, 0, <usize>rows * line);
  let sum: f64 = 0;
  for (let row = 0; row < rows; ) {
    let count = 0;
    for (; row < rows && count < ROWS_AT_ONCE; row++) {
      if (load<f32>(targets + <usize>row * 4) < 0) continue;
      store<i32>(chosen + <usize>count * 4, row);
      memory.copy(near + <usize>count * line, h + <usize>row * line, line);
      count += 1;
    }
    if (count == 0) break;
    const padded = (count + 3) & ~3;
    memory.fill(near + <usize>count * line, 0, <usize>(padded - count) * line);
    sum += headRows(scratch, near, gNear, logits, chosen, count, padded, width, table, bias, items, targets, gTable, gBias, scale);
    for (let k = 0; k < count; k++) {
      memory.copy(gh + <usize>load<i32>(chosen + <usize>k * 4) * line, gNear + <usize>k * line, line);
    }
  }
  store<f32>(loss, load<f32>(loss) + <f32>sum);
}

function headRows(
  scratch: usize, near: usize, gNear: usize, logits: usize, chosen: usize, count: i32, padded: i32, width: i32,
  table: usize, bias: usize, items: i32, targets: usize, gTable: usize, gBias: usize, scale: f32,
): f64 {
  const line = <usize>width * 4, wide = <usize>items * 4;
  for (let k = 0; k < padded; k++) memory.copy(logits + <usize>k * wide, bias, wide);
  addProduct(scratch, padded, items, width, near, line, 4, table, 4, line, logits, wide);
  let sum: f64 = 0;
  for (let k = 0; k < count; k++) {
    const row = logits + <usize>k * wide;
    const target = <usize>load<f32>(targets + <usize>load<i32>(chosen + <usize>k * 4) * 4);
    const wanted = load<f32>(row + target * 4);
    sum += <f64>(softmaxRow(row, items, scale) - wanted);
    store<f32>(row + target * 4, load<f32>(row + target * 4) - scale);
    addTo(gBias, row, items);
  }
  memory.fill(logits + <usize>count * wide, 0, <usize>(padded - count) * wide);
  memory.fill(gNear, 0, <usize>padded * line);
  addProduct(scratch, padded, width, items, logits, wide, 4, table, line, 4, gNear, line);
  addProduct(scratch, items, width, padded, logits, 4, wide, near, line, 4, gTable, line);
  return sum;
}

/** into += from, whole vectors. */
@inline
export function addTo(into: usize, from: usize, length: i32): void {
  for (let at: usize = 0, end = <usize>length * 4; at < end; at += 16) {
    v128.store(into + at, f32x4.add(v128.load(into + at), v128.load(from + at)));
  }
}

/** Loss and gradient (times `scale`) of σ(x) against labels of 0 and 1. */
export function logistic(x: usize, labels: usize, gx: usize, loss: usize, length: i32, scale: f32): void {
  let sum: f64 = 0;
  for (let k: usize = 0, end = <usize>length * 4; k < end; k += 4) {
    const value = <f64>load<f32>(x + k), label = <f64>load<f32>(labels + k);
    const power = <f64>f32x4.extract_lane(exponential(f32x4.splat(<f32>-abs<f64>(value))), 0);
    const share = value >= 0 ? 1 / (1 + power) : power / (1 + power);
    sum += max<f64>(value, 0) - value * label + logarithm(1 + power);
    store<f32>(gx + k, <f32>(share - label) * scale);
  }
  store<f32>(loss, load<f32>(loss) + <f32>sum);
}

/** into += a·b, number by number. */
export function addMultiplied(a: usize, b: usize, into: usize, length: i32): void {
  for (let at: usize = 0, end = <usize>length * 4; at < end; at += 16) {
    v128.store(into + at, fma<f32>(v128.load(a + at), v128.load(b + at), v128.load(into + at)));
  }
}
