/**
 * `node bench/peers/rating-models.ts` runs scikit-surprise (SVD, SVD++, their defaults) and ours on
 * the first fold of Q5, and river's biased MF and ours over Q4's latest-small stream: the same
 * ratings in the same order, one after the other on one core. `batch` or `progressive` as argument
 * runs one part. The packages go into a virtual environment under the system's temporary directory.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { historiesOf, historyOf } from '../../algorithms/histories/histories.ts';
import { DEFAULT_BIASED_MF_OPTIONS, fitBiasedMf } from '../../algorithms/ratings/biased-mf.ts';
import {
  DEFAULT_SVD_PLUS_PLUS_OPTIONS,
  fitSvdPlusPlus,
} from '../../algorithms/ratings/svd-plus-plus.ts';
import { kFolds } from '../../algorithms/splits/k-fold.ts';
import { prequentialPlan } from '../../algorithms/splits/prequential.ts';
import { seconds } from '../quality/contender.ts';
import { absenceOf, isPresent } from '../quality/datasets/location.ts';
import {
  ML_1M_FILE,
  ML_SMALL_FILE,
  type Rating,
  readMovieLens1M,
  readMovieLensSmall,
} from '../quality/datasets/movielens.ts';
import { biasedMfs, progressiveStack } from '../quality/online/progressive-predictors.ts';
import { runProgressive } from '../quality/online/progressive-run.ts';

const ENVIRONMENT = join(tmpdir(), 'freshet-rating-peers');
const PYTHON = join(ENVIRONMENT, 'bin/python');
const PACKAGES = ['scikit-surprise==1.1.5', 'river==0.26.1'];
const SEED = 1;

interface PeerFigures {
  readonly rmse: number;
  readonly mae: number;
  readonly seconds: number;
}

const install = (): void => {
  if (!existsSync(PYTHON)) execFileSync('python3', ['-m', 'venv', ENVIRONMENT]);
  execFileSync(PYTHON, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], { stdio: 'inherit' });
};

const runPeers = (part: string, files: Readonly<Record<string, string>>): void => {
  const directory = mkdtempSync(join(tmpdir(), 'freshet-ratings-'));
  try {
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(directory, name), content);
    const script = join(import.meta.dirname, 'rating_models.py');
    const answer = execFileSync(PYTHON, [script, directory, part], { encoding: 'utf8' });
    const figures = JSON.parse(answer) as Readonly<Record<string, PeerFigures>>;
    for (const [name, values] of Object.entries(figures)) print(name, values);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

const print = (name: string, { rmse, mae, seconds: spent }: PeerFigures): void => {
  const figures = `RMSE ${rmse.toFixed(4)}  MAE ${mae.toFixed(4)}  ${spent.toFixed(1)} s`;
  console.log(`${name.padEnd(24)} ${figures}`);
};

const linesOf = (ratings: readonly Rating[]): string =>
  ratings.map(({ user, item, value }) => `${user},${item},${value}\n`).join('');

const batch = async (): Promise<void> => {
  const data = await readMovieLens1M();
  const foldOf = kFolds(data.ratings.length, { folds: 5, seed: SEED });
  const train = data.ratings.filter((_, k) => foldOf[k] !== 0);
  const test = data.ratings.filter((_, k) => foldOf[k] === 0);
  console.log('MovieLens 1M, first of five folds; seconds are those of the fit');
  const histories = historiesOf(
    train.map(({ user, item, value }) => ({ user, item, weight: value })),
    data,
  );
  const fits = {
    'our biased MF': () => fitBiasedMf(histories, DEFAULT_BIASED_MF_OPTIONS, { seed: SEED }),
    'our SVD++': () => fitSvdPlusPlus(histories, DEFAULT_SVD_PLUS_PLUS_OPTIONS, { seed: SEED }),
  };
  for (const [name, fitOne] of Object.entries(fits)) {
    const start = seconds();
    const model = await fitOne();
    const spent = seconds() - start;
    const people = new Map<number, ReturnType<typeof model.foldIn>>();
    let squares = 0;
    let absolutes = 0;
    for (const { user, item, value } of test) {
      const person = people.get(user) ?? model.foldIn(historyOf(histories, user));
      people.set(user, person);
      const [predicted] = model.predictFor(person, [item]);
      const error = Math.min(Math.max(predicted!, 1), 5) - value;
      squares += error * error;
      absolutes += Math.abs(error);
    }
    const rmse = Math.sqrt(squares / test.length);
    print(name, { rmse, mae: absolutes / test.length, seconds: spent });
  }
  runPeers('batch', { 'train.csv': linesOf(train), 'test.csv': linesOf(test) });
};

const progressive = async (): Promise<void> => {
  const data = await readMovieLensSmall();
  console.log('MovieLens latest-small, predict, then learn; seconds are those of the whole pass');
  for (const predictor of [...biasedMfs(data), progressiveStack(data)]) {
    const task = { data, share: 1, scale: { min: 0.5, max: 5 } };
    const { metrics, scoreSeconds, model } = runProgressive(task, predictor).row;
    const figures = { rmse: metrics.RMSE!.mean, mae: metrics.MAE!.mean, seconds: scoreSeconds };
    print(`our ${model}`, figures);
  }
  const stream = prequentialPlan(data.ratings, 0)
    .steps.flatMap((step, k) =>
      step.map(({ user, item, value }) => `${k},${user},${item},${value}\n`),
    )
    .join('');
  runPeers('progressive', { 'stream.csv': stream });
};

const PARTS = { batch, progressive };
const wanted = process.argv[2];
const missing = [ML_1M_FILE, ML_SMALL_FILE].find((name) => !isPresent(name));
if (missing) {
  console.log(absenceOf(missing, 'rating models beside scikit-surprise and river'));
} else {
  install();
  for (const [name, run] of Object.entries(PARTS)) {
    if (wanted === undefined || wanted === name) await run();
  }
}
