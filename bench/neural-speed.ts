/**
 * How fast networks are: the product that they stand on, positions of the causal model in training on
 * one thread and on two (the same bits), a sampled softmax beside the full one on a larger catalogue,
 * and 500 candidates scored by a trained one. The catalogue has MovieLens 1M's size elsewhere; the
 * sequences are random, since speed does not depend on what is learned.
 */
import { historiesOfRows, historyOfItems } from '../algorithms/histories/histories.ts';
import { inlineEngine, type KernelEngine } from '../algorithms/kernels/kernel-engine.ts';
import { KernelPool } from '../algorithms/kernels/kernel-pool.ts';
import { neuralKernels } from '../algorithms/kernels/neural.ts';
import {
  type CausalModel,
  DEFAULT_CAUSAL_OPTIONS,
  fitCausal,
} from '../algorithms/neural/causal-model.ts';
import { Tape } from '../algorithms/neural/tape.ts';
import { runReference } from '../algorithms/neural/tape-reference.ts';
import { seededRandom } from '../algorithms/random/seeded-random.ts';
import type { Benchmark, Figure } from './result.ts';

const SEED = 1;
const ITEMS = 3_416;
const STEPS = 20;
const MANY_ITEMS = 20_000;
const MANY_ITEMS_STEPS = 6;
const SAMPLED_ITEMS = 512;
const CANDIDATES = 500;

const msOf = (work: () => void, times: number): number => {
  work();
  const start = performance.now();
  for (let k = 0; k < times; k++) work();
  return (performance.now() - start) / times;
};

/** The shape of the output layer: 128 rows of 64 against all items. */
const productFigures = (): Figure[] => {
  const [m, n, depth] = [128, ITEMS, 64];
  const [b, c] = [m * depth, m * depth + n * depth];
  const engine = inlineEngine();
  const region = engine.memory.region();
  const arena = region.f32(c + m * n);
  const tape = new Tape();
  tape.push('addProduct', m, n, depth, 0, depth, 1, b, 1, depth, c, n);
  const words = region.f64(tape.words.length);
  words.set(tape.words);
  const scratch = region.bytes(24_576);
  const { runTape } = engine.functions(neuralKernels, 'relaxed');
  const ms = msOf(() => runTape(scratch, arena.byteOffset, words.byteOffset, 1), 60);
  const plain = new Float32Array(arena.length);
  const plainMs = msOf(() => runReference(plain, tape.words), 3);
  const gigaflops = (2 * m * n * depth) / ms / 1e6;
  return [
    {
      name: 'product 128 × 3,416 × 64, one core',
      value: gigaflops,
      unit: 'GFLOP/s',
      reach: { atLeast: 15 },
    },
    { name: 'product ÷ plain loops', value: plainMs / ms, unit: '×', isRatio: true },
  ];
};

const randomHistories = (items: number) => {
  const random = seededRandom(SEED);
  const row = (): number[] => Array.from({ length: 165 }, () => random.below(items));
  return historiesOfRows(Array.from({ length: 600 }, row), items);
};

interface Trained {
  readonly model: CausalModel;
  readonly positionsPerSecond: number;
  /** Of core time, so that what else runs does not count. */
  readonly positionsPerCoreSecond: number;
}

interface Training {
  readonly items: number;
  readonly steps: number;
  readonly sampledItems: number;
}

const USUAL: Training = { items: ITEMS, steps: STEPS, sampledItems: 0 };

const trained = async (
  engine: KernelEngine,
  { items, steps, sampledItems }: Training = USUAL,
): Promise<Trained> => {
  const { windowsPerStep, length } = DEFAULT_CAUSAL_OPTIONS;
  const positions = steps * windowsPerStep * length;
  const options = { ...DEFAULT_CAUSAL_OPTIONS, positions, sampledItems };
  const histories = randomHistories(items);
  const start = performance.now();
  const cpuStart = process.cpuUsage();
  const model = await fitCausal(histories, options, { seed: SEED }, { engine });
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(cpuStart);
  await engine.close();
  return {
    model,
    positionsPerSecond: positions / seconds,
    positionsPerCoreSecond: (positions * 1e6) / (user + system),
  };
};

/** Both on one thread. */
const sampledFigures = async (): Promise<Figure[]> => {
  const many = { items: MANY_ITEMS, steps: MANY_ITEMS_STEPS };
  const full = await trained(inlineEngine(), { ...many, sampledItems: 0 });
  const sampled = await trained(inlineEngine(), { ...many, sampledItems: SAMPLED_ITEMS });
  return [
    {
      name: 'causal model, 20,000 items, softmax over all',
      value: full.positionsPerCoreSecond,
      unit: 'positions/s/core',
    },
    {
      name: 'the same, softmax over targets and 512 drawn',
      value: sampled.positionsPerCoreSecond,
      unit: 'positions/s/core',
    },
    {
      name: 'sampled ÷ full, 20,000 items',
      value: sampled.positionsPerCoreSecond / full.positionsPerCoreSecond,
      unit: '×',
      isRatio: true,
    },
  ];
};

const candidateMs = (model: CausalModel): number => {
  const random = seededRandom(SEED);
  const history = historyOfItems(Array.from({ length: 64 }, () => random.below(ITEMS)));
  const items = Uint32Array.from({ length: CANDIDATES }, () => random.below(ITEMS));
  const scores = new Float64Array(CANDIDATES);
  return msOf(() => model.scoreCandidates(history, items, scores), 200);
};

export const neuralSpeed: Benchmark = {
  id: 'neural',
  title: 'small networks: product, training, scoring',
  async run() {
    const one = await trained(inlineEngine());
    const two = await trained(new KernelPool(2));
    return {
      id: 'neural',
      title: 'small networks: product, training, scoring',
      seed: SEED,
      figures: [
        ...productFigures(),
        {
          name: 'causal model, training, one thread',
          value: one.positionsPerSecond,
          unit: 'positions/s',
        },
        {
          name: 'the same, of core time',
          value: one.positionsPerCoreSecond,
          unit: 'positions/s/core',
        },
        {
          name: 'causal model, training, two threads',
          value: two.positionsPerSecond,
          unit: 'positions/s',
        },
        {
          name: 'two threads ÷ one',
          value: two.positionsPerSecond / one.positionsPerSecond,
          unit: '×',
          isRatio: true,
        },
        ...(await sampledFigures()),
        {
          name: 'causal model, 500 candidates for a full window',
          value: candidateMs(one.model),
          unit: 'ms',
          reach: { atMost: 2 },
        },
      ],
    };
  },
};
