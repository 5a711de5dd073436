/** The one kernel engine of a quality run, with a thread for each core, and the algebras on it. */
import { availableParallelism } from 'node:os';
import { KernelPool } from '../../algorithms/kernels/kernel-pool.ts';
import { kernelLinearAlgebra } from '../../algorithms/linear-algebra/kernel-linear-algebra.ts';

export const engine = new KernelPool(availableParallelism());

/** For EASE, which divides by the inverse's diagonal. */
export const preciseAlgebra = kernelLinearAlgebra(engine, { precision: 'f64' });

/** For the next-item model. */
export const fastAlgebra = kernelLinearAlgebra(engine, { precision: 'f32' });
