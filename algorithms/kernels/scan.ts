/** What `assembly/scan.ts` exports: see there. */
import { plain, relaxed } from './compiled/scan.ts';
import { KernelModule } from './kernel-module.ts';

export interface ScanKernels {
  /** scratch, vector, d, rows, bytes, scales, losses, norms, sums, ids, skips, count, k, heap */
  best(...words: readonly number[]): number;
}

export const scanKernels = new KernelModule<ScanKernels>('scan', { plain, relaxed });
