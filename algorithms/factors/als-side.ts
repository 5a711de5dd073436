/**
 * One side of alternating least squares in an engine's memory: its rows of events, their
 * regularisation, and its factors, each padded to whole vectors. A sweep solves all rows of one side
 * against the other side; it is written once and called with users, then with items.
 */
import { type AlsKernels, alsKernels } from '../kernels/als.ts';
import type { KernelEngine, Wave } from '../kernels/kernel-engine.ts';
import type { KernelRegion } from '../kernels/kernel-memory.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';
import { type FitContext, partOf } from '../model/fit-context.ts';
import type { ConfidenceRows } from './confidences.ts';
import { type ImplicitAlsOptions, ridgeOf } from './implicit-als-options.ts';

/** Floats of a row in memory: whole vectors of four. */
export const strideOf = (dimensions: number): number => Math.ceil(dimensions / 4) * 4;

export interface AlsSide {
  readonly rowCount: number;
  readonly starts: Uint32Array;
  readonly columns: Uint32Array;
  readonly confidences: Float32Array;
  readonly pulls: Float32Array;
  readonly ridges: Float32Array;
  readonly factors: Float32Array;
}

export const alsSide = (
  rows: ConfidenceRows,
  options: ImplicitAlsOptions,
  region: KernelRegion,
): AlsSide => {
  const ridges = region.f32(rows.rowCount);
  for (let row = 0; row < rows.rowCount; row++) {
    let confidence = 0;
    for (let k = rows.starts[row]!; k < rows.starts[row + 1]!; k++) {
      confidence += rows.confidences[k]!;
    }
    ridges[row] = ridgeOf(options, { confidence, otherCount: rows.columnCount });
  }
  return {
    rowCount: rows.rowCount,
    starts: region.copyU32(rows.starts),
    columns: region.copyU32(rows.columns),
    confidences: region.copyF32(rows.confidences),
    pulls: region.copyF32(rows.pulls),
    ridges,
    factors: region.f32(rows.rowCount * strideOf(options.dimensions)),
  };
};

/** Rows whose gram is summed by one call; chunks are added in order. */
const GRAM_CHUNK = 4096;

/** α₀·HᵀH, whole, in memory of the region. */
export const scaledGram = async (
  { factors, rowCount }: Pick<AlsSide, 'factors' | 'rowCount'>,
  d: number,
  scale: number,
  { engine, region, build }: GramPlace,
  context: FitContext,
): Promise<Float32Array> => {
  const chunks = Math.ceil(rowCount / GRAM_CHUNK);
  const parts = region.f32(chunks * d * d);
  await engine.run(
    {
      module: alsKernels,
      build,
      kernel: 'gram',
      calls: Array.from({ length: chunks }, (_, chunk) => [
        factors.byteOffset + chunk * GRAM_CHUNK * d * 4,
        Math.min(GRAM_CHUNK, rowCount - chunk * GRAM_CHUNK),
        d,
        parts.byteOffset + chunk * d * d * 4,
      ]),
    },
    context,
  );
  const gram = region.f32(d * d);
  for (let column = 0; column < d; column++) {
    for (let row = column; row < d; row++) {
      let sum = 0;
      for (let chunk = 0; chunk < chunks; chunk++) sum += parts[(chunk * d + column) * d + row]!;
      gram[column * d + row] = sum * scale;
      gram[row * d + column] = sum * scale;
    }
  }
  return gram;
};

export interface GramPlace {
  readonly engine: KernelEngine;
  readonly region: KernelRegion;
  readonly build: Wave['build'];
}

/** Calls a wave: enough that two threads end together, few enough that each is worth it. */
const CALLS = 128;

/** Rows in ranges of about the same cost. */
const rangesOf = ({ rowCount, starts }: AlsSide, d: number): (readonly [number, number])[] => {
  // A row costs d³/6 by itself and d²/2 an event.
  const cost = (row: number): number => starts[row]! + (row * d) / 3;
  const ranges: [number, number][] = [];
  for (let row = 0; row < rowCount; ) {
    const from = row;
    const end = cost(from) + cost(rowCount) / CALLS;
    while (row < rowCount && (row === from || cost(row) < end)) row += 1;
    ranges.push([from, row]);
  }
  return ranges;
};

/** Solves every row of `side` against the other side's factors. */
export const sweep = async (
  engine: KernelEngine,
  side: AlsSide,
  other: AlsSide,
  options: ImplicitAlsOptions,
  context: FitContext,
): Promise<void> => {
  const d = strideOf(options.dimensions);
  const build = 'relaxed';
  using region = engine.memory.region();
  const gram = await scaledGram(
    other,
    d,
    options.unobservedWeight,
    { engine, region, build },
    partOf(context, { start: 0, end: 0.05 }),
  );
  const isExact = options.solver === 'exact';
  const after = isExact ? [] : [options.conjugateSteps];
  const wave: Wave<AlsKernels> = {
    module: alsKernels,
    build,
    kernel: isExact ? 'solveRows' : 'improveRows',
    scratchBytes: engine.functions(alsKernels, build).solveScratch(d),
    calls: rangesOf(side, d).map(([from, to]) => [
      from,
      to,
      side.starts.byteOffset,
      side.columns.byteOffset,
      side.confidences.byteOffset,
      side.pulls.byteOffset,
      other.factors.byteOffset,
      gram.byteOffset,
      side.ridges.byteOffset,
      d,
      side.factors.byteOffset,
      ...after,
    ]),
  };
  const failures = await engine.run(wave, partOf(context, { start: 0.05, end: 1 }));
  const failed = failures.reduce((sum, count) => sum + count, 0);
  if (failed > 0) {
    throw new AlgorithmError('not_positive_definite', {
      pivot: `none above 0 for ${failed} of ${side.rowCount} rows`,
      row: 'one',
    });
  }
};
