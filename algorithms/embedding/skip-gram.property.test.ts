/** The kernel against its plain reference, and what a plan may hold. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historiesOfRows } from '../histories/histories.ts';
import { inlineEngine } from '../kernels/kernel-engine.ts';
import { skipGramKernels } from '../kernels/skip-gram.ts';
import { seededRandom } from '../random/seeded-random.ts';
import { DEFAULT_ITEM2VEC_OPTIONS, sequencesOf } from './item2vec.ts';
import { Noise } from './noise.ts';
import { kernelLearner, type SkipGramVectors, trainSkipGram } from './skip-gram.ts';
import { referenceLearner } from './skip-gram-reference.ts';
import { STEP_LAYOUT, StepPlan, stepLengthOf } from './step-plan.ts';

const ITEMS = 9;
const engine = inlineEngine();
const rows = fc.array(fc.array(fc.nat(ITEMS - 1), { maxLength: 12 }), { maxLength: 6 });

const largestDifference = (a: SkipGramVectors, b: SkipGramVectors): number => {
  const difference = (x: Float32Array, y: Float32Array): number =>
    x.reduce((largest, value, k) => Math.max(largest, Math.abs(value - y[k]!)), 0);
  return Math.max(difference(a.inputs, b.inputs), difference(a.outputs, b.outputs));
};

describe('skip-gram by the kernel', () => {
  it('equals the plain reference on any data and shape', async () => {
    const shapes = fc.record({
      dimensions: fc.integer({ min: 1, max: 21 }),
      window: fc.integer({ min: 1, max: 5 }),
      negatives: fc.integer({ min: 1, max: 7 }),
      epochs: fc.integer({ min: 0, max: 3 }),
      negativeExponent: fc.constantFrom(0, 0.75, -0.5),
      subsampling: fc.constantFrom(0, 0.1),
    });
    await fc.assert(
      fc.asyncProperty(rows, shapes, fc.nat(), async (data, shape, seed) => {
        const sequences = sequencesOf(historiesOfRows(data, ITEMS), null);
        const options = { ...DEFAULT_ITEM2VEC_OPTIONS, ...shape, rate: 0.5 };
        const fast = await trainSkipGram(sequences, options, { seed }, kernelLearner(engine));
        const slow = await trainSkipGram(sequences, options, { seed }, referenceLearner);
        expect(largestDifference(fast, slow)).toBeLessThan(1e-4);
        const again = await trainSkipGram(sequences, options, { seed }, kernelLearner(engine));
        expect(again).toEqual(fast);
      }),
      { numRuns: 60 },
    );
    expect(engine.memory.usedBytes).toBe(0);
  });

  for (const build of ['plain', 'relaxed'] as const) {
    it(`follows the logistic function however large a product is, ${build}`, () => {
      using region = engine.memory.region();
      const kernels = engine.functions(skipGramKernels, build);
      const scratch = region.bytes(1024);
      const plan = region.copyU32([1, 0, 1, 1, 1, 1, 0, 0]);
      const inputs = region.f32(8);
      const outputs = region.f32(8);
      for (let product = -100; product <= 100; product += 0.37) {
        inputs.set([1, 0, 0, 0, 0, 0, 0, 0]);
        outputs.set([product, 0, 0, 0, 0, 0, 0, 0]);
        kernels.learn(
          scratch,
          plan.byteOffset,
          1,
          8,
          inputs.byteOffset,
          outputs.byteOffset,
          16,
          0.5,
        );
        const pull = 0.5 * (1 - 1 / (1 + Math.exp(-product)));
        expect(Math.abs(outputs[0]! - Math.fround(product) - pull)).toBeLessThan(1e-5);
        expect(Math.abs(inputs[0]! - 1 - pull * product)).toBeLessThan(2e-5);
        expect(inputs[4]).toBe(0);
      }
    });
  }
});

describe('a plan of steps', () => {
  it('names different items among the inputs and among the outputs of a step', () => {
    const lengths = fc.record({
      window: fc.integer({ min: 1, max: 6 }),
      negatives: fc.integer({ min: 1, max: 6 }),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(
        fc.array(fc.nat(ITEMS - 1), { minLength: 1, maxLength: 30 }),
        lengths,
        (items, { window, negatives, seed }) => {
          const counts = new Float64Array(ITEMS);
          for (const item of items) counts[item]! += 1;
          const stepLength = stepLengthOf(negatives);
          const settings = { window, negatives, unused: ITEMS, capacity: 200 };
          const plan = new StepPlan(
            new Uint32Array(200 * stepLength),
            settings,
            new Noise(counts, 0),
          );
          const random = seededRandom(seed);
          const sequence = Uint32Array.from(items);
          for (let place = 0; place < items.length; place++) {
            plan.addCentre(sequence, items.length, { place, random });
          }
          for (let step = 0; step < plan.stepCount; step++) {
            const row = plan.plan.subarray(step * stepLength, (step + 1) * stepLength);
            const inputCount = row[STEP_LAYOUT.inputCount]!;
            const outputCount = row[STEP_LAYOUT.outputCount]!;
            const inputs = row.slice(STEP_LAYOUT.inputs, STEP_LAYOUT.inputs + inputCount);
            const outputs = row.slice(STEP_LAYOUT.outputs, STEP_LAYOUT.outputs + outputCount);
            expect(new Set(inputs).size).toBe(inputCount);
            expect(new Set(outputs).size).toBe(outputCount);
            for (const item of [...inputs, ...outputs]) expect(counts[item]).toBeGreaterThan(0);
          }
        },
      ),
    );
  });
});

describe('noise', () => {
  it('draws each item that occurs in proportion to a power of its count', () => {
    const counts = [4, 0, 1, 9, 2];
    for (const exponent of [0, 0.5, 1]) {
      const noise = new Noise(counts, exponent);
      const random = seededRandom(5);
      const drawn = new Float64Array(counts.length);
      const draws = 40_000;
      for (let k = 0; k < draws; k++) drawn[noise.draw(random)]! += 1;
      const powers = counts.map((count) => (count > 0 ? count ** exponent : 0));
      const total = powers.reduce((sum, power) => sum + power, 0);
      powers.forEach((power, item) => {
        expect(Math.abs(drawn[item]! / draws - power / total)).toBeLessThan(0.01);
      });
      expect(noise.size).toBe(4);
    }
  });
});
