/**
 * NeuMF (He and others, 2017): a person's and an item's vectors multiplied number by number (GMF) beside
 * a small network over both vectors (MLP), their outputs added; trained to tell what somebody took from
 * `negatives` items that they did not. The network's first layer over both vectors laid side by side is
 * the sum of a layer over each (the two towers). Rows are whole vectors of four, so there are four
 * outputs that learn the same labels, and a score is their mean.
 *
 * Caveat: it knows people by index, so it holds a vector a person and cannot score a newcomer; it
 * stands here to be compared with, as the reproductions found it no better than a tuned dot product.
 */
import { checkHistories, type Histories } from '../histories/histories.ts';
import { type SparseRows, userItemsOf } from '../histories/user-items.ts';
import { inlineEngine, type KernelEngine } from '../kernels/kernel-engine.ts';
import { neuralKernels } from '../kernels/neural.ts';
import { type FitContext, pause } from '../model/fit-context.ts';
import { checkCount, checkNonNegative, checkPositive } from '../model/option-checks.ts';
import { type SeededRandom, seededRandom } from '../random/seeded-random.ts';
import { denseParameters, NetworkWriter, normal, Parameters, type Rows } from './layers.ts';
import {
  NetworkTraining,
  type OptimiserOptions,
  SHARDS,
  scratchBytes,
  shardPlan,
  trainingLayout,
} from './network-training.ts';
import { ArenaLayout, checkWidth } from './tape.ts';

export interface NeuMfOptions extends OptimiserOptions {
  /** Of each of the four kinds of vectors, and of the network's layers: 2·width, width. */
  readonly width: number;
  readonly negatives: number;
  readonly epochs: number;
  /** Pairs of a step, rounded up to whole fours a shard. */
  readonly batch: number;
}

/** The published shape; the batch is larger than the published 256, the rate with it. */
export const DEFAULT_NEUMF_OPTIONS: NeuMfOptions = {
  width: 32,
  negatives: 4,
  epochs: 10,
  batch: 4_096,
  rate: 3e-3,
  decay: 0.01,
};

const checkOptions = (options: NeuMfOptions): void => {
  checkCount('width', options.width);
  checkWidth('width', options.width);
  checkCount('negatives', options.negatives, 0);
  checkCount('epochs', options.epochs, 0);
  checkCount('batch', options.batch);
  checkPositive('rate', options.rate);
  checkNonNegative('decay', options.decay);
};

interface NeuMfShape {
  readonly userCount: number;
  readonly itemCount: number;
  readonly width: number;
}

const OUTPUTS = 4;
const VECTOR_DEVIATION = 0.05;

const neuMfParameters = ({ userCount, itemCount, width }: NeuMfShape) => {
  const parameters = new Parameters();
  const vectors = (count: number): number =>
    parameters.add(Math.max(count, 1) * width, normal(VECTOR_DEVIATION));
  const dense = (inputs: number, outputs: number) =>
    denseParameters(parameters, { inputs, outputs, gain: Math.SQRT2 });
  return {
    userFactors: vectors(userCount),
    itemFactors: vectors(itemCount),
    userVectors: vectors(userCount),
    itemVectors: vectors(itemCount),
    fromUser: dense(width, 2 * width),
    fromItem: dense(width, 2 * width),
    hidden: dense(2 * width, width),
    fromFactors: dense(width, OUTPUTS),
    fromHidden: dense(width, OUTPUTS),
    parameters,
  };
};

interface PairInputs {
  readonly users: number;
  readonly items: number;
}

const writeNeuMf = (
  writer: NetworkWriter,
  network: ReturnType<typeof neuMfParameters>,
  { inputs, count, width }: { inputs: PairInputs; count: number; width: number },
): Rows => {
  const size = { count, width };
  const factors = writer.product(
    writer.embedding(network.userFactors, inputs.users, size),
    writer.embedding(network.itemFactors, inputs.items, size),
  );
  const fromUser = writer.dense(
    writer.embedding(network.userVectors, inputs.users, size),
    network.fromUser,
  );
  const fromItem = writer.dense(
    writer.embedding(network.itemVectors, inputs.items, size),
    network.fromItem,
  );
  const first = writer.activation(writer.sum(fromUser, fromItem), 'relu');
  const second = writer.activation(writer.dense(first, network.hidden), 'relu');
  return writer.sum(
    writer.dense(factors, network.fromFactors),
    writer.dense(second, network.fromHidden),
  );
};

interface Shard {
  readonly inputs: PairInputs;
  readonly labels: number;
  readonly loss: number;
}

export const fitNeuMf = async (
  histories: Histories,
  options: NeuMfOptions,
  context: FitContext,
  engine: KernelEngine = inlineEngine(),
): Promise<NeuMf> => {
  checkOptions(options);
  checkHistories(histories);
  const { width } = options;
  const shape = { userCount: histories.userCount, itemCount: histories.itemCount, width };
  const network = neuMfParameters(shape);
  const { parameters } = network;
  using region = engine.memory.region();
  const layout = trainingLayout(parameters);
  const count = 4 * Math.ceil(options.batch / SHARDS / 4);
  const shards: (Shard & { tape: ReturnType<NetworkWriter['finish']> })[] = [];
  for (let shard = 0; shard < SHARDS; shard++) {
    const writer = new NetworkWriter(shardPlan(parameters, layout, { shard, rate: 0 }));
    const inputs = { users: writer.array(count), items: writer.array(count) };
    const labels = writer.array(count * OUTPUTS);
    const loss = writer.array(1);
    writer.push('zero', loss, 1);
    const outputs = writeNeuMf(writer, network, { inputs, count, width });
    writer.logistic(outputs, { labels, loss, scale: 1 / (SHARDS * count * OUTPUTS) });
    shards.push({ inputs, labels, loss, tape: writer.finish('train') });
  }
  const pairs = userItemsOf(histories);
  const perEpoch = (pairs.columns.length * (1 + options.negatives)) / (SHARDS * count);
  const stepCount = Math.ceil(options.epochs * perEpoch);
  const tapes = shards.map(({ tape }) => tape);
  const scratch = scratchBytes({ items: 0, width, length: 1 });
  const plan = {
    parameters,
    layout,
    tapes,
    losses: shards.map(({ loss }) => loss),
    scratchBytes: scratch,
    optimiser: options,
    stepCount,
  };
  const training = new NetworkTraining(plan, engine, region, context.seed);
  const owners = ownersOf(pairs);
  while (training.stepsDone < stepCount) {
    const random = seededRandom(context.seed).fork(training.stepsDone + 1);
    for (const shard of shards) {
      loadPairs(training.arena, shard, {
        pairs,
        owners,
        count,
        negatives: options.negatives,
        random,
      });
    }
    await training.step(context);
    await pause(context, training.stepsDone / stepCount);
  }
  return new NeuMf(shape, training.learned());
};

/** The row of each pair. */
const ownersOf = ({ rowCount, starts, columns }: SparseRows): Uint32Array => {
  const owners = new Uint32Array(columns.length);
  for (let row = 0; row < rowCount; row++) owners.fill(row, starts[row]!, starts[row + 1]!);
  return owners;
};

interface PairSource {
  readonly pairs: SparseRows;
  readonly owners: Uint32Array;
  readonly count: number;
  readonly negatives: number;
  readonly random: SeededRandom;
}

/** Each drawn pair stands for `negatives` others of the same person as well. */
const loadPairs = (arena: Float32Array, { inputs, labels }: Shard, source: PairSource): void => {
  const { pairs, owners, count, negatives, random } = source;
  for (let k = 0; k < count; k++) {
    const pair = random.below(pairs.columns.length);
    const user = owners[pair]!;
    const isPositive = random.below(1 + negatives) === 0;
    const other = isPositive ? -1 : strangerTo(pairs, user, random);
    arena[inputs.users + k] = user;
    arena[inputs.items + k] = other < 0 ? pairs.columns[pair]! : other;
    arena.fill(other < 0 ? 1 : 0, labels + OUTPUTS * k, labels + OUTPUTS * (k + 1));
  }
};

/** So often an item is drawn before somebody is taken to have everything. */
const ATTEMPTS = 50;

/** An item that the person has not met, or −1. */
const strangerTo = (pairs: SparseRows, user: number, random: SeededRandom): number => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const item = random.below(pairs.columnCount);
    if (!hasItem(pairs, user, item)) return item;
  }
  return -1;
};

const hasItem = ({ starts, columns }: SparseRows, user: number, item: number): boolean => {
  let low = starts[user]!;
  const end = starts[user + 1]!;
  let high = end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (columns[middle]! < item) low = middle + 1;
    else high = middle;
  }
  return low < end && columns[low] === item;
};

/** Items that are scored at a time. */
const ROWS_AT_ONCE = 512;

export class NeuMf {
  readonly #shape: NeuMfShape;
  readonly #arena: Float32Array;
  readonly #inputs: PairInputs;
  readonly #outputs: number;
  readonly #run: () => void;
  readonly sizeBytes: number;

  constructor(shape: NeuMfShape, values: Float32Array) {
    this.#shape = shape;
    this.sizeBytes = values.byteLength;
    const network = neuMfParameters(shape);
    const layout = new ArenaLayout();
    layout.array(network.parameters.length);
    const dropout = { rate: 0, seed: 0 };
    const writer = new NetworkWriter({ layout, gradientOffset: 0, dropout });
    this.#inputs = { users: writer.array(ROWS_AT_ONCE), items: writer.array(ROWS_AT_ONCE) };
    const { width } = shape;
    const size = { inputs: this.#inputs, count: ROWS_AT_ONCE, width };
    this.#outputs = writeNeuMf(writer, network, size).place;
    const tape = writer.finish('values');
    const engine = inlineEngine();
    const region = engine.memory.region();
    const scratch = region.bytes(scratchBytes({ items: 0, width, length: 1 }));
    const words = region.f64(tape.words.length);
    words.set(tape.words);
    this.#arena = region.f32(layout.length);
    this.#arena.set(values);
    const at = this.#arena.byteOffset;
    const { runTape } = engine.functions(neuralKernels, 'plain');
    this.#run = () => runTape(scratch, at, words.byteOffset, tape.operationCount);
  }

  get itemCount(): number {
    return this.#shape.itemCount;
  }

  /** A logit for each item; `user` is a row of the training data. */
  scoreUser(user: number, scores: Float64Array): void {
    const { itemCount } = this.#shape;
    this.#arena.fill(user, this.#inputs.users, this.#inputs.users + ROWS_AT_ONCE);
    for (let first = 0; first < itemCount; first += ROWS_AT_ONCE) {
      const count = Math.min(ROWS_AT_ONCE, itemCount - first);
      for (let k = 0; k < ROWS_AT_ONCE; k++) {
        this.#arena[this.#inputs.items + k] = k < count ? first + k : -1;
      }
      this.#run();
      for (let k = 0; k < count; k++) {
        const at = this.#outputs + OUTPUTS * k;
        let sum = 0;
        for (let output = 0; output < OUTPUTS; output++) sum += this.#arena[at + output]!;
        scores[first + k] = sum / OUTPUTS;
      }
    }
  }
}
