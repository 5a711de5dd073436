/**
 * The k best of many rows for a vector, exactly. A first pass over 8-bit copies gives each row an upper
 * bound of its product; only rows whose bound reaches the k-th best so far are multiplied in f32.
 * Rows come by falling norm, so once |vector|·norm lies below the k-th best the rest cannot win.
 *
 *   bound = s·(dot − 64·Σ bytes) + |x|·e + ε·n     s both scales, e and ε what rounding to bytes lost
 *
 * The 8-bit rows stand in blocks of 32, four numbers of four rows in a vector, so that a lane is a row
 * and nothing is summed across. The vector's bytes are 0 … 127 (64 is zero), as the relaxed
 * product asks. Whole numbers have no rounding and the f32 products are never fused: both builds
 * give the same bits. Reference: ../../selection/top-items-reference.ts.
 */

const BLOCK: i32 = 32;

/** Sums of four products a lane, added to a lane. */
@inline
function addDots(rows: v128, bytes: v128, wide: v128, low: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(rows, bytes, low);
  const first = i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(rows), wide);
  const second = i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(rows), wide);
  return i32x4.add(low, i32x4.add(v128.shuffle<i32>(first, second, 0, 2, 4, 6), v128.shuffle<i32>(first, second, 1, 3, 5, 7)));
}

/** The product of two rows of whole vectors, never fused. */
@inline
function product(x: usize, y: usize, stride: usize): f32 {
  let s0 = f32x4.splat(0), s1 = s0;
  let at: usize = 0;
  for (; at + 32 <= stride; at += 32) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(x + at), v128.load(y + at)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(x + at, 16), v128.load(y + at, 16)));
  }
  if (at < stride) s0 = f32x4.add(s0, f32x4.mul(v128.load(x + at), v128.load(y + at)));
  const s = f32x4.add(s0, s1);
  return (f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 2)) + (f32x4.extract_lane(s, 1) + f32x4.extract_lane(s, 3));
}

/** Whether (score, id) ranks behind another: lower, or equal with the larger id. */
@inline
function isBehind(score: f32, id: u32, otherScore: f32, otherId: u32): bool {
  return score < otherScore || (score == otherScore && id > otherId);
}

/** A heap whose root is the last of the best; `found` entries of 8 bytes: score, id. */
function push(heap: usize, found: i32, k: i32, score: f32, id: u32): i32 {
  if (found < k) {
    let at = found;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap + <usize>parent * 8;
      if (!isBehind(score, id, load<f32>(above), load<u32>(above, 4))) break;
      store<u64>(heap + <usize>at * 8, load<u64>(above));
      at = parent;
    }
    store<f32>(heap + <usize>at * 8, score);
    store<u32>(heap + <usize>at * 8, id, 4);
    return found + 1;
  }
  if (!isBehind(load<f32>(heap), load<u32>(heap, 4), score, id)) return found;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= k) break;
    let below = heap + <usize>child * 8;
    if (child + 1 < k && isBehind(load<f32>(below, 8), load<u32>(below, 12), load<f32>(below), load<u32>(below, 4))) {
      child += 1;
      below += 8;
    }
    if (!isBehind(load<f32>(below), load<u32>(below, 4), score, id)) break;
    store<u64>(heap + <usize>at * 8, load<u64>(below));
    at = child;
  }
  store<f32>(heap + <usize>at * 8, score);
  store<u32>(heap + <usize>at * 8, id, 4);
  return found;
}

/**
 * Fills `heap` with the best k of `count` rows; returns how many there are. `scratch` takes d/4 · 16
 * bytes twice. Rows: f32 of `d` numbers; bytes in blocks; per row scale, loss, norm and byte sum; ids.
 * `skips` has a byte for each id; where it is not 0 the row is passed over.
 */
export function best(
  scratch: usize, vector: usize, d: i32, rows: usize, bytes: usize,
  scales: usize, losses: usize, norms: usize, sums: usize, ids: usize,
  skips: usize, count: i32, k: i32, heap: usize,
): i32 {
  const stride = <usize>d * 4;
  const groups = d / 4;
  const wideAt = scratch + <usize>groups * 16;
  let largest: f32 = 0, squares: f32 = 0;
  for (let i = 0; i < d; i++) {
    const value = load<f32>(vector + <usize>i * 4);
    largest = max<f32>(largest, abs<f32>(value));
    squares += value * value;
  }
  const scale: f32 = largest > 0 ? largest / 63 : 1;
  let lost: f32 = 0;
  for (let i = 0; i < d; i++) {
    const value = load<f32>(vector + <usize>i * 4);
    const rounded = <i32>nearest<f32>(value / scale);
    const loss = value - <f32>rounded * scale;
    lost += loss * loss;
    for (let copy: usize = 0; copy < 16; copy += 4) {
      store<u8>(scratch + <usize>(i >> 2) * 16 + copy + <usize>(i & 3), <u8>(rounded + 64));
    }
    for (let copy: usize = 0; copy < 16; copy += 8) {
      store<i16>(wideAt + <usize>(i >> 2) * 16 + copy + <usize>(i & 3) * 2, <i16>(rounded + 64));
    }
  }
  const length = sqrt<f32>(squares) * 1.00001;
  const own = f32x4.splat(scale);
  const lengths = f32x4.splat(length);
  const loss = f32x4.splat(sqrt<f32>(lost) * 1.00001);
  let found = 0;
  let least: f32 = -Infinity;
  const blockBytes = <usize>groups * 128;
  for (let first = 0; first < count; first += BLOCK) {
    // Rows come by falling norm: the block's first has the largest.
    if (length * load<f32>(norms + <usize>first * 4) < least) break;
    let s0 = i32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    let at = bytes + <usize>(first / BLOCK) * blockBytes;
    for (let group = 0; group < groups; group++) {
      const q = v128.load(scratch + <usize>group * 16);
      const wide = v128.load(wideAt + <usize>group * 16);
      s0 = addDots(v128.load(at), q, wide, s0);
      s1 = addDots(v128.load(at, 16), q, wide, s1);
      s2 = addDots(v128.load(at, 32), q, wide, s2);
      s3 = addDots(v128.load(at, 48), q, wide, s3);
      s4 = addDots(v128.load(at, 64), q, wide, s4);
      s5 = addDots(v128.load(at, 80), q, wide, s5);
      s6 = addDots(v128.load(at, 96), q, wide, s6);
      s7 = addDots(v128.load(at, 112), q, wide, s7);
      at += 128;
    }
    const reach = f32x4.splat(least);
    let mask: u32 = 0;
    const here = <usize>first * 4;
    mask |= passes(s0, here, scales, losses, norms, sums, own, lengths, loss, reach);
    mask |= passes(s1, here + 16, scales, losses, norms, sums, own, lengths, loss, reach) << 4;
    mask |= passes(s2, here + 32, scales, losses, norms, sums, own, lengths, loss, reach) << 8;
    mask |= passes(s3, here + 48, scales, losses, norms, sums, own, lengths, loss, reach) << 12;
    mask |= passes(s4, here + 64, scales, losses, norms, sums, own, lengths, loss, reach) << 16;
    mask |= passes(s5, here + 80, scales, losses, norms, sums, own, lengths, loss, reach) << 20;
    mask |= passes(s6, here + 96, scales, losses, norms, sums, own, lengths, loss, reach) << 24;
    mask |= passes(s7, here + 112, scales, losses, norms, sums, own, lengths, loss, reach) << 28;
    while (mask != 0) {
      const row = first + <i32>ctz<u32>(mask);
      mask &= mask - 1;
      if (row >= count) break;
      const id = load<u32>(ids + <usize>row * 4);
      if (load<u8>(skips + <usize>id) != 0) continue;
      const score = product(rows + <usize>row * stride, vector, stride);
      found = push(heap, found, k, score, id);
      if (found == k) least = load<f32>(heap);
    }
  }
  return found;
}

/** One bit for each of four rows whose bound reaches `reach`. */
@inline
function passes(
  dots: v128, at: usize, scales: usize, losses: usize, norms: usize, sums: usize,
  own: v128, lengths: v128, loss: v128, reach: v128,
): u32 {
  const exact = f32x4.convert_i32x4_s(i32x4.sub(dots, v128.load(sums + at)));
  const middle = f32x4.mul(f32x4.mul(exact, own), v128.load(scales + at));
  const slack = f32x4.add(f32x4.mul(lengths, v128.load(losses + at)), f32x4.mul(loss, v128.load(norms + at)));
  return <u32>i32x4.bitmask(f32x4.ge(f32x4.add(middle, slack), reach));
}

/** What the bounds' own rounding may amount to, as a share of the norm. */
const BOUND_ROUNDING: f32 = 1e-5;
/** A row of less is nothing but loss: its scale would have no reciprocal. */
const LARGEST_MIN: f32 = 1e-30;
/** Kept finite, since no bound may be infinity times zero. */
const LOSS_MAX: f32 = 1e38;

/**
 * Writes the 8-bit copies of rows `from` … `to`, and of each its scale, loss and byte sum. `norms` holds
 * the rows' norms and gets what bounds the copy's as well, which may be longer by what was lost.
 */
export function pack(
  rows: usize, bytes: usize, scales: usize, losses: usize, norms: usize, sums: usize,
  d: i32, from: i32, to: i32,
): void {
  const stride = <usize>d * 4;
  const blockBytes = <usize>(d / 4) * 128;
  for (let place = from; place < to; place++) {
    const row = rows + <usize>place * stride;
    let most = f32x4.splat(0);
    for (let at: usize = 0; at < stride; at += 16) most = f32x4.max(most, f32x4.abs(v128.load(row + at)));
    const largest = max<f32>(
      max<f32>(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
      max<f32>(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
    );
    const scale: f32 = largest > LARGEST_MIN ? largest / 127 : 1;
    const unit = f32x4.splat(scale);
    let to8 = bytes + <usize>(place / BLOCK) * blockBytes + <usize>((place % BLOCK) >> 2) * 16 + <usize>(place & 3) * 4;
    let squares = f32x4.splat(0);
    let total = i32x4.splat(0);
    for (let at: usize = 0; at < stride; at += 16) {
      const values = v128.load(row + at);
      const rounded = f32x4.nearest(f32x4.div(values, unit));
      const loss = f32x4.sub(values, f32x4.mul(rounded, unit));
      squares = f32x4.add(squares, f32x4.mul(loss, loss));
      const whole = i32x4.trunc_sat_f32x4_s(rounded);
      total = i32x4.add(total, whole);
      const narrow = i16x8.narrow_i32x4_s(whole, whole);
      store<i32>(to8, i32x4.extract_lane(i8x16.narrow_i16x8_s(narrow, narrow), 0));
      to8 += 128;
    }
    const lost = min<f32>(LOSS_MAX, sqrt<f32>(
      f32x4.extract_lane(squares, 0) + f32x4.extract_lane(squares, 1) +
      f32x4.extract_lane(squares, 2) + f32x4.extract_lane(squares, 3),
    ));
    const own = <usize>place * 4;
    const norm = load<f32>(norms + own);
    store<f32>(scales + own, scale);
    store<f32>(losses + own, min<f32>(LOSS_MAX, lost + norm * BOUND_ROUNDING));
    store<f32>(norms + own, (norm + lost) * (1 + BOUND_ROUNDING));
    store<i32>(sums + own, 64 * (
      i32x4.extract_lane(total, 0) + i32x4.extract_lane(total, 1) +
      i32x4.extract_lane(total, 2) + i32x4.extract_lane(total, 3)
    ));
  }
}
