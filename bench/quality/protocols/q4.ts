/**
 * Q4: progressive rating prediction (predict, then learn, one pass in time order) over MovieLens
 * latest-small and 1M; RMSE and MAE over every rating, the first included. The stack is compared
 * with the biased MF of constant rates that is best on these very ratings among a grid of settings,
 * and has a row for its own factor model, whose bias steps fall.
 */
import { pairedBootstrap } from '../../../algorithms/metrics/confidence.ts';
import {
  ML_1M_FILE,
  ML_SMALL_FILE,
  type Ratings,
  readMovieLens1M,
  readMovieLensSmall,
} from '../datasets/movielens.ts';
import {
  biasedMfs,
  progressiveBiases,
  progressiveRandom,
  progressiveStack,
  quickBiasMf,
  runningMean,
} from '../online/progressive-predictors.ts';
import { type ProgressiveResult, runProgressive } from '../online/progressive-run.ts';
import type { Comparison, ResultRow } from '../report.ts';
import type { Part, Protocol } from './protocol.ts';

interface Stream {
  readonly name: string;
  read(): Promise<Ratings>;
  readonly scale: { readonly min: number; readonly max: number };
}

const STREAMS: readonly Stream[] = [
  { name: 'latest-small', read: readMovieLensSmall, scale: { min: 0.5, max: 5 } },
  { name: 'ml-1m', read: readMovieLens1M, scale: { min: 1, max: 5 } },
];

const rmseOf = ({ row }: ProgressiveResult): number => row.metrics.RMSE!.mean;

const measure = async (
  { name, read, scale }: Stream,
  part: Part,
): Promise<{ rows: ResultRow[]; remark: string; comparison: Comparison }> => {
  const data = await read();
  const task = { data, scale, share: part === 'test' ? 1 : 0.2 };
  const usual = [progressiveRandom(), runningMean(), progressiveBiases(data)];
  const plain = usual.map((predictor) => runProgressive(task, predictor));
  const factorised = biasedMfs(data).map((predictor) => runProgressive(task, predictor));
  const quick = runProgressive(task, quickBiasMf(data));
  const stack = runProgressive(task, progressiveStack(data));
  const best = factorised.reduce((a, b) => (rmseOf(b) < rmseOf(a) ? b : a));
  const below = 100 * (1 - rmseOf(stack) / rmseOf(best));
  return {
    rows: [...plain, ...factorised, quick, stack].map(({ row }) => ({
      ...row,
      model: `${name}: ${row.model}`,
    })),
    remark: `${name}: the stack's RMSE is ${below.toFixed(2)} % below that of ${best.row.model}, the best of ${factorised.length} settings on these ratings.`,
    comparison: {
      of: `${name}: progressive stack`,
      against: best.row.model,
      metric: 'squared error',
      difference: pairedBootstrap(
        { sums: stack.errors.squares, counts: stack.errors.counts },
        { sums: best.errors.squares, counts: best.errors.counts },
      )!,
    },
  };
};

export const q4: Protocol = {
  id: 'Q4',
  title: 'progressive ratings over MovieLens latest-small and 1M',
  file: ML_SMALL_FILE,
  alsoNeeds: [ML_1M_FILE],
  async run(part) {
    const results = [];
    for (const stream of STREAMS) {
      const result = await measure(stream, part);
      console.error(`  ${result.remark}`);
      results.push(result);
    }
    return {
      remarks: ['Intervals by user.', ...results.map(({ remark }) => remark)],
      rows: results.flatMap(({ rows }) => rows),
      comparisons: results.map(({ comparison }) => comparison),
    };
  },
};
