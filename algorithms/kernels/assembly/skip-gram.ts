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

/** The two sizes of a step, four inputs and two, are one text: what two do not need is not compiled. */
@inline
function isFour<Inputs>(): bool {
  return sizeof<Inputs>() == 4;
}
type Four = u32;
type Two = u16;

/** The output at a place, or the first of the round where there are no more. */
@inline
function outputAt(row: usize, place: u32, outputCount: u32, first: usize): usize {
  return place < outputCount ? <usize>load<u32>(row + ((<usize>place) << 2)) : first;
}

/**
 * Writes the pulls of the inputs on each output, four numbers an output: two outputs at a time for
 * four inputs, three for two, so that eight or six sums go side by side.
 */
function pull<Inputs>(pulls: usize, rows: usize, outputCount: u32, a: usize, b: usize, c: usize, d: usize, used: v128, rate: f32, bytes: usize): void {
  const zero = f32x4.splat(0);
  const round: u32 = isFour<Inputs>() ? 2 : 3;
  for (let output: u32 = 0; output < outputCount; output += round) {
    const x = <usize>load<u32>(rows + ((<usize>output) << 2));
    const y = outputAt(rows, output + 1, outputCount, x);
    const z = outputAt(rows, output + 2, outputCount, x);
    let ax = zero, bx = zero, cx = zero, dx = zero;
    let ay = zero, by = zero, cy = zero, dy = zero;
    let az = zero, bz = zero;
    for (let k: usize = 0; k < bytes; k += 16) {
      const ak = v128.load(a + k);
      const bk = v128.load(b + k);
      const xk = v128.load(x + k);
      const yk = v128.load(y + k);
      ax = fma<f32>(ak, xk, ax);
      ay = fma<f32>(ak, yk, ay);
      bx = fma<f32>(bk, xk, bx);
      by = fma<f32>(bk, yk, by);
      if (isFour<Inputs>()) {
        const ck = v128.load(c + k);
        const dk = v128.load(d + k);
        cx = fma<f32>(ck, xk, cx);
        cy = fma<f32>(ck, yk, cy);
        dx = fma<f32>(dk, xk, dx);
        dy = fma<f32>(dk, yk, dy);
      } else {
        const zk = v128.load(z + k);
        az = fma<f32>(ak, zk, az);
        bz = fma<f32>(bk, zk, bz);
      }
    }
    const at = pulls + ((<usize>output) << 4);
    v128.store(at, pullOf(sumsOf(ax, bx, cx, dx), output == 0 ? 1 : 0, rate, used));
    if (output + 1 < outputCount) v128.store(at, pullOf(sumsOf(ay, by, cy, dy), 0, rate, used), 16);
    if (isFour<Inputs>() || output + 2 >= outputCount) continue;
    v128.store(at, pullOf(sumsOf(az, bz, zero, zero), 0, rate, used), 32);
  }
}

/** Moves the inputs and all outputs, four numbers of each vector at a time. */
function move<Inputs>(pulls: usize, rows: usize, outputCount: u32, a: usize, b: usize, c: usize, d: usize, bytes: usize): void {
  const pullsEnd = pulls + ((<usize>outputCount) << 4);
  const zero = f32x4.splat(0);
  for (let k: usize = 0; k < bytes; k += 16) {
    const ak = v128.load(a + k);
    const bk = v128.load(b + k);
    const ck = isFour<Inputs>() ? v128.load(c + k) : zero;
    const dk = isFour<Inputs>() ? v128.load(d + k) : zero;
    let aNew = ak, bNew = bk, cNew = ck, dNew = dk;
    let row = rows;
    for (let pull = pulls; pull < pullsEnd; pull += 16) {
      const at = <usize>load<u32>(row) + k;
      row += 4;
      const out = v128.load(at);
      const byA = v128.load32_splat(pull);
      const byB = v128.load32_splat(pull, 4);
      aNew = fma<f32>(byA, out, aNew);
      bNew = fma<f32>(byB, out, bNew);
      let outNew = fma<f32>(byB, bk, fma<f32>(byA, ak, out));
      if (isFour<Inputs>()) {
        const byC = v128.load32_splat(pull, 8);
        const byD = v128.load32_splat(pull, 12);
        cNew = fma<f32>(byC, out, cNew);
        dNew = fma<f32>(byD, out, dNew);
        outNew = fma<f32>(byD, dk, fma<f32>(byC, ck, outNew));
      }
      v128.store(at, outNew);
    }
    v128.store(a + k, aNew);
    v128.store(b + k, bNew);
    if (isFour<Inputs>()) {
      v128.store(c + k, cNew);
      v128.store(d + k, dNew);
    }
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
    const c = inputs + <usize>load<u32>(at, 12) * bytes;
    const d = inputs + <usize>load<u32>(at, 16) * bytes;
    const used = usedLanes(inputCount);
    if (inputCount > 2) {
      pull<Four>(pulls, rows, outputCount, a, b, c, d, used, rate, bytes);
      move<Four>(pulls, rows, outputCount, a, b, c, d, bytes);
    } else {
      pull<Two>(pulls, rows, outputCount, a, b, c, d, used, rate, bytes);
      move<Two>(pulls, rows, outputCount, a, b, c, d, bytes);
    }
  }
}
