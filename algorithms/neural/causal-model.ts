/**
 * A small causal sequence model in the manner of SASRec (Kang and McAuley, 2018) with the changes that
 * made it strong again: softmax over all items (Klenitskiy and Vasilev, 2023), pre-norm blocks, and a
 * learned bias for distances instead of places. It reads the newest `length` events of a history and
 * scores what comes next.
 *
 * Cost: about 2·I·d·3 + 600·d² floating-point operations a position in training (I items, width d):
 * 2 million for 3,416 items and d = 64. Serving: one window forward and a product an item.
 * Caveat: sees nothing older than its window, and needs minutes where linear models need seconds.
 */
import { checkHistories, type Histories, type History } from '../histories/histories.ts';
import { inlineEngine, type KernelEngine } from '../kernels/kernel-engine.ts';
import { neuralKernels } from '../kernels/neural.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';
import { type FitContext, pause } from '../model/fit-context.ts';
import type { ItemModel } from '../model/item-model.ts';
import { arrayOf, decodeModel, encodeModel } from '../model/model-bytes.ts';
import { checkCount, checkNonNegative, checkPositive, checkRange } from '../model/option-checks.ts';
import { CandidateSource } from './candidate-source.ts';
import {
  type CausalParameters,
  type CausalShape,
  causalParameters,
  type WindowInputs,
  writeCausalNetwork,
} from './causal-network.ts';
import { headRows, loadStep, writeShard } from './causal-shard.ts';
import { NetworkWriter } from './layers.ts';
import {
  NetworkTraining,
  type OptimiserOptions,
  SHARDS,
  scratchBytes,
  shardPlan,
  trainingLayout,
} from './network-training.ts';
import { bucketOf, calendarBounds, WindowSource } from './sequence-windows.ts';
import { ArenaLayout, checkWidth } from './tape.ts';

export interface CausalOptions extends OptimiserOptions {
  readonly width: number;
  /** Events of a window. */
  readonly length: number;
  readonly blocks: number;
  readonly heads: number;
  readonly dropout: number;
  /** Calendar buckets, used where the histories have times. */
  readonly buckets: number;
  readonly windowsPerStep: number;
  /**
   * 0: the softmax goes over all items. Else over the targets of half a step and items drawn evenly,
   * so many more than a half step has places; that pays from about 10,000 items on.
   */
  readonly sampledItems: number;
  /** Events to learn from in all; how long a fit takes is in proportion. */
  readonly positions: number;
}

export const DEFAULT_CAUSAL_OPTIONS: CausalOptions = {
  width: 64,
  length: 64,
  blocks: 2,
  heads: 2,
  dropout: 0.15,
  buckets: 64,
  windowsPerStep: 64,
  sampledItems: 0,
  positions: 20_700_000,
  rate: 2.5e-3,
  decay: 0.01,
};

export const checkCausalOptions = (options: CausalOptions): void => {
  for (const name of ['width', 'length', 'blocks', 'heads', 'windowsPerStep'] as const) {
    checkCount(name, options[name]);
  }
  checkCount('buckets', options.buckets, 0);
  checkCount('sampledItems', options.sampledItems, 0);
  checkWidth('length', options.length);
  checkWidth('width ÷ heads', options.width / options.heads);
  checkRange('dropout', options.dropout, { min: 0, max: 0.9 });
  checkNonNegative('positions', options.positions);
  checkPositive('rate', options.rate);
  checkNonNegative('decay', options.decay);
};

/** How far a fit is, for a run that stops and goes on. */
export interface Checkpoint {
  readonly stepsDone: number;
  /** Cross-entropy in nats a target, the mean since the checkpoint before. */
  readonly loss: number;
  /** Parameters and what the optimiser keeps of each. */
  readonly state: Float32Array;
}

export interface CausalFitting {
  /** Who runs the kernels; the calling thread unless told. */
  readonly engine?: KernelEngine;
  readonly from?: Checkpoint;
  /** Called every `checkpointEvery` steps with a copy. */
  readonly onCheckpoint?: (checkpoint: Checkpoint) => void;
  readonly checkpointEvery?: number;
}

const FORMAT = 'causal/1';

export const fitCausal = async (
  histories: Histories,
  options: CausalOptions,
  context: FitContext,
  fitting: CausalFitting = {},
): Promise<CausalModel> => {
  checkCausalOptions(options);
  checkHistories(histories);
  const bounds = calendarBounds(histories.times, options.buckets);
  const shape: CausalShape = {
    ...options,
    itemCount: histories.itemCount,
    buckets: histories.times ? bounds.length + 1 : 0,
  };
  const network = causalParameters(shape);
  const { engine = inlineEngine() } = fitting;
  using region = engine.memory.region();
  const layout = trainingLayout(network.parameters);
  const windows = Math.ceil(options.windowsPerStep / SHARDS);
  const shards = Array.from({ length: SHARDS }, (_, shard) =>
    writeShard(network, shape, {
      plan: shardPlan(network.parameters, layout, { shard, rate: options.dropout }),
      windows,
      scale: 1 / (SHARDS * windows * options.length),
      sampledItems: options.sampledItems,
    }),
  );
  const stepCount = Math.ceil(options.positions / (SHARDS * windows * options.length));
  const plan = {
    parameters: network.parameters,
    layout,
    tapes: shards.map(({ tape }) => tape),
    losses: shards.map(({ loss }) => loss),
    scratchBytes: scratchBytes({ ...shape, items: headRows(shards[0]!, shape) }),
    optimiser: options,
    stepCount,
  };
  const training = new NetworkTraining(plan, engine, region, context.seed);
  if (fitting.from) training.resume(fitting.from.state, fitting.from.stepsDone);
  const source = new WindowSource(histories);
  const candidates = options.sampledItems > 0 ? new CandidateSource(histories) : null;
  const { checkpointEvery = Number.POSITIVE_INFINITY } = fitting;
  const since = { loss: 0, targets: 0 };
  while (source.targetCount > 0 && training.stepsDone < stepCount) {
    const data = { histories, source, bounds, candidates, length: options.length, context };
    since.targets += loadStep(training, shards, data);
    await training.step(context);
    since.loss += training.loss;
    if (training.stepsDone % checkpointEvery === 0) {
      fitting.onCheckpoint?.({
        stepsDone: training.stepsDone,
        loss: since.loss / since.targets,
        state: training.state.slice(),
      });
      Object.assign(since, { loss: 0, targets: 0 });
    }
    await pause(context, training.stepsDone / stepCount);
  }
  return new CausalModel(shape, bounds, training.learned());
};

/** One window's forward pass, over memory of its own. */
class CausalReader {
  readonly #run: () => void;
  readonly #arena: Float32Array;
  readonly #inputs: WindowInputs;
  readonly #rows: number;
  readonly #shape: CausalShape;

  constructor(shape: CausalShape, values: Float32Array) {
    const network = causalParameters(shape);
    const layout = new ArenaLayout();
    layout.array(network.parameters.length);
    const dropout = { rate: 0, seed: 0 };
    const writer = new NetworkWriter({ layout, gradientOffset: 0, dropout });
    this.#inputs = { items: writer.array(shape.length), buckets: writer.array(shape.length) };
    const { place } = writeCausalNetwork(writer, network, {
      shape,
      inputs: this.#inputs,
      windows: 1,
    });
    const tape = writer.finish('values');
    const engine = inlineEngine();
    const region = engine.memory.region();
    const scratch = region.bytes(scratchBytes({ ...shape, items: 0 }));
    const words = region.f64(tape.words.length);
    words.set(tape.words);
    this.#arena = region.f32(layout.length);
    this.#arena.set(values);
    this.#rows = place;
    this.#shape = shape;
    const { runTape } = engine.functions(neuralKernels, 'plain');
    const at = this.#arena.byteOffset;
    this.#run = () => runTape(scratch, at, words.byteOffset, tape.operationCount);
  }

  /** The last row for a history that is not empty. */
  read({ items, times }: History, bounds: Float64Array): Float32Array {
    const { length, width, buckets } = this.#shape;
    const count = Math.min(items.length, length);
    const first = items.length - count;
    for (let k = 0; k < length; k++) {
      const isThere = k < count;
      this.#arena[this.#inputs.items + k] = isThere ? items[first + k]! : -1;
      this.#arena[this.#inputs.buckets + k] =
        isThere && times && buckets > 0 ? bucketOf(bounds, times[first + k]!) : -1;
    }
    this.#run();
    const at = this.#rows + (count - 1) * width;
    return this.#arena.subarray(at, at + width);
  }
}

export class CausalModel implements ItemModel {
  readonly #shape: CausalShape;
  readonly #bounds: Float64Array;
  readonly #values: Float32Array;
  readonly #network: CausalParameters;
  #reader: CausalReader | null = null;

  constructor(shape: CausalShape, bounds: Float64Array, values: Float32Array) {
    this.#shape = shape;
    this.#bounds = bounds;
    this.#values = values;
    this.#network = causalParameters(shape);
    if (values.length !== this.#network.parameters.length) {
      const expected = `${this.#network.parameters.length} parameters`;
      throw new AlgorithmError('bad_artifact', { expected, got: values.length });
    }
  }

  get itemCount(): number {
    return this.#shape.itemCount;
  }

  get sizeBytes(): number {
    return this.#values.byteLength + this.#bounds.byteLength;
  }

  /** Logits: their softmax is the share of each item as the next one. No history: the bias alone. */
  score(history: History, scores: Float64Array): void {
    this.#scoreInto(history, scores, (place) => place, this.itemCount);
  }

  /** The same for some items only, one score each. */
  scoreCandidates(history: History, items: ArrayLike<number>, scores: Float64Array): void {
    this.#scoreInto(history, scores, (place) => items[place]!, items.length);
  }

  #scoreInto(
    history: History,
    scores: Float64Array,
    itemAt: (place: number) => number,
    count: number,
  ): void {
    const { width } = this.#shape;
    const row = history.items.length > 0 ? this.#lastRow(history) : new Float32Array(width);
    for (let place = 0; place < count; place++) {
      const item = itemAt(place);
      const at = this.#network.items + item * width;
      let sum = this.#values[this.#network.itemBias + item]!;
      for (let k = 0; k < width; k++) sum += row[k]! * this.#values[at + k]!;
      scores[place] = sum;
    }
  }

  #lastRow(history: History): Float32Array {
    this.#reader ??= new CausalReader(this.#shape, this.#values);
    return this.#reader.read(history, this.#bounds);
  }

  serialise(): Uint8Array {
    const { itemCount, width, length, blocks, heads, buckets } = this.#shape;
    return encodeModel({
      format: FORMAT,
      facts: { itemCount, width, length, blocks, heads, buckets },
      arrays: { values: this.#values, bounds: this.#bounds },
    });
  }

  static read(bytes: Uint8Array): CausalModel {
    const parts = decodeModel(bytes, FORMAT);
    const count = (name: keyof CausalShape): number => {
      const value = parts.facts[name];
      if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
      throw new AlgorithmError('bad_artifact', { expected: `a count ${name}`, got: value });
    };
    const shape: CausalShape = {
      itemCount: count('itemCount'),
      width: count('width'),
      length: count('length'),
      blocks: count('blocks'),
      heads: count('heads'),
      buckets: count('buckets'),
    };
    return new CausalModel(shape, arrayOf(parts, 'bounds', 'f64'), arrayOf(parts, 'values', 'f32'));
  }
}
