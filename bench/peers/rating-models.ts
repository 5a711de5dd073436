/**
 * Predicted ratings beside others', on the same ratings in the same run, one core each: SVD and SVD++
 * of scikit-surprise (their defaults) on the first fold of Q5, biased MF of river (its tutorial's
 * settings) over Q4's latest-small stream. Seconds of a fit are processor time, so that what else runs
 * on the machine does not count.
 */
import { type Histories, historiesOf, historyOf } from '../../algorithms/histories/histories.ts';
import { DEFAULT_BIASED_MF_OPTIONS, fitBiasedMf } from '../../algorithms/ratings/biased-mf.ts';
import type { FactorRatingModel } from '../../algorithms/ratings/factor-rating-model.ts';
import {
  DEFAULT_SVD_PLUS_PLUS_OPTIONS,
  fitSvdPlusPlus,
} from '../../algorithms/ratings/svd-plus-plus.ts';
import { kFolds } from '../../algorithms/splits/k-fold.ts';
import { prequentialPlan } from '../../algorithms/splits/prequential.ts';
import { SEED } from '../algorithms/timing.ts';
import { absenceOf, isPresent } from '../quality/datasets/location.ts';
import {
  ML_1M_FILE,
  ML_SMALL_FILE,
  type Rating,
  type Ratings,
  readMovieLens1M,
  readMovieLensSmall,
} from '../quality/datasets/movielens.ts';
import { progressiveStack, quickBiasMf } from '../quality/online/progressive-predictors.ts';
import { runProgressive } from '../quality/online/progressive-run.ts';
import type { Figure } from '../result.ts';
import { installPackages, runPython, withFiles } from './environment.ts';

const SCRIPT = 'rating_models.py';
const ONE_THREAD = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };

interface RatingErrors {
  readonly rmse: number;
  readonly mae: number;
  readonly coreSeconds: number;
}

type NamedErrors = Readonly<Record<string, RatingErrors>>;

const coreSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const runPeers = (part: string, files: Readonly<Record<string, string>>): Promise<NamedErrors> => {
  const bytes = Object.entries(files).map(([name, text]) => [name, Buffer.from(text)] as const);
  return withFiles(Object.fromEntries(bytes), async (directory) =>
    runPython<NamedErrors>(SCRIPT, [part, directory], ONE_THREAD),
  );
};

const figuresOf = (what: string, errors: NamedErrors): Figure[] =>
  Object.entries(errors).flatMap(([name, { rmse, mae, coreSeconds: spent }]) => [
    { name: `${name}: RMSE`, value: rmse, unit: '' },
    { name: `${name}: MAE`, value: mae, unit: '' },
    { name: `${name}: ${what}`, value: spent, unit: 's of a core' },
  ]);

/** Ours over theirs, below 1 where ours is better. */
const ratio = (name: string, ours: number, theirs: number): Figure => ({
  name,
  value: ours / theirs,
  unit: '×',
  isRatio: true,
});

const linesOf = (ratings: readonly Rating[]): string =>
  ratings.map(({ user, item, value }) => `${user},${item},${value}\n`).join('');

interface Fold extends Pick<Ratings, 'userCount' | 'itemCount'> {
  readonly train: readonly Rating[];
  readonly test: readonly Rating[];
}

const firstFold = async (): Promise<Fold> => {
  const { ratings, ...size } = await readMovieLens1M();
  const foldOf = kFolds(ratings.length, { folds: 5, seed: SEED });
  return {
    ...size,
    train: ratings.filter((_, k) => foldOf[k] !== 0),
    test: ratings.filter((_, k) => foldOf[k] === 0),
  };
};

const FITS = {
  'biased MF': (train: Histories) => fitBiasedMf(train, DEFAULT_BIASED_MF_OPTIONS, { seed: SEED }),
  'SVD++': (train: Histories) =>
    fitSvdPlusPlus(train, DEFAULT_SVD_PLUS_PLUS_OPTIONS, { seed: SEED }),
};

/** Predictions are clipped to the scale, as the peer clips its own. */
const errorsOf = (model: FactorRatingModel, histories: Histories, test: readonly Rating[]) => {
  const people = new Map<number, ReturnType<FactorRatingModel['foldIn']>>();
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
  return { rmse: Math.sqrt(squares / test.length), mae: absolutes / test.length };
};

const ourFits = async ({ train: ratings, test, ...size }: Fold): Promise<NamedErrors> => {
  const events = ratings.map(({ user, item, value }) => ({ user, item, weight: value }));
  const histories = historiesOf(events, size);
  const errors: Record<string, RatingErrors> = {};
  for (const [name, train] of Object.entries(FITS)) {
    const start = coreSeconds();
    const model = await train(histories);
    const spent = coreSeconds() - start;
    errors[name] = { ...errorsOf(model, histories, test), coreSeconds: spent };
  }
  return errors;
};

export const besideSurprise = async (): Promise<Figure[]> => {
  if (!isPresent(ML_1M_FILE)) {
    console.log(absenceOf(ML_1M_FILE, 'rating models beside scikit-surprise'));
    return [];
  }
  installPackages(['scikit-surprise==1.1.5']);
  const fold = await firstFold();
  const ours = await ourFits(fold);
  const theirs = await runPeers('surprise', {
    'train.csv': linesOf(fold.train),
    'test.csv': linesOf(fold.test),
  });
  const pairs = [
    ['biased MF', 'surprise SVD'],
    ['SVD++', 'surprise SVD++'],
  ] as const;
  return [
    ...figuresOf('fit', { ...ours, ...theirs }),
    ...pairs.flatMap(([our, their]) => [
      ratio(`${our}: RMSE against ${their}`, ours[our]!.rmse, theirs[their]!.rmse),
      ratio(`${our}: time against ${their}`, ours[our]!.coreSeconds, theirs[their]!.coreSeconds),
    ]),
  ];
};

const ourStreams = (data: Ratings): NamedErrors => {
  const errors: Record<string, RatingErrors> = {};
  for (const predictor of [quickBiasMf(data), progressiveStack(data)]) {
    const start = coreSeconds();
    const task = { data, share: 1, scale: { min: 0.5, max: 5 } };
    const { metrics } = runProgressive(task, predictor).row;
    errors[predictor.name] = {
      rmse: metrics.RMSE!.mean,
      mae: metrics.MAE!.mean,
      coreSeconds: coreSeconds() - start,
    };
  }
  return errors;
};

/** Steps are numbered: what one person rates at one moment is all predicted before any is learned. */
const streamOf = (data: Ratings): string =>
  prequentialPlan(data.ratings, 0)
    .steps.flatMap((step, k) =>
      step.map(({ user, item, value }) => `${k},${user},${item},${value}\n`),
    )
    .join('');

export const besideRiver = async (): Promise<Figure[]> => {
  if (!isPresent(ML_SMALL_FILE)) {
    console.log(absenceOf(ML_SMALL_FILE, 'progressive ratings beside river'));
    return [];
  }
  installPackages(['river==0.26.1']);
  const data = await readMovieLensSmall();
  const ours = ourStreams(data);
  const theirs = await runPeers('river', { 'stream.csv': streamOf(data) });
  return [
    ...figuresOf('whole pass', { ...ours, ...theirs }),
    ratio(
      'progressive stack: RMSE against river BiasedMF',
      ours['progressive stack']!.rmse,
      theirs['river BiasedMF']!.rmse,
    ),
  ];
};
