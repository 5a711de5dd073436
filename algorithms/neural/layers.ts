/**
 * Layers that write themselves onto a tape: each pushes the operations of its forward pass and keeps
 * those of its backward pass for the end, when they are written in reverse order. All buffers are
 * explicit; a gradient array starts a run as zeros and every reader of a value adds to it, so a value
 * may be read by several layers.
 */
import type { SeededRandom } from '../random/seeded-random.ts';
import { ArenaLayout, checkWidth, type OperationName, Tape } from './tape.ts';

/** Rows of activations and their gradient. */
export interface Rows {
  readonly place: number;
  readonly gradient: number;
  readonly count: number;
  readonly width: number;
}

export type Fill = (values: Float32Array, random: SeededRandom) => void;

export const zeros: Fill = () => {};
export const ones: Fill = (values) => values.fill(1);
export const normal =
  (deviation: number): Fill =>
  (values, random) => {
    for (let k = 0; k < values.length; k++) values[k] = deviation * random.normal();
  };

interface Parameter {
  readonly place: number;
  readonly length: number;
  readonly fill: Fill;
}

/** What is learned, laid end to end from the arena's beginning, in the order of its making. */
export class Parameters {
  readonly #layout = new ArenaLayout();
  readonly #all: Parameter[] = [];

  get length(): number {
    return this.#layout.length;
  }

  add(length: number, fill: Fill): number {
    const place = this.#layout.array(length);
    this.#all.push({ place, length, fill });
    return place;
  }

  fill(values: Float32Array, random: SeededRandom): void {
    for (const { place, length, fill } of this.#all) {
      fill(values.subarray(place, place + length), random);
    }
  }
}

export interface Dense {
  readonly weight: number;
  readonly bias: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** Weights by inputs; `gain` 1 keeps the size of what passes. */
export const denseParameters = (
  parameters: Parameters,
  { inputs, outputs, gain = 1 }: { inputs: number; outputs: number; gain?: number },
): Dense => ({
  weight: parameters.add(inputs * outputs, normal(gain / Math.sqrt(inputs))),
  bias: parameters.add(outputs, zeros),
  inputs,
  outputs,
});

export interface Norm {
  readonly gain: number;
  readonly bias: number;
}

export const normParameters = (parameters: Parameters, width: number): Norm => ({
  gain: parameters.add(width, ones),
  bias: parameters.add(width, zeros),
});

export interface WriterPlan {
  readonly layout: ArenaLayout;
  /** From a parameter to its gradient. */
  readonly gradientOffset: number;
  /** Dropout's rate, 0 where nothing is trained, and the array that holds its seed. */
  readonly dropout: { readonly rate: number; readonly seed: number };
}

/** Writes one tape: a network over one part of a batch. */
export class NetworkWriter {
  readonly #plan: WriterPlan;
  readonly #forward: [OperationName, ...number[]][] = [];
  readonly #backward: (() => void)[] = [];
  readonly #gradients: [place: number, length: number][] = [];
  #salt = 0;

  constructor(plan: WriterPlan) {
    this.#plan = plan;
  }

  push(name: OperationName, ...values: readonly number[]): void {
    this.#forward.push([name, ...values]);
  }

  /** What the way back does, written after the ways back of all later layers. */
  onReturn(write: () => void): void {
    this.#backward.push(write);
  }

  gradientOf(parameter: number): number {
    return parameter + this.#plan.gradientOffset;
  }

  array(length: number): number {
    return this.#plan.layout.array(length);
  }

  rows(count: number, width: number): Rows {
    checkWidth('the width of a layer', width);
    const gradient = this.array(count * width);
    this.#gradients.push([gradient, count * width]);
    return { place: this.array(count * width), gradient, count, width };
  }

  /** The tape: gradients emptied, forward, and backward unless only values are wanted. */
  finish(mode: 'train' | 'values'): Tape {
    if (mode === 'train') {
      while (this.#backward.length > 0) this.#backward.pop()!();
    }
    const tape = new Tape();
    if (mode === 'train') {
      for (const [place, length] of this.#gradients) tape.push('zero', place, length);
    }
    for (const operation of this.#forward) tape.push(...operation);
    return tape;
  }

  embedding(table: number, ids: number, { count, width }: { count: number; width: number }): Rows {
    const y = this.rows(count, width);
    this.push('gather', table, ids, y.place, count, width);
    this.onReturn(() => {
      this.push('scatter', y.gradient, ids, this.gradientOf(table), count, width);
    });
    return y;
  }

  /** A number for each id. */
  column(table: number, ids: number, count: number): Rows {
    const y = { place: this.array(count), gradient: this.array(count), count, width: 1 };
    this.#gradients.push([y.gradient, count]);
    this.push('gather', table, ids, y.place, count, 1);
    this.onReturn(() => {
      this.push('scatter', y.gradient, ids, this.gradientOf(table), count, 1);
    });
    return y;
  }

  dense(x: Rows, { weight, bias, inputs, outputs }: Dense): Rows {
    const y = this.rows(x.count, outputs);
    this.push('fillRows', bias, y.place, x.count, outputs);
    const sizes = [x.count, outputs, inputs];
    this.push('addProduct', ...sizes, x.place, inputs, 1, weight, outputs, 1, y.place, outputs);
    this.onReturn(() => {
      const { gradient: gy } = y;
      const toInputs = [x.count, inputs, outputs];
      this.push('addProduct', ...toInputs, gy, outputs, 1, weight, 1, outputs, x.gradient, inputs);
      const toWeights = [inputs, outputs, x.count];
      const gWeight = this.gradientOf(weight);
      this.push('addProduct', ...toWeights, x.place, 1, inputs, gy, outputs, 1, gWeight, outputs);
      this.push('addColumnSums', gy, this.gradientOf(bias), x.count, outputs);
    });
    return y;
  }

  norm(x: Rows, { gain, bias }: Norm): Rows {
    const y = this.rows(x.count, x.width);
    const facts = this.array(2 * x.count);
    this.push('norm', x.place, gain, bias, y.place, facts, x.count, x.width);
    this.onReturn(() => {
      const gradients = [x.gradient, this.gradientOf(gain), this.gradientOf(bias)];
      this.push('normBack', y.gradient, x.place, gain, facts, ...gradients, x.count, x.width);
    });
    return y;
  }

  /** GELU or ReLU. The way back sets the gradient, so `x` has this one reader. */
  activation(x: Rows, kind: 'gelu' | 'relu'): Rows {
    const y = this.rows(x.count, x.width);
    const length = x.count * x.width;
    this.push(kind, x.place, y.place, length);
    this.onReturn(() => {
      this.push(`${kind}Back`, y.gradient, x.place, x.gradient, length);
    });
    return y;
  }

  /** In place, so only right behind a layer whose way back does not read what it gave. */
  dropout(x: Rows): Rows {
    const { rate, seed } = this.#plan.dropout;
    if (rate === 0) return x;
    const length = x.count * x.width;
    this.#salt += 1;
    const salt = this.#salt;
    this.push('dropout', x.place, x.place, length, rate, seed, salt);
    this.onReturn(() => {
      this.push('dropout', x.gradient, x.gradient, length, rate, seed, salt);
    });
    return x;
  }

  sum(a: Rows, b: Rows): Rows {
    const y = this.rows(a.count, a.width);
    const length = a.count * a.width;
    this.push('zero', y.place, length);
    for (const part of [a, b]) this.push('add', part.place, y.place, length);
    this.onReturn(() => {
      for (const part of [a, b]) this.push('add', y.gradient, part.gradient, length);
    });
    return y;
  }

  product(a: Rows, b: Rows): Rows {
    const y = this.rows(a.count, a.width);
    const length = a.count * a.width;
    this.push('zero', y.place, length);
    this.push('addMultiplied', a.place, b.place, y.place, length);
    this.onReturn(() => {
      this.push('addMultiplied', y.gradient, b.place, a.gradient, length);
      this.push('addMultiplied', y.gradient, a.place, b.gradient, length);
    });
    return y;
  }

  /** `qkv` rows hold queries, keys and values; `bias` a number for each head and distance. */
  attention(qkv: Rows, bias: number, { length, heads }: { length: number; heads: number }): Rows {
    const width = qkv.width / 3;
    const windows = qkv.count / length;
    const y = this.rows(qkv.count, width);
    const shares = this.array(windows * heads * length * length);
    const shape = [windows, length, heads, width / heads];
    this.push('attention', qkv.place, bias, shares, y.place, ...shape);
    this.onReturn(() => {
      const gradients = [qkv.gradient, this.gradientOf(bias)];
      this.push('attentionBack', y.gradient, qkv.place, shares, ...gradients, ...shape);
    });
    return y;
  }

  /** The cross-entropy of softmax(h·tableᵀ + bias), added to `loss`, and the start of the way back. */
  softmaxHead(
    h: Rows,
    head: { table: Rows; bias: Rows; targets: number; loss: number; scale: number },
  ): void {
    const { table, bias, targets, loss, scale } = head;
    const inputs = [h.place, h.count, h.width, table.place, bias.place, table.count, targets];
    this.onReturn(() => {
      this.push('softmaxHead', ...inputs, h.gradient, table.gradient, bias.gradient, loss, scale);
    });
  }

  /** The same for σ(x) against labels of 0 and 1; `x` has one number a row, in its first column. */
  logistic(x: Rows, head: { labels: number; loss: number; scale: number }): void {
    const { labels, loss, scale } = head;
    this.onReturn(() => {
      this.push('logistic', x.place, labels, x.gradient, loss, x.count * x.width, scale);
    });
  }
}
