/**
 * `npm run bench -- algorithms`: P5 to P9, each with its ratio to the plain JavaScript reference and,
 * where threads share the work, how two compare with one. `npm run bench -- algorithms` with
 * ALGORITHM_ROWS, for example `P5,P6`, runs those rows alone.
 */
import type { Benchmark, Figure } from '../result.ts';
import { topItemRows } from './p5-top-items.ts';
import { foldInRows } from './p6-fold-in.ts';
import { alsRows } from './p7-als.ts';
import { skipGramRows } from './p8-skip-gram.ts';
import { linearRows } from './p9-linear.ts';
import { SEED } from './timing.ts';

/** In the order of their numbers; each part stands in a file of its own. */
const PARTS: Readonly<Record<string, () => Promise<Figure[]>>> = {
  P5: topItemRows,
  P6: foldInRows,
  P7: alsRows,
  P8: skipGramRows,
  P9: linearRows,
};

export const algorithms: Benchmark = {
  id: 'algorithms',
  title: 'the kernels: top items, fold-in, factors, linear models',
  async run() {
    const wanted = process.env.ALGORITHM_ROWS?.split(',') ?? Object.keys(PARTS);
    const figures: Figure[] = [];
    for (const name of wanted) figures.push(...(await PARTS[name]!()));
    return { id: 'algorithms', title: this.title, seed: SEED, figures };
  },
};
