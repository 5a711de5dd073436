import { describe, expect, it } from 'vitest';
import { historiesOfRows } from '../histories/histories.ts';
import { inlineEngine } from '../kernels/kernel-engine.ts';
import { neuralKernels } from '../kernels/neural.ts';
import { seededRandom } from '../random/seeded-random.ts';
import { CandidateSource } from './candidate-source.ts';
import { type CausalShape, causalParameters, writeCausalNetwork } from './causal-network.ts';
import { writeShard } from './causal-shard.ts';
import { NetworkWriter } from './layers.ts';
import { ArenaLayout, type Tape } from './tape.ts';
import { runReference } from './tape-reference.ts';

const SHAPE: CausalShape = {
  itemCount: 7,
  width: 8,
  length: 4,
  blocks: 2,
  heads: 2,
  buckets: 3,
};
const WINDOWS = 3;
const SEED = 4;

interface Written {
  readonly tape: Tape;
  readonly arena: Float64Array;
  readonly parameterCount: number;
  readonly loss: number;
}

/**
 * Half a step of training with dropout, on random windows, the last of them shorter than the others,
 * against all items (0) or against its own targets and so many drawn.
 */
const written = (sampledItems: number): Written => {
  const network = causalParameters(SHAPE);
  const { length: parameterCount } = network.parameters;
  const layout = new ArenaLayout();
  layout.array(2 * parameterCount);
  const dropout = { rate: 0.2, seed: layout.array(1) };
  const plan = { layout, gradientOffset: parameterCount, dropout };
  const shard = writeShard(network, SHAPE, { plan, windows: WINDOWS, scale: 1, sampledItems });
  const { tape, inputs, targets, candidates, loss } = shard;
  const count = WINDOWS * SHAPE.length;
  const random = seededRandom(SEED);
  const arena = new Float64Array(layout.length);
  const values = new Float32Array(parameterCount);
  network.parameters.fill(values, random);
  arena.set(values);
  // Larger than at the start of a training, so that every part of a gradient counts.
  for (let k = 0; k < parameterCount; k++)
    arena[k]! += arena[k]! < -100 ? 0 : 0.2 * random.normal();
  arena[dropout.seed] = 77;
  for (let k = 0; k < count; k++) {
    const isThere = k < count - 2;
    arena[inputs.items + k] = isThere ? random.below(7) : -1;
    arena[inputs.buckets + k] = isThere ? random.below(3) : -1;
    arena[targets + k] = isThere ? random.below(7) : -1;
  }
  if (candidates) {
    const arrays = {
      targets: Float32Array.from(arena.subarray(targets, targets + count)),
      ids: new Float32Array(candidates.count),
      corrections: new Float32Array(candidates.count),
    };
    new CandidateSource(historiesOfRows([[0, 1, 1], [4]], 7)).draw(arrays, random);
    arena.set(arrays.targets, targets);
    arena.set(arrays.ids, candidates.ids);
    arena.set(arrays.corrections, candidates.corrections);
  }
  return { tape, arena, parameterCount, loss };
};

const run = ({ tape, arena, loss }: Written, change?: { at: number; by: number }) => {
  const copy = arena.slice();
  if (change) copy[change.at]! += change.by;
  runReference(copy, tape.words);
  return { arena: copy, loss: copy[loss]! };
};

describe('the causal network', () => {
  it.each([0, 3])(
    `has the gradient that its loss shows when a parameter moves, %i items drawn (seed ${SEED})`,
    (sampledItems) => {
      const network = written(sampledItems);
      const { parameterCount } = network;
      const { arena } = run(network);
      const random = seededRandom(SEED);
      const by = 1e-5;
      for (let trial = 0; trial < 250; trial++) {
        const at = random.below(parameterCount);
        const slope =
          (run(network, { at, by }).loss - run(network, { at, by: -by }).loss) / (2 * by);
        const gradient = arena[parameterCount + at]!;
        expect(Math.abs(gradient - slope), `parameter ${at}`).toBeLessThan(
          1e-5 * (1 + Math.abs(slope)),
        );
      }
    },
  );

  it.each([0, 3])(
    `does the same in the kernel as in the reference, %i items drawn (seed ${SEED})`,
    (sampledItems) => {
      const network = written(sampledItems);
      const plain = run(network).arena;
      for (const build of ['relaxed', 'plain'] as const) {
        const engine = inlineEngine();
        const region = engine.memory.region();
        const arena = region.copyF32(network.arena);
        const words = region.f64(network.tape.words.length);
        words.set(network.tape.words);
        const { runTape } = engine.functions(neuralKernels, build);
        const { operationCount } = network.tape;
        runTape(region.bytes(200_000), arena.byteOffset, words.byteOffset, operationCount);
        arena.forEach((value, k) => {
          expect(Math.abs(value - plain[k]!)).toBeLessThan(2e-4 * (1 + Math.abs(plain[k]!)));
        });
      }
    },
  );

  it('reads nothing of what comes later', () => {
    const { length, width } = SHAPE;
    const rowsWith = (lastItem: number): Float64Array => {
      const network = causalParameters(SHAPE);
      const layout = new ArenaLayout();
      layout.array(network.parameters.length);
      const plan = { layout, gradientOffset: 0, dropout: { rate: 0, seed: 0 } };
      const writer = new NetworkWriter(plan);
      const inputs = { items: writer.array(length), buckets: writer.array(length) };
      const { place } = writeCausalNetwork(writer, network, { shape: SHAPE, inputs, windows: 1 });
      const values = new Float32Array(network.parameters.length);
      network.parameters.fill(values, seededRandom(SEED));
      const arena = new Float64Array(layout.length);
      arena.set(values);
      arena.set([1, 2, 3, lastItem], inputs.items);
      runReference(arena, writer.finish('values').words);
      return arena.slice(place, place + length * width);
    };
    const [one, other] = [rowsWith(4), rowsWith(5)];
    const early = (length - 1) * width;
    expect(one.subarray(0, early)).toEqual(other.subarray(0, early));
    expect(one.subarray(early)).not.toEqual(other.subarray(early));
  });
});
