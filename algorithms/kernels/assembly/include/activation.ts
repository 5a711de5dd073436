/**
 * The functions between a network's products, f32, four numbers at a time (arrays end at multiples
 * of four), and the layer norm over rows whose length is a multiple of four.
 */
import { fma, sumOf } from './lanes';

/** e^x: 2^(whole part) by the exponent's bits, 2^(rest) by Taylor's first terms; x from −87 to 88. */
@inline
export function exponential(x: v128): v128 {
  const limited = f32x4.max(f32x4.min(x, f32x4.splat(88)), f32x4.splat(-87));
  const power = f32x4.mul(limited, f32x4.splat(1.4426950408889634));
  const whole = f32x4.nearest(power);
  const rest = f32x4.sub(power, whole);
  let sum = f32x4.splat(0.00015403530);
  sum = fma<f32>(sum, rest, f32x4.splat(0.0013333558));
  sum = fma<f32>(sum, rest, f32x4.splat(0.0096181291));
  sum = fma<f32>(sum, rest, f32x4.splat(0.0555041087));
  sum = fma<f32>(sum, rest, f32x4.splat(0.2402265070));
  sum = fma<f32>(sum, rest, f32x4.splat(0.6931471806));
  sum = fma<f32>(sum, rest, f32x4.splat(1));
  const scale = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(whole), i32x4.splat(127)), 23);
  return f32x4.mul(sum, scale);
}

@inline
export function sigmoid(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exponential(f32x4.neg(x))));
}

/** x·σ(2u) with u = √(2/π)·(x + .044715·x³) is x·(1 + tanh u) ÷ 2. */
const STEEP: f32 = 1.5957691216;
const CUBIC: f32 = 0.0713548163;

export function gelu(x: usize, y: usize, length: i32): void {
  for (let at: usize = 0, end = <usize>length * 4; at < end; at += 16) {
    const value = v128.load(x + at);
    const square = f32x4.mul(value, value);
    const twice = f32x4.mul(value, fma<f32>(square, f32x4.splat(CUBIC), f32x4.splat(STEEP)));
    v128.store(y + at, f32x4.mul(value, sigmoid(twice)));
  }
}

export function geluBack(gy: usize, x: usize, gx: usize, length: i32): void {
  for (let at: usize = 0, end = <usize>length * 4; at < end; at += 16) {
    const value = v128.load(x + at);
    const square = f32x4.mul(value, value);
    const share = sigmoid(f32x4.mul(value, fma<f32>(square, f32x4.splat(CUBIC), f32x4.splat(STEEP))));
    const slope = fma<f32>(square, f32x4.splat(3 * CUBIC), f32x4.splat(STEEP));
    const rest = f32x4.mul(f32x4.mul(value, slope), f32x4.sub(f32x4.splat(1), share));
    const own = fma<f32>(rest, share, share);
    v128.store(gx + at, f32x4.mul(v128.load(gy + at), own));
  }
}

export function relu(x: usize, y: usize, length: i32): void {
  for (let at: usize = 0, end = <usize>length * 4; at < end; at += 16) {
    v128.store(y + at, f32x4.max(v128.load(x + at), f32x4.splat(0)));
  }
}

export function reluBack(gy: usize, x: usize, gx: usize, length: i32): void {
  for (let at: usize = 0, end = <usize>length * 4; at < end; at += 16) {
    const open = f32x4.gt(v128.load(x + at), f32x4.splat(0));
    v128.store(gx + at, v128.and(v128.load(gy + at), open));
  }
}

/** Which number is dropped is a hash of its place and the key, so the way back drops the same. */
export function dropout(x: usize, y: usize, length: i32, rate: f64, key: u32): void {
  const threshold = i32x4.splat(<i32>(rate * 16777216));
  const scale = f32x4.splat(<f32>(1 / (1 - rate)));
  let place = i32x4.add(i32x4.splat(<i32>key), i32x4(0, 1, 2, 3));
  for (let at: usize = 0, end = <usize>length * 4; at < end; at += 16) {
    let hash = v128.xor(place, i32x4.shr_u(place, 16));
    hash = i32x4.mul(hash, i32x4.splat(0x7feb352d));
    hash = v128.xor(hash, i32x4.shr_u(hash, 15));
    hash = i32x4.mul(hash, i32x4.splat(<i32>0x846ca68b));
    hash = v128.xor(hash, i32x4.shr_u(hash, 16));
    const kept = i32x4.ge_s(i32x4.shr_u(hash, 8), threshold);
    v128.store(y + at, v128.and(f32x4.mul(v128.load(x + at), scale), kept));
    place = i32x4.add(place, i32x4.splat(4));
  }
}

const EPSILON: f32 = 1e-5;

/** `facts` takes mean and 1 ÷ deviation of each row. */
export function norm(x: usize, gain: usize, bias: usize, y: usize, facts: usize, rows: i32, columns: i32): void {
  const line = <usize>columns * 4;
  for (let row = 0; row < rows; row++, x += line, y += line, facts += 8) {
    let sum = f32x4.splat(0);
    for (let at: usize = 0; at < line; at += 16) sum = f32x4.add(sum, v128.load(x + at));
    const mean = sumOf<f32>(sum) / <f32>columns;
    const means = f32x4.splat(mean);
    let squares = f32x4.splat(0);
    for (let at: usize = 0; at < line; at += 16) {
      const off = f32x4.sub(v128.load(x + at), means);
      squares = fma<f32>(off, off, squares);
    }
    const inverse = <f32>1 / sqrt<f32>(sumOf<f32>(squares) / <f32>columns + EPSILON);
    const inverses = f32x4.splat(inverse);
    for (let at: usize = 0; at < line; at += 16) {
      const unit = f32x4.mul(f32x4.sub(v128.load(x + at), means), inverses);
      v128.store(y + at, fma<f32>(unit, v128.load(gain + at), v128.load(bias + at)));
    }
    store<f32>(facts, mean);
    store<f32>(facts + 4, inverse);
  }
}

/** Adds to all three gradients. */
export function normBack(
  gy: usize, x: usize, gain: usize, facts: usize, gx: usize, gGain: usize, gBias: usize, rows: i32, columns: i32,
): void {
  const line = <usize>columns * 4;
  for (let row = 0; row < rows; row++, gy += line, x += line, gx += line, facts += 8) {
    const means = f32x4.splat(load<f32>(facts)), inverses = f32x4.splat(load<f32>(facts + 4));
    let sum = f32x4.splat(0), along = f32x4.splat(0);
    for (let at: usize = 0; at < line; at += 16) {
      const own = v128.load(gy + at);
      const unit = f32x4.mul(f32x4.sub(v128.load(x + at), means), inverses);
      const scaled = f32x4.mul(own, v128.load(gain + at));
      sum = f32x4.add(sum, scaled);
      along = fma<f32>(scaled, unit, along);
      v128.store(gGain + at, fma<f32>(own, unit, v128.load(gGain + at)));
      v128.store(gBias + at, f32x4.add(own, v128.load(gBias + at)));
    }
    const meanSum = f32x4.splat(sumOf<f32>(sum) / <f32>columns);
    const meanAlong = f32x4.splat(sumOf<f32>(along) / <f32>columns);
    for (let at: usize = 0; at < line; at += 16) {
      const unit = f32x4.mul(f32x4.sub(v128.load(x + at), means), inverses);
      const scaled = f32x4.mul(v128.load(gy + at), v128.load(gain + at));
      const left = f32x4.sub(f32x4.sub(scaled, meanSum), f32x4.mul(unit, meanAlong));
      v128.store(gx + at, fma<f32>(left, inverses, v128.load(gx + at)));
    }
  }
}
