/**
 * A tape of a small network's operations, run in one call: forward and backward pass over a part of a
 * batch. An operation is a row of WORDS numbers, its code and its arguments; where an argument names
 * an array it is its place in the arena, a count of f32 numbers from `arena` on. What each operation
 * does and what its arguments are: ../../neural/tape.ts. Reference: ../../neural/tape-reference.ts.
 */
import { dropout, gelu, geluBack, norm, normBack, relu, reluBack } from './include/activation';
import { fma } from './include/lanes';
import { addProduct } from './include/product';
import { addMultiplied, addTo, attention, attentionBack, logistic, softmaxHead } from './include/softmax';

const WORDS = 13;

let operation: usize = 0;
let start: usize = 0;

@inline
function real(k: usize): f64 {
  return load<f64>(operation + k * 8);
}

@inline
function whole(k: usize): i32 {
  return <i32>real(k);
}

/** The address of the array that argument k names. */
@inline
function at(k: usize): usize {
  return start + <usize>real(k) * 4;
}

@inline
function bytes(k: usize): usize {
  return <usize>real(k) * 4;
}

function fillRows(row: usize, into: usize, rows: i32, columns: i32): void {
  const line = <usize>columns * 4;
  for (let k = 0; k < rows; k++) memory.copy(into + <usize>k * line, row, line);
}

function addColumnSums(from: usize, rows: i32, columns: i32, into: usize): void {
  for (let k = 0; k < rows; k++) addTo(into, from + <usize>(k * columns) * 4, columns);
}

/** An id below 0 is a row of zeros. */
function gather(table: usize, ids: usize, y: usize, rows: i32, columns: i32): void {
  const line = <usize>columns * 4;
  for (let k = 0; k < rows; k++, y += line) {
    const id = <i32>load<f32>(ids + <usize>k * 4);
    if (id < 0) memory.fill(y, 0, line);
    else memory.copy(y, table + <usize>id * line, line);
  }
}

function scatter(gy: usize, ids: usize, gTable: usize, rows: i32, columns: i32): void {
  const line = <usize>columns * 4;
  for (let k = 0; k < rows; k++, gy += line) {
    const id = <i32>load<f32>(ids + <usize>k * 4);
    if (id < 0) continue;
    const into = gTable + <usize>id * line;
    for (let c: usize = 0; c < line; c += 4) store<f32>(into + c, load<f32>(into + c) + load<f32>(gy + c));
  }
}

function runOne(scratch: usize): void {
  switch (whole(0)) {
    case 0: memory.fill(at(1), 0, bytes(2)); break;
    case 1: addTo(at(2), at(1), whole(3)); break;
    case 2: fillRows(at(1), at(2), whole(3), whole(4)); break;
    case 3: addColumnSums(at(1), whole(3), whole(4), at(2)); break;
    case 4: addProduct(scratch, whole(1), whole(2), whole(3), at(4), bytes(5), bytes(6), at(7), bytes(8), bytes(9), at(10), bytes(11)); break;
    case 5: norm(at(1), at(2), at(3), at(4), at(5), whole(6), whole(7)); break;
    case 6: normBack(at(1), at(2), at(3), at(4), at(5), at(6), at(7), whole(8), whole(9)); break;
    case 7: gelu(at(1), at(2), whole(3)); break;
    case 8: geluBack(at(1), at(2), at(3), whole(4)); break;
    case 9: relu(at(1), at(2), whole(3)); break;
    case 10: reluBack(at(1), at(2), at(3), whole(4)); break;
    case 11: dropout(at(1), at(2), whole(3), real(4), (<u32>load<f32>(at(5))) * 0x9e3779b1 + <u32>whole(6) * 0x85ebca6b); break;
    case 12: gather(at(1), at(2), at(3), whole(4), whole(5)); break;
    case 13: scatter(at(1), at(2), at(3), whole(4), whole(5)); break;
    case 14: attention(scratch, at(1), at(2), at(3), at(4), whole(5), whole(6), whole(7), whole(8)); break;
    case 15: attentionBack(scratch, at(1), at(2), at(3), at(4), at(5), whole(6), whole(7), whole(8), whole(9)); break;
    case 16: softmaxHead(scratch, at(1), whole(2), whole(3), at(4), at(5), whole(6), at(7), at(8), at(9), at(10), at(11), <f32>real(12)); break;
    case 17: addMultiplied(at(1), at(2), at(3), whole(4)); break;
    case 18: logistic(at(1), at(2), at(3), at(4), whole(5), <f32>real(6)); break;
    default: unreachable();
  }
}

export function runTape(scratch: usize, arena: usize, tape: usize, operations: i32): void {
  start = arena;
  for (let k = 0; k < operations; k++) {
    operation = tape + <usize>(k * WORDS) * 8;
    runOne(scratch);
  }
}

/**
 * One step of AdamW on `length` parameters (whole vectors) from the sum of `shards` gradients that
 * lie `shardBytes` apart, which become 0. `rate1` is the step over the bias of the mean, `bias2` the
 * root of the bias of the squares, `keep` what weight decay leaves.
 */
export function adamStep(
  values: usize, gradients: usize, shards: i32, shardBytes: usize, means: usize, squares: usize, length: i32,
  rate1: f32, bias2: f32, keep: f32, beta1: f32, beta2: f32,
): void {
  const zero = f32x4.splat(0);
  for (let k: usize = 0, end = <usize>length * 4; k < end; k += 16) {
    let gradient = zero;
    for (let shard = 0; shard < shards; shard++) {
      const from = gradients + <usize>shard * shardBytes + k;
      gradient = f32x4.add(gradient, v128.load(from));
      v128.store(from, zero);
    }
    const mean = fma<f32>(f32x4.sub(gradient, v128.load(means + k)), f32x4.splat(1 - beta1), v128.load(means + k));
    const square = fma<f32>(f32x4.sub(f32x4.mul(gradient, gradient), v128.load(squares + k)), f32x4.splat(1 - beta2), v128.load(squares + k));
    v128.store(means + k, mean);
    v128.store(squares + k, square);
    const root = f32x4.add(f32x4.div(f32x4.sqrt(square), f32x4.splat(bias2)), f32x4.splat(1e-8));
    const kept = f32x4.mul(v128.load(values + k), f32x4.splat(keep));
    v128.store(values + k, f32x4.sub(kept, f32x4.div(f32x4.mul(f32x4.splat(rate1), mean), root)));
  }
}
