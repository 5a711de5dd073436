/**
 * Skip-gram with negative sampling: item vectors such that what stands near an item in a sequence
 * can be told from what does not. Every centre draws a window, meets its context (see `step-plan`)
 * and wrong items, and the vectors are moved by stochastic gradient with a rate that falls in a
 * line. Sequences are shuffled anew each epoch.
 *
 * Steps are learned one after the other, so the same seed gives the same bits on the same machine;
 * the kernel's fused steps may round otherwise on another one (training only; what is stored is the
 * result). Cost an event and epoch: about window · (1 + negatives) · dimensions · 3 multiply-adds.
 */
import { inlineEngine, type KernelEngine } from '../kernels/kernel-engine.ts';
import { skipGramKernels } from '../kernels/skip-gram.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';
import { type FitContext, pause } from '../model/fit-context.ts';
import { type SeededRandom, seededRandom, shuffle } from '../random/seeded-random.ts';
import { Noise } from './noise.ts';
import { checkSkipGramOptions, type SkipGramOptions } from './skip-gram-options.ts';
import { StepPlan, stepLengthOf, stepsPerCentre } from './step-plan.ts';

/** Sequences laid end to end; row r is items[starts[r] … starts[r + 1]). */
export interface ItemSequences {
  readonly itemCount: number;
  readonly starts: Uint32Array;
  readonly items: Uint32Array;
}

/** Rows of `rowLength` numbers, one an item and one more of zeros for unused inputs. */
export interface SkipGramTables {
  readonly inputs: Float32Array;
  readonly outputs: Float32Array;
  readonly rowLength: number;
}

/** What learns steps: where its tables and its plan lie, and the learning itself. */
export interface OpenLearner {
  readonly tables: SkipGramTables;
  readonly plan: Uint32Array;
  learn(
    plan: Uint32Array,
    steps: { readonly stepCount: number; readonly stepLength: number; readonly rate: number },
  ): void;
  release(): void;
}

export type StepLearner = (size: {
  readonly rowCount: number;
  readonly rowLength: number;
  readonly planLength: number;
  readonly stepLength: number;
}) => OpenLearner;

/** Of the kernel's scratch space, for each output of a step. */
const SCRATCH_BYTES = 32;

/** The learner that is used: the kernel, over an engine's memory, on the calling thread. */
export const kernelLearner =
  (engine: KernelEngine = inlineEngine()): StepLearner =>
  ({ rowCount, rowLength, planLength, stepLength }) => {
    const region = engine.memory.region();
    const plan = region.u32(planLength);
    const scratch = region.bytes(stepLength * SCRATCH_BYTES);
    const inputs = region.f32(rowCount * rowLength);
    const outputs = region.f32(rowCount * rowLength);
    const kernels = engine.functions(skipGramKernels, 'relaxed');
    return {
      tables: { inputs, outputs, rowLength },
      plan,
      learn(_, { stepCount, stepLength, rate }) {
        kernels.learn(
          scratch,
          plan.byteOffset,
          stepCount,
          stepLength,
          inputs.byteOffset,
          outputs.byteOffset,
          rowLength * 4,
          rate,
        );
      },
      release: () => region.release(),
    };
  };

export interface SkipGramVectors {
  readonly dimensions: number;
  /** Row-major, `dimensions` numbers an item; zeros for an item that no sequence holds. */
  readonly inputs: Float32Array;
  readonly outputs: Float32Array;
  /** How often each item occurs in the sequences. */
  readonly counts: Float64Array;
}

/** A plan is learned once it holds about so many steps: few calls, and a rate that hardly moves. */
const STEPS_PER_PLAN = 2000;
const LANES = 4;

const countsOf = ({ itemCount, items }: ItemSequences): Float64Array => {
  const counts = new Float64Array(itemCount);
  for (let k = 0; k < items.length; k++) counts[items[k]!]! += 1;
  return counts;
};

/** Learns the vectors; `progress` never falls and ends at 1. */
export const trainSkipGram = async (
  sequences: ItemSequences,
  options: SkipGramOptions,
  context: FitContext,
  learner: StepLearner = kernelLearner(),
): Promise<SkipGramVectors> => {
  checkSkipGramOptions(options);
  const { itemCount } = sequences;
  const rowLength = Math.ceil(options.dimensions / LANES) * LANES;
  const stepLength = stepLengthOf(options.negatives);
  const capacity = STEPS_PER_PLAN + stepsPerCentre(options.window);
  const planLength = capacity * stepLength;
  const open = learner({ rowCount: itemCount + 1, rowLength, planLength, stepLength });
  try {
    const counts = countsOf(sequences);
    const random = seededRandom(context.seed);
    startVectors(open.tables, counts, options.dimensions, random.fork(1));
    const noise = new Noise(counts, options.negativeExponent);
    const settings = { ...options, unused: itemCount, capacity };
    const plan = new StepPlan(open.plan, settings, noise);
    await learnAll({ sequences, counts, options, open, plan }, random.fork(2), context);
    return checkFinite(vectorsOf(open.tables, counts, options.dimensions));
  } finally {
    open.release();
  }
};

/** Inputs small and random, outputs 0, as in word2vec. */
const startVectors = (
  { inputs, rowLength }: SkipGramTables,
  counts: Float64Array,
  dimensions: number,
  random: SeededRandom,
): void => {
  for (let item = 0; item < counts.length; item++) {
    if (counts[item] === 0) continue;
    for (let k = 0; k < dimensions; k++) {
      inputs[item * rowLength + k] = (random.next() - 0.5) / dimensions;
    }
  }
};

interface Training {
  readonly sequences: ItemSequences;
  readonly counts: Float64Array;
  readonly options: SkipGramOptions;
  readonly open: OpenLearner;
  readonly plan: StepPlan;
}

const learnAll = async (
  { sequences, counts, options, open, plan }: Training,
  random: SeededRandom,
  context: FitContext,
): Promise<void> => {
  const { starts, items } = sequences;
  const total = items.length * options.epochs;
  const order = Uint32Array.from({ length: starts.length - 1 }, (_, row) => row);
  const kept = new Uint32Array(longestOf(starts));
  const keeps = keepShares(counts, items.length, options.subsampling);
  let met = 0;
  const flush = async (): Promise<void> => {
    const share = total === 0 ? 1 : met / total;
    const rate = options.rate + (options.lastRate - options.rate) * share;
    const { stepCount, stepLength } = plan;
    open.learn(open.plan, { stepCount, stepLength, rate });
    plan.clear();
    await pause(context, share);
  };
  for (let epoch = 0; epoch < options.epochs; epoch++) {
    shuffle(order, random);
    for (const row of order) {
      const length = keepSome(items.subarray(starts[row]!, starts[row + 1]!), kept, keeps, random);
      for (let place = 0; place < length; place++) {
        plan.addCentre(kept, length, { place, random });
        if (!plan.isFull) continue;
        await flush();
      }
      met += starts[row + 1]! - starts[row]!;
    }
  }
  await flush();
};

const longestOf = (starts: Uint32Array): number => {
  let longest = 0;
  for (let row = 1; row < starts.length; row++) {
    longest = Math.max(longest, starts[row]! - starts[row - 1]!);
  }
  return longest;
};

/** With what probability an occurrence of each item stays; null where all do. */
const keepShares = (
  counts: Float64Array,
  total: number,
  threshold: number,
): Float64Array | null => {
  if (threshold === 0) return null;
  return counts.map((count) => {
    const ratio = (threshold * total) / Math.max(count, 1);
    return Math.min(Math.sqrt(ratio) + ratio, 1);
  });
};

/** Copies what stays of a sequence into `kept`; gives its length. */
const keepSome = (
  sequence: Uint32Array,
  kept: Uint32Array,
  keeps: Float64Array | null,
  random: SeededRandom,
): number => {
  if (!keeps) {
    kept.set(sequence);
    return sequence.length;
  }
  let length = 0;
  for (const item of sequence) {
    if (random.next() < keeps[item]!) kept[length++] = item;
  }
  return length;
};

/** A rate that is too large makes vectors grow without end. */
const checkFinite = (vectors: SkipGramVectors): SkipGramVectors => {
  const holdsNumbers = (table: Float32Array): boolean => table.every(Number.isFinite);
  if (holdsNumbers(vectors.inputs) && holdsNumbers(vectors.outputs)) return vectors;
  throw new AlgorithmError('bad_data', {
    what: 'the learned vectors',
    expected: 'finite, for which the rate must be lower',
    got: 'numbers without end',
  });
};

const vectorsOf = (
  { inputs, outputs, rowLength }: SkipGramTables,
  counts: Float64Array,
  dimensions: number,
): SkipGramVectors => {
  const packed = (table: Float32Array): Float32Array => {
    const rows = new Float32Array(counts.length * dimensions);
    for (let item = 0; item < counts.length; item++) {
      const start = item * rowLength;
      rows.set(table.subarray(start, start + dimensions), item * dimensions);
    }
    return rows;
  };
  return { dimensions, inputs: packed(inputs), outputs: packed(outputs), counts };
};
