/**
 * NeuMF for one person at a time, over memory of its own: the trained network with a single row of
 * people, into which a known person's vectors are laid or a newcomer's are learned, everything else
 * held as it is.
 */
import { inlineEngine } from '../kernels/kernel-engine.ts';
import { neuralKernels } from '../kernels/neural.ts';
import { type SeededRandom, seededRandom } from '../random/seeded-random.ts';
import { NetworkWriter } from './layers.ts';
import { scratchBytes } from './network-training.ts';
import {
  type NeuMfParameters,
  neuMfParameters,
  OUTPUTS,
  type PairInputs,
  writeNeuMf,
} from './neumf-network.ts';
import type { PairArrays, PairSource } from './pair-source.ts';
import { ArenaLayout, type Tape } from './tape.ts';

/** Items that are scored at a time. */
const ROWS_AT_ONCE = 512;
/** Pairs of a step that learns a newcomer. */
const FOLD_IN_PAIRS = 128;
const BETA1 = 0.9;
const BETA2 = 0.98;

export interface FoldInPlan {
  readonly steps: number;
  readonly rate: number;
  readonly seed: number;
}

interface ReaderShape {
  readonly itemCount: number;
  readonly width: number;
}

/** Both vectors of one person, end to end. */
export type Person = Float32Array;

interface FoldInTape {
  readonly tape: Tape;
  readonly inputs: PairInputs;
  readonly labels: number;
}

export class NeuMfReader {
  readonly #shape: ReaderShape;
  readonly #network: NeuMfParameters;
  readonly #arena: Float32Array;
  readonly #scored: PairInputs;
  readonly #outputs: number;
  readonly #foldIn: FoldInTape;
  readonly #run: { readonly scoring: () => void; readonly foldIn: () => void };

  /** `shared`: the parameters before those of people. */
  constructor(shape: ReaderShape, shared: Float32Array) {
    this.#shape = shape;
    this.#network = neuMfParameters({ ...shape, userCount: 1 });
    const { length } = this.#network.parameters;
    const layout = new ArenaLayout();
    layout.array(2 * length);
    const plan = { layout, gradientOffset: length, dropout: { rate: 0, seed: 0 } };
    const writer = new NetworkWriter(plan);
    this.#scored = { users: writer.array(ROWS_AT_ONCE), items: writer.array(ROWS_AT_ONCE) };
    this.#outputs = this.#write(writer, this.#scored, ROWS_AT_ONCE).place;
    this.#foldIn = this.#writeFoldIn(new NetworkWriter(plan));
    const engine = inlineEngine();
    const region = engine.memory.region();
    const scratch = region.bytes(scratchBytes({ items: 0, width: shape.width, length: 1 }));
    this.#arena = region.f32(layout.length);
    this.#arena.set(shared);
    const { runTape } = engine.functions(neuralKernels, 'plain');
    const runnerOf = (tape: Tape): (() => void) => {
      const words = region.f64(tape.words.length);
      words.set(tape.words);
      const at = this.#arena.byteOffset;
      return () => runTape(scratch, at, words.byteOffset, tape.operationCount);
    };
    this.#run = { scoring: runnerOf(writer.finish('values')), foldIn: runnerOf(this.#foldIn.tape) };
  }

  #write(writer: NetworkWriter, inputs: PairInputs, count: number) {
    return writeNeuMf(writer, this.#network, { inputs, count, width: this.#shape.width });
  }

  #writeFoldIn(writer: NetworkWriter): FoldInTape {
    const inputs = { users: writer.array(FOLD_IN_PAIRS), items: writer.array(FOLD_IN_PAIRS) };
    const labels = writer.array(FOLD_IN_PAIRS * OUTPUTS);
    const loss = writer.array(1);
    const outputs = this.#write(writer, inputs, FOLD_IN_PAIRS);
    writer.logistic(outputs, { labels, loss, scale: 1 / (FOLD_IN_PAIRS * OUTPUTS) });
    return { tape: writer.finish('train'), inputs, labels };
  }

  #rowsOf(offset: number): readonly [Float32Array, Float32Array] {
    const { width } = this.#shape;
    const [factors, vectors] = [this.#network.userFactors, this.#network.userVectors];
    return [
      this.#arena.subarray(offset + factors, offset + factors + width),
      this.#arena.subarray(offset + vectors, offset + vectors + width),
    ];
  }

  #lay(person: Person): void {
    const { width } = this.#shape;
    const [factors, vectors] = this.#rowsOf(0);
    factors.set(person.subarray(0, width));
    vectors.set(person.subarray(width, 2 * width));
  }

  /** A logit for each of `count` items. */
  score(
    person: Person,
    { itemAt, count }: { readonly itemAt: (place: number) => number; readonly count: number },
    scores: Float64Array,
  ): void {
    this.#lay(person);
    const arena = this.#arena;
    arena.fill(0, this.#scored.users, this.#scored.users + ROWS_AT_ONCE);
    for (let first = 0; first < count; first += ROWS_AT_ONCE) {
      const rows = Math.min(ROWS_AT_ONCE, count - first);
      for (let k = 0; k < ROWS_AT_ONCE; k++) {
        arena[this.#scored.items + k] = k < rows ? itemAt(first + k) : -1;
      }
      this.#run.scoring();
      for (let k = 0; k < rows; k++) {
        const at = this.#outputs + OUTPUTS * k;
        let sum = 0;
        for (let output = 0; output < OUTPUTS; output++) sum += arena[at + output]!;
        scores[first + k] = sum / OUTPUTS;
      }
    }
  }

  /** A newcomer's vectors, learned from `start` on by Adam; `pairs` are theirs alone. */
  foldIn(start: Person, pairs: PairSource, { steps, rate, seed }: FoldInPlan): Person {
    const person = start.slice();
    if (pairs.count === 0) return person;
    const { length } = this.#network.parameters;
    const gradients = this.#arena.subarray(length, 2 * length);
    const arrays = this.#pairArrays();
    const random: SeededRandom = seededRandom(seed);
    const means = new Float64Array(person.length);
    const squares = new Float64Array(person.length);
    for (let step = 1; step <= steps; step++) {
      this.#lay(person);
      pairs.draw(arrays, random);
      gradients.fill(0);
      this.#run.foldIn();
      const gradient = Float32Array.from(this.#rowsOf(length).flatMap((row) => [...row]));
      for (let k = 0; k < person.length; k++) {
        means[k] = BETA1 * means[k]! + (1 - BETA1) * gradient[k]!;
        squares[k] = BETA2 * squares[k]! + (1 - BETA2) * gradient[k]! ** 2;
        const mean = means[k]! / (1 - BETA1 ** step);
        const root = Math.sqrt(squares[k]! / (1 - BETA2 ** step)) + 1e-8;
        person[k]! -= (rate * (1 - (step - 1) / steps) * mean) / root;
      }
    }
    return person;
  }

  #pairArrays(): PairArrays {
    const { inputs, labels } = this.#foldIn;
    const arrayAt = (place: number, length: number): Float32Array =>
      this.#arena.subarray(place, place + length);
    return {
      users: arrayAt(inputs.users, FOLD_IN_PAIRS),
      items: arrayAt(inputs.items, FOLD_IN_PAIRS),
      labels: arrayAt(labels, FOLD_IN_PAIRS * OUTPUTS),
    };
  }
}
