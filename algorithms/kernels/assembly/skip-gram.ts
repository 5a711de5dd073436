/**
 * Skip-gram with negative sampling, f32: one call learns the steps of a plan, one after the other.
 * A step is a row of numbers: how many inputs (1 to 4), four inputs, how many outputs, the outputs,
 * the first of which is the true one. All inputs of a step meet the same outputs, so each vector is
 * read once for several products (Ji and others, 2016), and all products of a step are taken before
 * any of its vectors moves. Inputs of a step differ from each other, and so do outputs.
 *
 * An input slot that is not used names a row of zeros, which stays zeros.
 * Reference: ../../embedding/skip-gram-reference.ts.
 */
import { fma } from './include/lanes';

/** Four accumulators to the vector of their four sums. */
@inline
function sumsOf(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/** 1 ÷ (1 + e^−x): 2^(whole part) by the exponent's bits, 2^(rest) by Taylor's first terms. */
@inline
function sigmoid(x: v128): v128 {
  const limited = f32x4.max(f32x4.min(x, f32x4.splat(30)), f32x4.splat(-30));
  const power = f32x4.mul(limited, f32x4.splat(-1.4426950408889634));
  const whole = f32x4.nearest(power);
  const rest = f32x4.sub(power, whole);
  let sum = f32x4.splat(0.0013333558);
  sum = fma<f32>(sum, rest, f32x4.splat(0.0096181291));
  sum = fma<f32>(sum, rest, f32x4.splat(0.0555041087));
  sum = fma<f32>(sum, rest, f32x4.splat(0.2402265070));
  sum = fma<f32>(sum, rest, f32x4.splat(0.6931471806));
  sum = fma<f32>(sum, rest, f32x4.splat(1));
  const scale = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(whole), i32x4.splat(127)), 23);
  return f32x4.div(f32x4.splat(1), fma<f32>(sum, scale, f32x4.splat(1)));
}

/** rate × (label − σ(product)), for the four inputs of a step and one output. */
@inline
function pullOf(products: v128, label: f32, rate: f32, used: v128): v128 {
  return v128.and(used, f32x4.mul(f32x4.sub(f32x4.splat(label), sigmoid(products)), f32x4.splat(rate)));
}

/** All ones in the lanes of the inputs that are there. */
@inline
function usedLanes(inputCount: u32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(<i32>inputCount));
}

/** Writes the pulls of four inputs on each output: four numbers an output. */
function pullFour(pulls: usize, rows: usize, outputCount: u32, a: usize, b: usize, c: usize, d: usize, used: v128, rate: f32, bytes: usize): void {
  let output: u32 = 0;
  for (; output + 1 < outputCount; output += 2) {
    const x = <usize>load<u32>(rows + ((<usize>output) << 2));
    const y = <usize>load<u32>(rows + ((<usize>output) << 2), 4);
    let ax = f32x4.splat(0);
    let bx = f32x4.splat(0);
    let cx = f32x4.splat(0);
    let dx = f32x4.splat(0);
    let ay = f32x4.splat(0);
    let by = f32x4.splat(0);
    let cy = f32x4.splat(0);
    let dy = f32x4.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) {
      const xk = v128.load(x + k);
      const yk = v128.load(y + k);
      const ak = v128.load(a + k);
      ax = fma<f32>(ak, xk, ax);
      ay = fma<f32>(ak, yk, ay);
      const bk = v128.load(b + k);
      bx = fma<f32>(bk, xk, bx);
      by = fma<f32>(bk, yk, by);
      const ck = v128.load(c + k);
      cx = fma<f32>(ck, xk, cx);
      cy = fma<f32>(ck, yk, cy);
      const dk = v128.load(d + k);
      dx = fma<f32>(dk, xk, dx);
      dy = fma<f32>(dk, yk, dy);
    }
    const at = pulls + ((<usize>output) << 4);
    v128.store(at, pullOf(sumsOf(ax, bx, cx, dx), output == 0 ? 1 : 0, rate, used));
    v128.store(at, pullOf(sumsOf(ay, by, cy, dy), 0, rate, used), 16);
  }
  if (output < outputCount) {
    const x = <usize>load<u32>(rows + ((<usize>output) << 2));
    let ax = f32x4.splat(0);
    let bx = f32x4.splat(0);
    let cx = f32x4.splat(0);
    let dx = f32x4.splat(0);
    for (let k: usize = 0; k < bytes; k += 16) {
      const xk = v128.load(x + k);
      ax = fma<f32>(v128.load(a + k), xk, ax);
      bx = fma<f32>(v128.load(b + k), xk, bx);
      cx = fma<f32>(v128.load(c + k), xk, cx);
      dx = fma<f32>(v128.load(d + k), xk, dx);
    }
    v128.store(
      pulls + ((<usize>output) << 4),
      pullOf(sumsOf(ax, bx, cx, dx), output == 0 ? 1 : 0, rate, used),
    );
  }
}

/** As `pullFour` for two inputs, three outputs at a time. */
function pullTwo(pulls: usize, rows: usize, outputCount: u32, a: usize, b: usize, used: v128, rate: f32, bytes: usize): void {
  const zero = f32x4.splat(0);
  let output: u32 = 0;
  for (; output + 2 < outputCount; output += 3) {
    const x = <usize>load<u32>(rows + ((<usize>output) << 2));
    const y = <usize>load<u32>(rows + ((<usize>output) << 2), 4);
    const z = <usize>load<u32>(rows + ((<usize>output) << 2), 8);
    let ax = zero;
    let bx = zero;
    let ay = zero;
    let by = zero;
    let az = zero;
    let bz = zero;
    for (let k: usize = 0; k < bytes; k += 16) {
      const ak = v128.load(a + k);
      const bk = v128.load(b + k);
      const xk = v128.load(x + k);
      ax = fma<f32>(ak, xk, ax);
      bx = fma<f32>(bk, xk, bx);
      const yk = v128.load(y + k);
      ay = fma<f32>(ak, yk, ay);
      by = fma<f32>(bk, yk, by);
      const zk = v128.load(z + k);
      az = fma<f32>(ak, zk, az);
      bz = fma<f32>(bk, zk, bz);
    }
    const at = pulls + ((<usize>output) << 4);
    v128.store(at, pullOf(sumsOf(ax, bx, zero, zero), output == 0 ? 1 : 0, rate, used));
    v128.store(at, pullOf(sumsOf(ay, by, zero, zero), 0, rate, used), 16);
    v128.store(at, pullOf(sumsOf(az, bz, zero, zero), 0, rate, used), 32);
  }
  for (; output < outputCount; output++) {
    const x = <usize>load<u32>(rows + ((<usize>output) << 2));
    let ax = zero;
    let bx = zero;
    for (let k: usize = 0; k < bytes; k += 16) {
      const xk = v128.load(x + k);
      ax = fma<f32>(v128.load(a + k), xk, ax);
      bx = fma<f32>(v128.load(b + k), xk, bx);
    }
    v128.store(
      pulls + ((<usize>output) << 4),
      pullOf(sumsOf(ax, bx, zero, zero), output == 0 ? 1 : 0, rate, used),
    );
  }
}

/** Moves four inputs and all outputs, four numbers of each vector at a time. */
function moveFour(pulls: usize, rows: usize, outputCount: u32, a: usize, b: usize, c: usize, d: usize, bytes: usize): void {
  const pullsEnd = pulls + ((<usize>outputCount) << 4);
  for (let k: usize = 0; k < bytes; k += 16) {
    const ak = v128.load(a + k);
    const bk = v128.load(b + k);
    const ck = v128.load(c + k);
    const dk = v128.load(d + k);
    let aNew = ak;
    let bNew = bk;
    let cNew = ck;
    let dNew = dk;
    let row = rows;
    for (let pull = pulls; pull < pullsEnd; pull += 16) {
      const at = <usize>load<u32>(row) + k;
      row += 4;
      const out = v128.load(at);
      const byA = v128.load32_splat(pull);
      const byB = v128.load32_splat(pull, 4);
      const byC = v128.load32_splat(pull, 8);
      const byD = v128.load32_splat(pull, 12);
      aNew = fma<f32>(byA, out, aNew);
      bNew = fma<f32>(byB, out, bNew);
      cNew = fma<f32>(byC, out, cNew);
      dNew = fma<f32>(byD, out, dNew);
      const half = fma<f32>(byB, bk, fma<f32>(byA, ak, out));
      v128.store(at, fma<f32>(byD, dk, fma<f32>(byC, ck, half)));
    }
    v128.store(a + k, aNew);
    v128.store(b + k, bNew);
    v128.store(c + k, cNew);
    v128.store(d + k, dNew);
  }
}

/** As `moveFour` for two inputs. */
function moveTwo(pulls: usize, rows: usize, outputCount: u32, a: usize, b: usize, bytes: usize): void {
  const pullsEnd = pulls + ((<usize>outputCount) << 4);
  for (let k: usize = 0; k < bytes; k += 16) {
    const ak = v128.load(a + k);
    const bk = v128.load(b + k);
    let aNew = ak;
    let bNew = bk;
    let row = rows;
    for (let pull = pulls; pull < pullsEnd; pull += 16) {
      const at = <usize>load<u32>(row) + k;
      row += 4;
      const out = v128.load(at);
      const byA = v128.load32_splat(pull);
      const byB = v128.load32_splat(pull, 4);
      aNew = fma<f32>(byA, out, aNew);
      bNew = fma<f32>(byB, out, bNew);
      v128.store(at, fma<f32>(byB, bk, fma<f32>(byA, ak, out)));
    }
    v128.store(a + k, aNew);
    v128.store(b + k, bNew);
  }
}

/**
 * Learns `stepCount` steps of `stepLength` numbers each. `scratch` holds the addresses of a step's
 * outputs and their pulls: 32 bytes an output. Vectors are `bytes` long, a multiple of 16.
 */
export function learn(scratch: usize, plan: usize, stepCount: u32, stepLength: u32, inputs: usize, outputs: usize, bytes: usize, rate: f32): void {
  const pulls = scratch;
  const outputsMax = <usize>(stepLength - 6);
  const rows = scratch + (outputsMax << 4);
  for (let step: u32 = 0; step < stepCount; step++) {
    const at = plan + (<usize>step * <usize>stepLength) * 4;
    const inputCount = load<u32>(at);
    const a = inputs + <usize>load<u32>(at, 4) * bytes;
    const b = inputs + <usize>load<u32>(at, 8) * bytes;
    const outputCount = load<u32>(at, 20);
    for (let output: u32 = 0; output < outputCount; output++) {
      const row = <u32>(outputs + <usize>load<u32>(at + ((<usize>output) << 2), 24) * bytes);
      store<u32>(rows + ((<usize>output) << 2), row);
    }
    const used = usedLanes(inputCount);
    if (inputCount > 2) {
      const c = inputs + <usize>load<u32>(at, 12) * bytes;
      const d = inputs + <usize>load<u32>(at, 16) * bytes;
      pullFour(pulls, rows, outputCount, a, b, c, d, used, rate, bytes);
      moveFour(pulls, rows, outputCount, a, b, c, d, bytes);
    } else {
      pullTwo(pulls, rows, outputCount, a, b, used, rate, bytes);
      moveTwo(pulls, rows, outputCount, a, b, bytes);
    }
  }
}
