/** What `assembly/scan.ts` exports: see there. */
import { plain, relaxed } from './compiled/scan.ts';
import { KernelModule } from './kernel-module.ts';

export interface ScanKernels {
  /** scratch, vector, d, rows, bytes, scales, losses, norms, sums, ids, skips, count, notes, notedMax, skipped, k, keys, keysMax */
  best(...words: readonly number[]): number;
  /** rows, bytes, scales, losses, norms, sums, d, from, to */
  pack(...words: readonly number[]): void;
}

export const scanKernels = new KernelModule<ScanKernels>('scan', { plain, relaxed });
