/** What `assembly/factor-sgd.ts` exports: see there. */
import { plain, relaxed } from './compiled/factor-sgd.ts';
import { KernelModule } from './kernel-module.ts';

export interface FactorSgdKernels {
  readonly visit: (
    scratch: number,
    users: number,
    userCount: number,
    starts: number,
    order: number,
    columns: number,
    values: number,
    userBiases: number,
    itemBiases: number,
    userRows: number,
    itemRows: number,
    implicitRows: number,
    rowBytes: number,
    mean: number,
    rate: number,
    biasRate: number,
    regularisation: number,
    biasRegularisation: number,
  ) => void;
}

export const factorSgdKernels = new KernelModule<FactorSgdKernels>('factor-sgd', {
  plain,
  relaxed,
});
