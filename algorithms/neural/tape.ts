/**
 * A network as a tape: the operations of its forward and backward pass in order, each on arrays of one
 * arena of numbers. Layers write their operations onto the tape once, before training; a step of
 * training runs it with other numbers in the same arrays. A kernel runs a whole tape in one call
 * (`kernels/assembly/neural.ts`), `tape-reference.ts` runs the same tape in plain loops.
 *
 * An array is named by its place in the arena. Arrays start at multiples of 16 numbers, so what works
 * on whole vectors may run past an array's end into zeros that nobody reads. Ids and targets are
 * numbers like all others (exact up to 2^24).
 */
import { AlgorithmError } from '../model/algorithm-error.ts';

/** Numbers of an operation: its code and up to twelve arguments. */
export const WORDS = 13;

/** In the order of their codes. Arguments that are places of arrays come before counts. */
export const OPERATIONS = [
  /** at, length */
  'zero',
  /** from, into, length: into += from */
  'add',
  /** row, into, rows, columns: each row of `into` becomes `row` */
  'fillRows',
  /** from, into, rows, columns */
  'addColumnSums',
  /** m, n, depth, a, its steps to the next row and column, b, its steps, c, its row step: c += a·b */
  'addProduct',
  /** x, gain, bias, y, facts (mean and 1 ÷ deviation of each row), rows, columns */
  'norm',
  /** gy, x, gain, facts, gx, gGain, gBias, rows, columns: adds */
  'normBack',
  /** x, y, length */
  'gelu',
  /** gy, x, gx, length */
  'geluBack',
  /** x, y, length */
  'relu',
  /** gy, x, gx, length */
  'reluBack',
  /** x, y, length, rate, seed (an array of one), salt; x may be y; the way back is the same */
  'dropout',
  /** table, ids, y, rows, columns; an id below 0 is a row of zeros */
  'gather',
  /** gy, ids, gTable, rows, columns: adds */
  'scatter',
  /** qkv, bias by distance, shares, y, windows, length, heads, width of a head */
  'attention',
  /** gy, qkv, shares, gqkv, gBias, windows, length, heads, width of a head: adds */
  'attentionBack',
  /** h, rows, width, table, bias, items, targets (below 0: none), gh, gTable, gBias, loss, scale */
  'softmaxHead',
  /** a, b, into, length: into += a·b, number by number */
  'addMultiplied',
  /** x, labels, gx, loss, length, scale */
  'logistic',
] as const;
export type OperationName = (typeof OPERATIONS)[number];

const ALIGNMENT = 16;

/** Where arrays lie. One arena may be written to by several tapes that share parameters. */
export class ArenaLayout {
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The place of an array of `length` numbers. */
  array(length: number): number {
    const place = this.#length;
    this.#length += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    return place;
  }
}

export class Tape {
  readonly #words: number[] = [];

  get operationCount(): number {
    return this.#words.length / WORDS;
  }

  get words(): Float64Array {
    return Float64Array.from(this.#words);
  }

  push(name: OperationName, ...values: readonly number[]): void {
    const row = [OPERATIONS.indexOf(name), ...values];
    for (let k = 0; k < WORDS; k++) this.#words.push(row[k] ?? 0);
  }
}

/** Rows of networks are whole vectors of four. */
export const checkWidth = (name: string, width: number): void => {
  if (!(Number.isSafeInteger(width) && width > 0 && width % 4 === 0)) {
    throw new AlgorithmError('bad_option', { name, expected: 'a multiple of 4', got: width });
  }
};
