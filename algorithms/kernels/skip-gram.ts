/** What `assembly/skip-gram.ts` exports: see there. */
import { plain, relaxed } from './compiled/skip-gram.ts';
import { KernelModule } from './kernel-module.ts';

export interface SkipGramKernels {
  readonly learn: (
    scratch: number,
    plan: number,
    stepCount: number,
    stepLength: number,
    inputs: number,
    outputs: number,
    rowBytes: number,
    rate: number,
  ) => void;
}

export const skipGramKernels = new KernelModule<SkipGramKernels>('skip-gram', { plain, relaxed });
