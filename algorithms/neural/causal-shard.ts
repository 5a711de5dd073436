/**
 * Half a step of the causal model's training: its tape, and what is laid into the tape's inputs before
 * each step. The softmax goes over all items, or over the step's candidates: their vectors and biases
 * are gathered into a table of their own, which the same head reads, and its gradient goes back the
 * same way. So what a position costs does not grow with the catalogue.
 */
import type { Histories } from '../histories/histories.ts';
import type { FitContext } from '../model/fit-context.ts';
import { type SeededRandom, seededRandom } from '../random/seeded-random.ts';
import { type CandidateSource, candidateRows } from './candidate-source.ts';
import {
  type CausalParameters,
  type CausalShape,
  tableRows,
  type WindowInputs,
  writeCausalNetwork,
} from './causal-network.ts';
import { NetworkWriter, type Rows, type WriterPlan } from './layers.ts';
import type { NetworkTraining } from './network-training.ts';
import { bucketOf, type WindowSource } from './sequence-windows.ts';
import type { Tape } from './tape.ts';

export interface CandidateInputs {
  readonly ids: number;
  readonly corrections: number;
  readonly count: number;
}

export interface Shard {
  readonly tape: Tape;
  readonly inputs: WindowInputs;
  readonly targets: number;
  /** null: all items. */
  readonly candidates: CandidateInputs | null;
  readonly seed: number;
  readonly loss: number;
  readonly windows: number;
}

export interface ShardPlan {
  readonly plan: WriterPlan;
  readonly windows: number;
  readonly scale: number;
  readonly sampledItems: number;
}

interface Head {
  readonly table: Rows;
  readonly bias: Rows;
}

export const writeShard = (
  network: CausalParameters,
  shape: CausalShape,
  { plan, windows, scale, sampledItems }: ShardPlan,
): Shard => {
  const writer = new NetworkWriter(plan);
  const count = windows * shape.length;
  const inputs = { items: writer.array(count), buckets: writer.array(count) };
  const targets = writer.array(count);
  const loss = writer.array(1);
  writer.push('zero', loss, 1);
  const h = writeCausalNetwork(writer, network, { shape, inputs, windows });
  const candidates = sampledItems > 0 ? candidateInputs(writer, count + sampledItems) : null;
  const head = candidates
    ? candidateHead(writer, network, { candidates, width: shape.width })
    : wholeHead(writer, network, shape);
  writer.softmaxHead(h, { ...head, targets, loss, scale });
  const tape = writer.finish('train');
  return { tape, inputs, targets, candidates, seed: plan.dropout.seed, loss, windows };
};

/** Rows of the table that a shard's softmax goes over. */
export const headRows = ({ candidates }: Shard, { itemCount }: CausalShape): number =>
  candidates?.count ?? tableRows(itemCount);

const wholeHead = (
  writer: NetworkWriter,
  { items, itemBias }: CausalParameters,
  { itemCount, width }: CausalShape,
): Head => {
  const count = tableRows(itemCount);
  return {
    table: { place: items, gradient: writer.gradientOf(items), count, width },
    bias: { place: itemBias, gradient: writer.gradientOf(itemBias), count, width: 1 },
  };
};

const candidateInputs = (writer: NetworkWriter, wanted: number): CandidateInputs => {
  const count = candidateRows(wanted);
  return { ids: writer.array(count), corrections: writer.array(count), count };
};

const candidateHead = (
  writer: NetworkWriter,
  { items, itemBias }: CausalParameters,
  { candidates, width }: { readonly candidates: CandidateInputs; readonly width: number },
): Head => {
  const { ids, corrections, count } = candidates;
  const table = writer.embedding(items, ids, { count, width });
  const bias = writer.column(itemBias, ids, count);
  writer.push('add', corrections, bias.place, count);
  return { table, bias };
};

export interface StepData {
  readonly histories: Histories;
  readonly source: WindowSource;
  readonly bounds: Float64Array;
  /** Where not all items are candidates. */
  readonly candidates: CandidateSource | null;
  readonly length: number;
  readonly context: FitContext;
}

/** Seeds of dropout are exact as f32. */
const SEED_BOUND = 2 ** 24;

/** Fills the inputs of a step; gives how many targets it has. */
export const loadStep = (
  training: NetworkTraining,
  shards: readonly Shard[],
  data: StepData,
): number => {
  const { arena } = training;
  const random = seededRandom(data.context.seed).fork(training.stepsDone + 1);
  let loaded = 0;
  for (const shard of shards) {
    arena[shard.seed] = random.below(SEED_BOUND);
    loaded += loadWindows(arena, shard, data, random);
    if (!shard.candidates || !data.candidates) continue;
    const { ids, corrections, count } = shard.candidates;
    data.candidates.draw(
      {
        targets: arena.subarray(shard.targets, shard.targets + shard.windows * data.length),
        ids: arena.subarray(ids, ids + count),
        corrections: arena.subarray(corrections, corrections + count),
      },
      random,
    );
  }
  return loaded;
};

const loadWindows = (
  arena: Float32Array,
  { inputs, targets, windows }: Shard,
  { histories, source, bounds, length }: StepData,
  random: SeededRandom,
): number => {
  let loaded = 0;
  for (let window = 0; window < windows; window++) {
    const { start, count } = source.draw(length, random);
    const at = window * length;
    loaded += count;
    for (let k = 0; k < length; k++) {
      const isThere = k < count;
      arena[inputs.items + at + k] = isThere ? histories.items[start + k]! : -1;
      arena[targets + at + k] = isThere ? histories.items[start + k + 1]! : -1;
      arena[inputs.buckets + at + k] =
        isThere && histories.times ? bucketOf(bounds, histories.times[start + k]!) : -1;
    }
  }
  return loaded;
};
