/**
 * Stochastic gradient descent for SVD++ and, where there are no implicit rows, biased MF; f32, one
 * rating after the other. What is computed and why one vector is carried through a person's ratings:
 * ../../ratings/factor-sgd.ts. Reference: ../../ratings/factor-reference.ts.
 *
 * A row is `bytes` long, a multiple of 16; what pads it is zeros and stays zeros.
 */
import { fma, fms, sumOf } from './include/lanes';

/** x·y by four sums that do not wait for each other. */
function product(x: usize, y: usize, bytes: usize): f32 {
  let a = f32x4.splat(0), b = a, c = a, d = a;
  let k: usize = 0;
  for (; k + 48 < bytes; k += 64) {
    a = fma<f32>(v128.load(x + k), v128.load(y + k), a);
    b = fma<f32>(v128.load(x + k, 16), v128.load(y + k, 16), b);
    c = fma<f32>(v128.load(x + k, 32), v128.load(y + k, 32), c);
    d = fma<f32>(v128.load(x + k, 48), v128.load(y + k, 48), d);
  }
  for (; k < bytes; k += 16) a = fma<f32>(v128.load(x + k), v128.load(y + k), a);
  return sumOf<f32>(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
}

/** person ← keep·person + gain·item and item ← keep·item + step·person, both from what they were. */
@inline
function moveBoth(person: usize, item: usize, bytes: usize, keep: v128, gain: v128, step: v128): void {
  for (let k: usize = 0; k < bytes; k += 16) {
    const p = v128.load(person + k);
    const q = v128.load(item + k);
    v128.store(person + k, fma<f32>(gain, q, f32x4.mul(keep, p)));
    v128.store(item + k, fma<f32>(step, p, f32x4.mul(keep, q)));
  }
}

/** into ← p + scale·Σ y over the person's items; also to `before`. */
function gather(into: usize, before: usize, person: usize, implicitRows: usize, items: usize, itemsEnd: usize, scale: f32, bytes: usize): void {
  memory.copy(into, person, bytes);
  const by = f32x4.splat(scale);
  if (implicitRows != 0) {
    for (let at = items; at < itemsEnd; at += 4) {
      const row = implicitRows + <usize>load<u32>(at) * bytes;
      for (let k: usize = 0; k < bytes; k += 16) {
        v128.store(into + k, fma<f32>(by, v128.load(row + k), v128.load(into + k)));
      }
    }
  }
  memory.copy(before, into, bytes);
}

/** With g = share·(current − kept·before): p ← kept·p + g, and each y ← kept·y + scale·g. */
function writeBack(current: usize, before: usize, person: usize, implicitRows: usize, items: usize, itemsEnd: usize, scale: f32, kept: f32, bytes: usize): void {
  const share = f32x4.splat(implicitRows != 0 ? 0.5 : 1);
  const still = f32x4.splat(kept);
  const by = f32x4.splat(scale);
  for (let k: usize = 0; k < bytes; k += 16) {
    const change = f32x4.mul(share, fms<f32>(still, v128.load(before + k), v128.load(current + k)));
    v128.store(person + k, fma<f32>(still, v128.load(person + k), change));
    v128.store(before + k, f32x4.mul(by, change));
  }
  if (implicitRows == 0) return;
  for (let at = items; at < itemsEnd; at += 4) {
    const row = implicitRows + <usize>load<u32>(at) * bytes;
    for (let k: usize = 0; k < bytes; k += 16) {
      v128.store(row + k, fma<f32>(still, v128.load(row + k), v128.load(before + k)));
    }
  }
}

/**
 * Visits people in the order of `users` and their ratings in that of `order` (positions in `columns`
 * and `values`). `scratch`: two rows. `implicitRows` 0: none.
 */
export function visit(
  scratch: usize, users: usize, userCount: u32, starts: usize, order: usize, columns: usize, values: usize,
  userBiases: usize, itemBiases: usize, userRows: usize, itemRows: usize, implicitRows: usize, bytes: usize,
  mean: f32, rate: f32, biasRate: f32, regularisation: f32, biasRegularisation: f32,
): void {
  const current = scratch, before = scratch + bytes;
  const keep: f32 = <f32>1 - rate * regularisation;
  const gains: f32 = implicitRows != 0 ? 2 : 1;
  for (let place: u32 = 0; place < userCount; place++) {
    const user = <usize>load<u32>(users + ((<usize>place) << 2));
    const first = load<u32>(starts + (user << 2)), end = load<u32>(starts + (user << 2), 4);
    if (first == end) continue;
    const person = userRows + user * bytes;
    const items = columns + ((<usize>first) << 2), itemsEnd = columns + ((<usize>end) << 2);
    const scale = <f32>(1 / Math.sqrt(<f64>(end - first)));
    gather(current, before, person, implicitRows, items, itemsEnd, scale, bytes);
    let userBias = load<f32>(userBiases + (user << 2));
    let kept: f32 = 1;
    for (let at = first; at < end; at++) {
      const position = (<usize>load<u32>(order + ((<usize>at) << 2))) << 2;
      const item = <usize>load<u32>(columns + position);
      const row = itemRows + item * bytes;
      const itemBias = load<f32>(itemBiases + (item << 2));
      const error = load<f32>(values + position) - mean - userBias - itemBias - product(current, row, bytes);
      userBias += biasRate * (error - biasRegularisation * userBias);
      store<f32>(itemBiases + (item << 2), itemBias + biasRate * (error - biasRegularisation * itemBias));
      const step = rate * error;
      moveBoth(current, row, bytes, f32x4.splat(keep), f32x4.splat(gains * step), f32x4.splat(step));
      kept *= keep;
    }
    store<f32>(userBiases + (user << 2), userBias);
    writeBack(current, before, person, implicitRows, items, itemsEnd, scale, kept, bytes);
  }
}
