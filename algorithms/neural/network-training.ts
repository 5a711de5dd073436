/**
 * Training of a network whose tapes are written: each step runs one tape for each shard of the batch,
 * in one wave, then AdamW (Loshchilov and Hutter, 2019) on slices of the parameters, in another. The
 * number of shards is fixed, each has a gradient of its own, and these are summed in order: so the
 * bits of a step do not depend on how many threads share it. A run whose loss is no number any more is
 * refused at that step, not after the minutes that it would still take.
 *
 * In the arena: parameters, their means, their squares, a gradient a shard, then everything else.
 */
import type { KernelEngine } from '../kernels/kernel-engine.ts';
import type { KernelRegion } from '../kernels/kernel-memory.ts';
import { neuralKernels } from '../kernels/neural.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';
import type { FitContext } from '../model/fit-context.ts';
import { seededRandom } from '../random/seeded-random.ts';
import type { Parameters, WriterPlan } from './layers.ts';
import { ArenaLayout, type Tape } from './tape.ts';

export const SHARDS = 2;

/** One thread's arrays: a piece of a product (24 KB), a square of attention, 128 rows of the head. */
export const scratchBytes = (shape: {
  readonly items: number;
  readonly width: number;
  readonly length: number;
}): number =>
  24_576 + 4 * Math.max(shape.length ** 2, 128 * (1 + 2 * shape.width + shape.items)) + 64;

/** The layout that a network's writers share, with the parameters' own arrays taken. */
export const trainingLayout = (parameters: Parameters): ArenaLayout => {
  const layout = new ArenaLayout();
  layout.array((3 + SHARDS) * parameters.length);
  return layout;
};

export const shardPlan = (
  parameters: Parameters,
  layout: ArenaLayout,
  { shard, rate }: { readonly shard: number; readonly rate: number },
): WriterPlan => ({
  layout,
  gradientOffset: (3 + shard) * parameters.length,
  dropout: { rate, seed: layout.array(1) },
});

export interface OptimiserOptions {
  readonly rate: number;
  readonly decay: number;
}

const BETA1 = 0.9;
const BETA2 = 0.98;
const WARM_UP = 0.03;

/** Rises over the first steps, then falls to 0 along half a cosine. */
export const rateAt = (step: number, steps: number, rate: number): number => {
  const warm = Math.ceil(steps * WARM_UP);
  if (step < warm) return (rate * (step + 1)) / warm;
  return (rate * (1 + Math.cos((Math.PI * (step - warm)) / Math.max(steps - warm, 1)))) / 2;
};

export interface TrainingPlan {
  readonly parameters: Parameters;
  readonly layout: ArenaLayout;
  readonly tapes: readonly Tape[];
  /** Where each tape leaves the loss of its step, a sum over what it was asked. */
  readonly losses: readonly number[];
  readonly scratchBytes: number;
  readonly optimiser: OptimiserOptions;
  readonly stepCount: number;
}

/** Slices of the parameters for the optimiser: enough for any number of threads. */
const SLICE = 65_536;

export class NetworkTraining {
  readonly arena: Float32Array;
  readonly #plan: TrainingPlan;
  readonly #engine: KernelEngine;
  readonly #tapeCalls: readonly (readonly number[])[];
  #step = 0;

  constructor(plan: TrainingPlan, engine: KernelEngine, region: KernelRegion, seed: number) {
    this.#plan = plan;
    this.#engine = engine;
    this.arena = region.f32(plan.layout.length);
    plan.parameters.fill(this.arena, seededRandom(seed));
    this.#tapeCalls = plan.tapes.map((tape) => {
      const words = region.f64(tape.words.length);
      words.set(tape.words);
      return [this.arena.byteOffset, words.byteOffset, tape.operationCount];
    });
  }

  get stepsDone(): number {
    return this.#step;
  }

  /** The loss of the last step, a sum over what it was asked. */
  get loss(): number {
    return this.#plan.losses.reduce((sum, place) => sum + this.arena[place]!, 0);
  }

  get #values(): Float32Array {
    return this.arena.subarray(0, this.#plan.parameters.length);
  }

  /** What a run that goes on needs: parameters, means and squares, a view. */
  get state(): Float32Array {
    return this.arena.subarray(0, 3 * this.#plan.parameters.length);
  }

  resume(state: Float32Array, stepsDone: number): void {
    this.state.set(state);
    this.#step = stepsDone;
  }

  /** One step on what lies in the arena's inputs. */
  async step(context: FitContext): Promise<void> {
    const quiet = { seed: context.seed, signal: context.signal };
    await this.#engine.run(
      {
        module: neuralKernels,
        build: 'relaxed',
        kernel: 'runTape',
        calls: this.#tapeCalls,
        scratchBytes: this.#plan.scratchBytes,
      },
      quiet,
    );
    await this.#engine.run(
      { module: neuralKernels, build: 'relaxed', kernel: 'adamStep', calls: this.#adamCalls() },
      quiet,
    );
    this.#step += 1;
    if (!Number.isFinite(this.loss)) this.#refuse();
  }

  /** The learned numbers of a run that is over, a copy. */
  learned(): Float32Array {
    if (!this.#values.every(Number.isFinite)) this.#refuse();
    return this.#values.slice();
  }

  #refuse(): never {
    throw new AlgorithmError('bad_option', {
      name: 'rate',
      expected: `a step at which training converges (it did not at step ${this.#step})`,
      got: this.#plan.optimiser.rate,
    });
  }

  #adamCalls(): number[][] {
    const { parameters, optimiser, stepCount, tapes } = this.#plan;
    const { length } = parameters;
    const rate = rateAt(this.#step, stepCount, optimiser.rate);
    const count = this.#step + 1;
    const settings = [
      rate / (1 - BETA1 ** count),
      Math.sqrt(1 - BETA2 ** count),
      1 - rate * optimiser.decay,
      BETA1,
      BETA2,
    ];
    const addressOf = (place: number): number => this.arena.byteOffset + 4 * place;
    const calls: number[][] = [];
    for (let from = 0; from < length; from += SLICE) {
      calls.push([
        addressOf(from),
        addressOf(3 * length + from),
        tapes.length,
        4 * length,
        addressOf(length + from),
        addressOf(2 * length + from),
        Math.min(SLICE, length - from),
        ...settings,
      ]);
    }
    return calls;
  }
}
