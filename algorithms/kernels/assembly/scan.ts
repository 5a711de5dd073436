/**
 * The k best of many rows for a vector, exactly. A first pass over 8-bit copies gives each row an upper
 * bound of its product; only rows whose bound reaches the k-th best so far are multiplied in f32.
 * Rows come by falling norm, so once |vector|·norm lies below the k-th best the rest cannot win.
 *
 *   bound = s·(dot − 64·Σ bytes) + |x|·e + ε·n     s both scales, e and ε what rounding to bytes lost
 *
 * Before there are k, nearly everything may be among the best, so the first blocks are looked at twice:
 * first both bounds of each row are noted, and the rows fall into groups of eight. Where k groups hold a
 * row whose lower bound reaches a floor, k rows do, and what cannot reach that floor is none of the best.
 * Rows that are passed over may be among those, so that many groups more must reach it.
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

const SIGN: u32 = 0x8000_0000;

/** Rises with the score and, of equal scores, falls with the id. */
@inline
function keyOf(score: f32, id: u32): u64 {
  const bits = reinterpret<u32>(score);
  return (<u64>((bits & SIGN) != 0 ? ~bits : bits | SIGN) << 32) | <u64>(~id);
}

@inline
function scoreOf(key: u64): f32 {
  const turned = <u32>(key >> 32);
  return reinterpret<f32>((turned & SIGN) != 0 ? turned & ~SIGN : ~turned);
}

/** Moves the k largest of `count` keys (k from 1) to the front, the k-th to the end of those, and returns it. */
function bringForward(keys: usize, count: i32, k: i32): u64 {
  let left = 0, right = count - 1;
  const target = k - 1;
  while (left < right) {
    const pivot = load<u64>(keys + <usize>((left + right) >> 1) * 8);
    let low = left, high = right;
    while (low <= high) {
      while (load<u64>(keys + <usize>low * 8) > pivot) low += 1;
      while (load<u64>(keys + <usize>high * 8) < pivot) high -= 1;
      if (low > high) break;
      const held = load<u64>(keys + <usize>low * 8);
      store<u64>(keys + <usize>low * 8, load<u64>(keys + <usize>high * 8));
      store<u64>(keys + <usize>high * 8, held);
      low += 1;
      high -= 1;
    }
    if (target <= high) right = high;
    else if (target >= low) left = low;
    else break;
  }
  return load<u64>(keys + <usize>target * 8);
}

/** The k-th largest of `count` numbers (k from 1), which it reorders. */
function kthLargest(numbers: usize, count: i32, k: i32): f32 {
  let left = 0, right = count - 1;
  const target = k - 1;
  while (left < right) {
    const pivot = load<f32>(numbers + <usize>((left + right) >> 1) * 4);
    let low = left, high = right;
    while (low <= high) {
      while (load<f32>(numbers + <usize>low * 4) > pivot) low += 1;
      while (load<f32>(numbers + <usize>high * 4) < pivot) high -= 1;
      if (low > high) break;
      const held = load<f32>(numbers + <usize>low * 4);
      store<f32>(numbers + <usize>low * 4, load<f32>(numbers + <usize>high * 4));
      store<f32>(numbers + <usize>high * 4, held);
      low += 1;
      high -= 1;
    }
    if (target <= high) right = high;
    else if (target >= low) left = low;
    else break;
  }
  return load<f32>(numbers + <usize>target * 4);
}

/** No row's product is trusted to reach what is larger. */
const FLOOR_MAX: f32 = 1e38;
/** Fewer of the best are soon found. */
const NOTED_FROM: i32 = 32;
const GROUPS: i32 = 4;
/** Groups noted for each one that must reach the floor: with fewer, two of the best often share one. */
const GROUPS_PER_BEST: i32 = 2;

/**
 * Fills `keys` with the best k (from 1) of `count` rows, in any order; returns how many there are. It has
 * room for `keysMax` keys of 8 bytes, more than k: what may be among the best is only put there, and the
 * best are brought forward each time that it is full. `scratch` takes d/4 · 16 bytes twice. Rows: f32 of `d` numbers; bytes in blocks; per row scale, loss, norm and byte sum; ids.
 * `skips` has a byte for each id; where it is not 0 the row is passed over, at most `skipped` of them.
 * `notes` has room for `notedMax` blocks: 36 numbers each.
 */
export function best(
  scratch: usize, vector: usize, d: i32, rows: usize, bytes: usize,
  scales: usize, losses: usize, norms: usize, sums: usize, ids: usize,
  skips: usize, count: i32, notes: usize, notedMax: i32, skipped: i32, k: i32, keys: usize, keysMax: i32,
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
  let leastKey: u64 = 0;
  const wanted = k + skipped;
  let noted = min<i32>(min<i32>(notedMax, count / BLOCK), (wanted * GROUPS_PER_BEST) / GROUPS + 1);
  if (k < NOTED_FROM || noted * GROUPS < wanted) noted = 0;
  const notedRows = noted * BLOCK;
  const maxima = notes + <usize>notedRows * 4;
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
    const here = <usize>first * 4;
    if (first < notedRows) {
      let most = f32x4.pmax(f32x4.splat(-Infinity), note(s0, here, scales, losses, norms, sums, own, lengths, loss, notes));
      most = f32x4.pmax(most, note(s1, here + 16, scales, losses, norms, sums, own, lengths, loss, notes));
      most = f32x4.pmax(most, note(s2, here + 32, scales, losses, norms, sums, own, lengths, loss, notes));
      most = f32x4.pmax(most, note(s3, here + 48, scales, losses, norms, sums, own, lengths, loss, notes));
      most = f32x4.pmax(most, note(s4, here + 64, scales, losses, norms, sums, own, lengths, loss, notes));
      most = f32x4.pmax(most, note(s5, here + 80, scales, losses, norms, sums, own, lengths, loss, notes));
      most = f32x4.pmax(most, note(s6, here + 96, scales, losses, norms, sums, own, lengths, loss, notes));
      most = f32x4.pmax(most, note(s7, here + 112, scales, losses, norms, sums, own, lengths, loss, notes));
      v128.store(maxima + <usize>(first / BLOCK) * 16, most);
      if (first + BLOCK < notedRows) continue;
      const floor = kthLargest(maxima, noted * GROUPS, wanted);
      if (floor < FLOOR_MAX) least = floor;
      for (let row = 0; row < notedRows; row += 4) {
        let four = <u32>i32x4.bitmask(f32x4.ge(v128.load(notes + <usize>row * 4), f32x4.splat(least)));
        while (four != 0) {
          const at = row + <i32>ctz<u32>(four);
          four &= four - 1;
          const id = load<u32>(ids + <usize>at * 4);
          if (load<u8>(skips + <usize>id) != 0) continue;
          const key = keyOf(product(rows + <usize>at * stride, vector, stride), id);
          if (key <= leastKey) continue;
          store<u64>(keys + <usize>found * 8, key);
          found += 1;
          if (found < keysMax) continue;
          leastKey = bringForward(keys, found, k);
          least = max<f32>(least, scoreOf(leastKey));
          found = k;
        }
      }
      if (found > k) {
        leastKey = bringForward(keys, found, k);
        least = max<f32>(least, scoreOf(leastKey));
        found = k;
      }
      continue;
    }
    const reach = f32x4.splat(least);
    let mask: u32 = 0;
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
      const key = keyOf(product(rows + <usize>row * stride, vector, stride), id);
      if (key <= leastKey) continue;
      store<u64>(keys + <usize>found * 8, key);
      found += 1;
      if (found < keysMax) continue;
      leastKey = bringForward(keys, found, k);
      least = scoreOf(leastKey);
      found = k;
    }
  }
  if (found <= k) return found;
  bringForward(keys, found, k);
  return k;
}

/** Notes the upper bounds of four rows, and returns the lower ones. */
@inline
function note(
  dots: v128, at: usize, scales: usize, losses: usize, norms: usize, sums: usize,
  own: v128, lengths: v128, loss: v128, notes: usize,
): v128 {
  const exact = f32x4.convert_i32x4_s(i32x4.sub(dots, v128.load(sums + at)));
  const middle = f32x4.mul(f32x4.mul(exact, own), v128.load(scales + at));
  const slack = f32x4.add(f32x4.mul(lengths, v128.load(losses + at)), f32x4.mul(loss, v128.load(norms + at)));
  v128.store(notes + at, f32x4.add(middle, slack));
  return f32x4.sub(middle, slack);
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
