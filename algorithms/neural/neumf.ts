/**
 * NeuMF (He and others, 2017): a person's and an item's vectors multiplied number by number (GMF) beside
 * a small network over both vectors (MLP), their outputs added; trained to tell what somebody took from
 * `negatives` items that they did not. The network's first layer over both vectors laid side by side is
 * the sum of a layer over each (the two towers). Rows are whole vectors of four, so there are four
 * outputs that learn the same labels, and a score is their mean.
 *
 * Caveat: it holds vectors of the people it was trained on (`scoreUser`). Whoever else comes is folded
 * in by steps of gradient descent with the network held, which takes milliseconds where a linear model
 * takes microseconds. It stands here to be compared with, as the reproductions found it no better than
 * a tuned dot product.
 */
import {
  checkHistories,
  type Histories,
  type History,
  historiesOfRows,
} from '../histories/histories.ts';
import { userItemsOf } from '../histories/user-items.ts';
import { inlineEngine, type KernelEngine } from '../kernels/kernel-engine.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';
import { type FitContext, pause } from '../model/fit-context.ts';
import type { ItemModel } from '../model/item-model.ts';
import { arrayOf, decodeModel, encodeModel } from '../model/model-bytes.ts';
import { checkCount, checkNonNegative, checkPositive } from '../model/option-checks.ts';
import { seededRandom } from '../random/seeded-random.ts';
import { NetworkWriter } from './layers.ts';
import {
  NetworkTraining,
  type OptimiserOptions,
  SHARDS,
  scratchBytes,
  shardPlan,
  trainingLayout,
} from './network-training.ts';
import {
  type NeuMfParameters,
  type NeuMfShape,
  neuMfParameters,
  OUTPUTS,
  type PairInputs,
  writeNeuMf,
} from './neumf-network.ts';
import { NeuMfReader, type Person } from './neumf-reader.ts';
import { PairSource } from './pair-source.ts';
import { checkWidth } from './tape.ts';

export interface NeuMfOptions extends OptimiserOptions {
  /** Of each of the four kinds of vectors, and of the network's layers: 2·width, width. */
  readonly width: number;
  readonly negatives: number;
  readonly epochs: number;
  /** Pairs of a step, rounded up to whole fours a shard. */
  readonly batch: number;
  /** Steps in which a newcomer's vectors are learned, and their rate, which falls to 0. */
  readonly foldInSteps: number;
  readonly foldInRate: number;
}

/** The published shape; the batch is larger than the published 256, the rate with it. */
export const DEFAULT_NEUMF_OPTIONS: NeuMfOptions = {
  width: 32,
  negatives: 4,
  epochs: 10,
  batch: 4_096,
  rate: 3e-3,
  decay: 0.01,
  foldInSteps: 40,
  foldInRate: 0.05,
};

const checkOptions = (options: NeuMfOptions): void => {
  checkCount('width', options.width);
  checkWidth('width', options.width);
  checkCount('negatives', options.negatives, 0);
  checkCount('epochs', options.epochs, 0);
  checkCount('batch', options.batch);
  checkPositive('rate', options.rate);
  checkNonNegative('decay', options.decay);
  checkCount('foldInSteps', options.foldInSteps, 0);
  checkPositive('foldInRate', options.foldInRate);
};

const FORMAT = 'neumf/1';

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
  const pairs = new PairSource(userItemsOf(histories), options.negatives);
  const perEpoch = (pairs.count * (1 + options.negatives)) / (SHARDS * count);
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
  while (training.stepsDone < stepCount) {
    const random = seededRandom(context.seed).fork(training.stepsDone + 1);
    for (const { inputs, labels } of shards) {
      const arrayAt = (place: number, length: number): Float32Array =>
        training.arena.subarray(place, place + length);
      const arrays = {
        users: arrayAt(inputs.users, count),
        items: arrayAt(inputs.items, count),
        labels: arrayAt(labels, count * OUTPUTS),
      };
      pairs.draw(arrays, random);
    }
    await training.step(context);
    await pause(context, training.stepsDone / stepCount);
  }
  const values = training.learned();
  return new NeuMf({
    itemCount: shape.itemCount,
    options,
    seed: context.seed,
    shared: values.slice(0, network.userFactors),
    people: peopleOf(values, network, shape),
  });
};

/** What is kept of a fit: the network, and both vectors of each person end to end. */
interface Fitted {
  readonly itemCount: number;
  readonly options: NeuMfOptions;
  readonly seed: number;
  readonly shared: Float32Array;
  readonly people: Float32Array;
}

const peopleOf = (
  values: Float32Array,
  { userFactors, userVectors }: NeuMfParameters,
  { userCount, width }: NeuMfShape,
): Float32Array => {
  const people = new Float32Array(userCount * 2 * width);
  for (let user = 0; user < userCount; user++) {
    for (const [half, table] of [userFactors, userVectors].entries()) {
      const from = table + user * width;
      people.set(values.subarray(from, from + width), (2 * user + half) * width);
    }
  }
  return people;
};

export class NeuMf implements ItemModel {
  readonly itemCount: number;
  readonly userCount: number;
  readonly #fitted: Fitted;
  readonly #reader: NeuMfReader;
  /** Where a newcomer starts. */
  readonly #meanPerson: Person;

  constructor(fitted: Fitted) {
    const { itemCount, options, shared, people } = fitted;
    const { width } = options;
    const { userFactors: expected } = neuMfParameters({ itemCount, width, userCount: 1 });
    if (shared.length !== expected || people.length % (2 * width) !== 0) {
      const got = `${shared.length} and ${people.length}`;
      throw new AlgorithmError('bad_artifact', { expected: `${expected} parameters`, got });
    }
    this.itemCount = itemCount;
    this.userCount = people.length / (2 * width);
    this.#fitted = fitted;
    this.#reader = new NeuMfReader({ itemCount, width }, shared);
    const mean = new Float64Array(2 * width);
    people.forEach((value, k) => {
      mean[k % mean.length]! += value / this.userCount;
    });
    this.#meanPerson = Float32Array.from(mean);
  }

  get sizeBytes(): number {
    return this.#fitted.shared.byteLength + this.#fitted.people.byteLength;
  }

  /** A logit for each item, for somebody of the training data by their row there. */
  scoreUser(user: number, scores: Float64Array): void {
    if (!(Number.isSafeInteger(user) && user >= 0 && user < this.userCount)) {
      const expected = `a row of the training data, below ${this.userCount}`;
      throw new AlgorithmError('bad_data', { what: 'a person', expected, got: user });
    }
    const size = 2 * this.#fitted.options.width;
    const person = this.#fitted.people.subarray(user * size, (user + 1) * size);
    this.#reader.score(person, this.#allItems, scores);
  }

  /** The same for whoever comes: their vectors are learned from the history, the rest held. */
  score(history: History, scores: Float64Array): void {
    this.#reader.score(this.#foldIn(history), this.#allItems, scores);
  }

  /** The same for some items only, one score each. */
  scoreCandidates(history: History, items: ArrayLike<number>, scores: Float64Array): void {
    const asked = { itemAt: (place: number) => items[place]!, count: items.length };
    this.#reader.score(this.#foldIn(history), asked, scores);
  }

  get #allItems() {
    return { itemAt: (place: number) => place, count: this.itemCount };
  }

  #foldIn({ items, weights }: History): Person {
    const { options, seed } = this.#fitted;
    const isKnown = (item: number): boolean => item < this.itemCount;
    const known = items.filter(isKnown);
    const own: Histories = {
      ...historiesOfRows([known], this.itemCount),
      weights: weights?.filter((_, k) => isKnown(items[k]!)) ?? null,
    };
    const pairs = new PairSource(userItemsOf(own), options.negatives);
    const { foldInSteps: steps, foldInRate: rate } = options;
    return this.#reader.foldIn(this.#meanPerson, pairs, { steps, rate, seed });
  }

  serialise(): Uint8Array {
    const { itemCount, options, seed, shared, people } = this.#fitted;
    return encodeModel({
      format: FORMAT,
      facts: { itemCount, options, seed },
      arrays: { shared, people },
    });
  }

  static read(bytes: Uint8Array): NeuMf {
    const parts = decodeModel(bytes, FORMAT);
    return new NeuMf({
      itemCount: parts.facts.itemCount as number,
      options: parts.facts.options as NeuMfOptions,
      seed: parts.facts.seed as number,
      shared: arrayOf(parts, 'shared', 'f32'),
      people: arrayOf(parts, 'people', 'f32'),
    });
  }
}
