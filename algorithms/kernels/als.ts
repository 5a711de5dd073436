/** What `assembly/als.ts` exports: see there. */
import { plain, relaxed } from './compiled/als.ts';
import { KernelModule } from './kernel-module.ts';

type Addresses = readonly number[];

export interface AlsKernels {
  gram(rows: number, count: number, d: number, out: number): void;
  solveScratch(d: number): number;
  /** scratch, columns, confidences, pulls, count, factors, g, ridge, d, x */
  solveRow(...words: Addresses): number;
  /** As solveRow, b being what stands at x besides. */
  solveTowards(...words: Addresses): number;
  /** x ← A⁻¹x by the factor that the last solve left in scratch. */
  substitute(scratch: number, x: number, d: number): void;
  /** scratch, from, to, starts, columns, confidences, pulls, factors, g, ridges, d, out */
  solveRows(...words: Addresses): number;
  /** As solveRow, and the number of steps. */
  improveRow(...words: Addresses): void;
  /** As solveRows, and the number of steps. */
  improveRows(...words: Addresses): void;
  scores(rows: number, count: number, d: number, x: number, out: number): void;
  /** columns, count, rows, d, x, out */
  productsOf(...words: Addresses): void;
}

export const alsKernels = new KernelModule<AlsKernels>('als', { plain, relaxed });
