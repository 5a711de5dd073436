/** What `assembly/tiles.ts` exports, f32 and f64: see there. */
import { plain, relaxed } from './compiled/tiles.ts';
import { KernelModule } from './kernel-module.ts';

type Reduce = (tiles: number, edge: number, i: number, j: number) => number;
type Solve = (panel: number, tiles: number, edge: number, tileCount: number) => void;
type Invert = (panel: number, tiles: number, edge: number, tileCount: number, from: number) => void;

export interface TileKernels {
  readonly reduceF32: Reduce;
  readonly reduceF64: Reduce;
  readonly finishF32: Reduce;
  readonly finishF64: Reduce;
  readonly solveF32: Solve;
  readonly solveF64: Solve;
  readonly invertF32: Invert;
  readonly invertF64: Invert;
}

export const tileKernels = new KernelModule<TileKernels>('tiles', { plain, relaxed });
