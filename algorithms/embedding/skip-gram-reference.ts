/**
 * Skip-gram with negative sampling as in the paper (Mikolov and others, 2013), one number at a time:
 * for an input vector v and an output vector w with label l (1 for the right answer, 0 for a wrong
 * one) the loss −log σ(±v·w) has the gradients −(l − σ(v·w))·w and −(l − σ(v·w))·v. A step takes all
 * its products first and then moves all its vectors. What the kernel is compared with.
 */
import type { SkipGramTables, StepLearner } from './skip-gram.ts';
import { STEP_LAYOUT } from './step-plan.ts';

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

const learnStep = (
  { inputs, outputs, rowLength }: SkipGramTables,
  step: Uint32Array,
  rate: number,
): void => {
  const ins = step.subarray(STEP_LAYOUT.inputs).subarray(0, step[STEP_LAYOUT.inputCount]);
  const outs = step.subarray(STEP_LAYOUT.outputs).subarray(0, step[STEP_LAYOUT.outputCount]);
  const inRows = Array.from(ins, (item) => inputs.subarray(item * rowLength).slice(0, rowLength));
  const outRows = Array.from(outs, (item) =>
    outputs.subarray(item * rowLength).slice(0, rowLength),
  );
  inRows.forEach((input, i) => {
    outRows.forEach((output, o) => {
      const product = input.reduce((sum, value, k) => sum + value * output[k]!, 0);
      const pull = rate * ((o === 0 ? 1 : 0) - sigmoid(product));
      for (let k = 0; k < rowLength; k++) {
        inputs[ins[i]! * rowLength + k]! += pull * output[k]!;
        outputs[outs[o]! * rowLength + k]! += pull * input[k]!;
      }
    });
  });
};

/** A learner in plain arrays. */
export const referenceLearner: StepLearner = ({ rowCount, rowLength, planLength }) => {
  const tables: SkipGramTables = {
    inputs: new Float32Array(rowCount * rowLength),
    outputs: new Float32Array(rowCount * rowLength),
    rowLength,
  };
  return {
    tables,
    plan: new Uint32Array(planLength),
    learn(plan, { stepCount, stepLength, rate }) {
      for (let step = 0; step < stepCount; step++) {
        learnStep(tables, plan.subarray(step * stepLength, (step + 1) * stepLength), rate);
      }
    },
    release() {},
  };
};
