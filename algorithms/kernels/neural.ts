/** What `assembly/neural.ts` exports: see there. */
import { plain, relaxed } from './compiled/neural.ts';
import { KernelModule } from './kernel-module.ts';

export interface NeuralKernels {
  readonly runTape: (scratch: number, arena: number, tape: number, operations: number) => void;
  readonly adamStep: (
    values: number,
    gradients: number,
    shards: number,
    shardBytes: number,
    means: number,
    squares: number,
    length: number,
    rate1: number,
    bias2: number,
    keep: number,
    beta1: number,
    beta2: number,
  ) => void;
}

export const neuralKernels = new KernelModule<NeuralKernels>('neural', { plain, relaxed });
