import { describe, expect, it } from 'vitest';
import { inlineEngine } from '../kernels/kernel-engine.ts';
import { neuralKernels } from '../kernels/neural.ts';
import { type SeededRandom, seededRandom } from '../random/seeded-random.ts';
import { ArenaLayout, type OperationName, Tape } from './tape.ts';
import { runReference } from './tape-reference.ts';

/** One operation over random arrays: kernel and reference on the same numbers. */
interface Case {
  readonly name: OperationName;
  /** Lengths of the arrays that its first arguments name. */
  readonly arrays: readonly number[];
  readonly rest: readonly number[];
  /** Arrays of ids below a bound (−1 among them), or of seeds, by their place in `arrays`. */
  readonly ids?: Readonly<Record<number, number>>;
}

const difference = ({ name, arrays, rest, ids = {} }: Case, random: SeededRandom): number => {
  const layout = new ArenaLayout();
  const places = arrays.map((length) => layout.array(length));
  const engine = inlineEngine();
  const region = engine.memory.region();
  const arena = region.f32(layout.length);
  places.forEach((place, index) => {
    const bound = ids[index];
    for (let k = 0; k < arrays[index]!; k++) {
      arena[place + k] = bound === undefined ? random.normal() : random.below(bound + 1) - 1;
    }
  });
  const plain = Float64Array.from(arena);
  const tape = new Tape();
  tape.push(name, ...places, ...rest);
  const words = region.f64(tape.words.length);
  words.set(tape.words);
  const { runTape } = engine.functions(neuralKernels, 'relaxed');
  runTape(region.bytes(1_000_000), arena.byteOffset, words.byteOffset, tape.operationCount);
  runReference(plain, tape.words);
  let largest = 0;
  places.forEach((place, index) => {
    for (let k = place; k < place + arrays[index]!; k++) {
      const off = Math.abs(arena[k]! - plain[k]!) / (1 + Math.abs(plain[k]!));
      largest = Number.isNaN(off) ? Number.POSITIVE_INFINITY : Math.max(largest, off);
    }
  });
  return largest;
};

const productOf = (m: number, n: number, depth: number, isFlipped: boolean): Case => ({
  name: 'addProduct',
  arrays: [],
  rest: isFlipped
    ? [m, n, depth, 0, 1, m, 20_000, 1, depth, 60_000, n]
    : [m, n, depth, 0, depth, 1, 20_000, n, 1, 60_000, n],
});

const productDifference = (wanted: Case, random: SeededRandom): number => {
  const engine = inlineEngine();
  const region = engine.memory.region();
  const arena = region.f32(80_000);
  for (let k = 0; k < arena.length; k++) arena[k] = random.normal();
  const plain = Float64Array.from(arena);
  const tape = new Tape();
  tape.push(wanted.name, ...wanted.rest);
  const words = region.f64(tape.words.length);
  words.set(tape.words);
  const { runTape } = engine.functions(neuralKernels, 'relaxed');
  runTape(region.bytes(100_000), arena.byteOffset, words.byteOffset, 1);
  runReference(plain, tape.words);
  return arena.reduce((most, value, k) => Math.max(most, Math.abs(value - plain[k]!)), 0);
};

describe('the kernel of a tape', () => {
  const seed = 20_261_128;
  const random = seededRandom(seed);

  for (const isFlipped of [false, true]) {
    it(`multiplies like the reference, ${isFlipped ? 'flipped' : 'by rows'} (seed ${seed})`, () => {
      const shapes = [
        [1, 1, 1],
        [4, 4, 1],
        [5, 7, 3],
        [64, 52, 130],
        [9, 96, 257],
        [128, 48, 64],
        [3, 100, 33],
      ] as const;
      for (const [m, n, depth] of shapes) {
        const off = productDifference(productOf(m, n, depth, isFlipped), random);
        expect(off, `${m} × ${n} × ${depth}`).toBeLessThan(2e-4);
      }
    });
  }

  const windows = [3, 8, 2, 4];
  const cases: readonly Case[] = [
    { name: 'zero', arrays: [20], rest: [20] },
    { name: 'add', arrays: [20, 20], rest: [20] },
    { name: 'fillRows', arrays: [8, 40], rest: [5, 8] },
    { name: 'addColumnSums', arrays: [40, 8], rest: [5, 8] },
    { name: 'norm', arrays: [40, 8, 8, 40, 10], rest: [5, 8] },
    { name: 'normBack', arrays: [40, 40, 8, 10, 40, 8, 8], rest: [5, 8] },
    { name: 'gelu', arrays: [40, 40], rest: [40] },
    { name: 'geluBack', arrays: [40, 40, 40], rest: [40] },
    { name: 'relu', arrays: [40, 40], rest: [40] },
    { name: 'reluBack', arrays: [40, 40, 40], rest: [40] },
    { name: 'gather', arrays: [40, 7, 56], rest: [7, 8], ids: { 1: 5 } },
    { name: 'scatter', arrays: [56, 7, 40], rest: [7, 8], ids: { 1: 5 } },
    { name: 'attention', arrays: [3 * 8 * 24, 16, 3 * 2 * 64, 3 * 8 * 8], rest: windows },
    { name: 'addMultiplied', arrays: [40, 40, 40], rest: [40] },
    { name: 'logistic', arrays: [40, 40, 40, 1], rest: [40, 0.5], ids: { 1: 1 } },
  ];
  for (const one of cases) {
    it(`does ${one.name} like the reference (seed ${seed})`, () => {
      expect(difference(one, random)).toBeLessThan(1e-4);
    });
  }

  it(`drops the same numbers as the reference (seed ${seed})`, () => {
    const engine = inlineEngine();
    const region = engine.memory.region();
    const arena = region.f32(2_048).fill(1);
    arena[2_000] = 12_345;
    const plain = Float64Array.from(arena);
    const tape = new Tape();
    tape.push('dropout', 0, 0, 2_000, 0.15, 2_000, 3);
    const words = region.f64(tape.words.length);
    words.set(tape.words);
    engine.functions(neuralKernels, 'relaxed').runTape(0, arena.byteOffset, words.byteOffset, 1);
    runReference(plain, tape.words);
    const kept = arena.subarray(0, 2_000).filter((value) => value > 0).length;
    expect(Math.abs(kept / 2_000 - 0.85)).toBeLessThan(0.03);
    expect(arena.every((value, k) => Math.abs(value - plain[k]!) < 1e-5)).toBe(true);
  });

  it(`takes cross-entropy and its gradients like the reference (seed ${seed})`, () => {
    const rows = 300;
    const arrays = [rows * 8, 12 * 8, 12, rows, rows * 8, 12 * 8, 12, 1];
    const layout = new ArenaLayout();
    const places = arrays.map((length) => layout.array(length));
    const [h, table, bias, targets, ...gradients] = places;
    const engine = inlineEngine();
    const region = engine.memory.region();
    const arena = region.f32(layout.length);
    for (let k = 0; k < arena.length; k++) arena[k] = random.normal();
    for (let row = 0; row < rows; row++) arena[targets! + row] = random.below(13) - 1;
    const plain = Float64Array.from(arena);
    const tape = new Tape();
    tape.push('softmaxHead', h!, rows, 8, table!, bias!, 12, targets!, ...gradients, 0.01);
    const words = region.f64(tape.words.length);
    words.set(tape.words);
    const { runTape } = engine.functions(neuralKernels, 'relaxed');
    runTape(region.bytes(100_000), arena.byteOffset, words.byteOffset, 1);
    runReference(plain, tape.words);
    arena.forEach((value, k) => {
      expect(Math.abs(value - plain[k]!)).toBeLessThan(1e-3 * (1 + Math.abs(plain[k]!) / 10));
    });
  });
});
