/**
 * P7: one iteration of implicit least squares, people and items, on data of the shape of MovieLens
 * 20M, d = 64: how well two threads share it, and how much faster than plain JavaScript it is. The
 * comparison with implicit is `npm run bench:peers`.
 */
import { type AlsSide, alsSide, sweep } from '../../algorithms/factors/als-side.ts';
import { confidenceRowsOf, transposeConfidences } from '../../algorithms/factors/confidences.ts';
import {
  DEFAULT_IMPLICIT_ALS_OPTIONS,
  type ImplicitAlsOptions,
} from '../../algorithms/factors/implicit-als-options.ts';
import { referenceSweep } from '../../algorithms/factors/implicit-als-reference.ts';
import type { Histories } from '../../algorithms/histories/histories.ts';
import { KernelPool } from '../../algorithms/kernels/kernel-pool.ts';
import { seededRandom } from '../../algorithms/random/seeded-random.ts';
import type { Figure } from '../result.ts';
import { ML_20M, syntheticHistories } from './synthetic-events.ts';
import { factorsLikeTrained, SEED, timedAsync } from './timing.ts';

const DIMENSIONS = 64;
const ITERATIONS = 3;
/** The reference takes a thousandth of the people, whose time is then multiplied. */
const REFERENCE_SHARE = 1000;

export const alsOptions = (
  solver: ImplicitAlsOptions['solver'],
  dimensions = DIMENSIONS,
): ImplicitAlsOptions => ({ ...DEFAULT_IMPLICIT_ALS_OPTIONS, dimensions, solver });

/** Seconds of each iteration after the first. */
export const iterationSeconds = async (
  histories: Histories,
  options: ImplicitAlsOptions,
  threads: number,
): Promise<number[]> => {
  const engine = new KernelPool(threads);
  using region = engine.memory.region();
  const userItems = confidenceRowsOf(histories, null);
  const users = alsSide(userItems, options, region);
  const items = alsSide(transposeConfidences(userItems), options, region);
  for (const side of [users, items]) fill(side);
  const seconds: number[] = [];
  for (let k = 0; k <= ITERATIONS; k++) {
    seconds.push(
      await timedAsync(async () => {
        await sweep(engine, users, items, options, { seed: SEED });
        await sweep(engine, items, users, options, { seed: SEED });
      }),
    );
  }
  await engine.close();
  return seconds.slice(1).sort((a, b) => a - b);
};

const fill = ({ factors }: AlsSide): void => {
  const random = seededRandom(SEED);
  for (let at = 0; at < factors.length; at++) factors[at] = 0.01 * random.normal();
};

export const alsRows = async (): Promise<Figure[]> => {
  const histories = syntheticHistories(ML_20M, SEED);
  const figures: Figure[] = [];
  for (const solver of ['exact', 'conjugate-gradient'] as const) {
    const options = alsOptions(solver);
    const one = await iterationSeconds(histories, options, 1);
    const two = await iterationSeconds(histories, options, 2);
    const name = `P7 iteration, 10 M likes, d = ${DIMENSIONS}, ${solver}`;
    figures.push(
      { name: `${name}, one thread`, ...secondsOf(one) },
      { name: `${name}, two threads`, ...secondsOf(two) },
      {
        name: `${name}, two threads against one`,
        value: one[0]! / two[0]!,
        unit: '×',
        reach: { atLeast: 1.8 },
        isRatio: true,
      },
    );
    if (solver === 'exact') figures.push(await againstPlain(histories, options, one[0]!));
  }
  return figures;
};

const secondsOf = (sorted: readonly number[]): Pick<Figure, 'value' | 'unit' | 'spread'> => ({
  value: sorted[0]!,
  unit: 's (fastest)',
  spread: [sorted[0]!, sorted.at(-1)!],
});

/** A sample of the people and of the items, by the plain loops. */
const againstPlain = async (
  histories: Histories,
  options: ImplicitAlsOptions,
  fastSeconds: number,
): Promise<Figure> => {
  const userItems = confidenceRowsOf(histories, null);
  let seconds = 0;
  for (const rows of [userItems, transposeConfidences(userItems)]) {
    const others = Float64Array.from(factorsLikeTrained(rows.columnCount, DIMENSIONS));
    const picked = Array.from(
      { length: Math.ceil(rows.rowCount / REFERENCE_SHARE) },
      (_, k) => k * REFERENCE_SHARE,
    );
    const starts = Uint32Array.from([0, ...picked]);
    picked.forEach((row, k) => {
      starts[k + 1] = starts[k]! + rows.starts[row + 1]! - rows.starts[row]!;
    });
    const part = <Column extends Uint32Array | Float32Array>(column: Column): Column => {
      const kept = new (column.constructor as new (length: number) => Column)(starts.at(-1)!);
      picked.forEach((row, k) => {
        kept.set(column.subarray(rows.starts[row]!, rows.starts[row + 1]!), starts[k]!);
      });
      return kept;
    };
    const sample = {
      ...rows,
      rowCount: picked.length,
      starts,
      columns: part(rows.columns),
      confidences: part(rows.confidences),
      pulls: part(rows.pulls),
    };
    const events = starts.at(-1)!;
    const none = { ...sample, rowCount: 0, starts: new Uint32Array(1) };
    const whole = await timedAsync(() => referenceSweep(sample, others, options, { seed: SEED }));
    const gram = await timedAsync(() => referenceSweep(none, others, options, { seed: SEED }));
    seconds += gram + (whole - gram) * (rows.columns.length / events);
  }
  return {
    name: 'P7 exact, one thread, against plain JavaScript (from a sample)',
    value: seconds / fastSeconds,
    unit: '×',
    isRatio: true,
  };
};
