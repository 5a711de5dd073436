/**
 * P8: skip-gram with negative sampling beside gensim, in the same run on Q2's sequences: same
 * dimensions, window, wrong answers, exponent, rates and epochs, one thread each; then both sets of
 * vectors are asked for the last item by the same in–out score. Speed is events learned (words) a
 * second of core time, so that what else runs on the machine does not count. What one seed says of
 * quality is within the noise, so there are several, and the hits are their mean.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddingModel } from '../../algorithms/embedding/embedding-model.ts';
import {
  DEFAULT_ITEM2VEC_OPTIONS,
  fitItem2vec,
  sequencesOf,
} from '../../algorithms/embedding/item2vec.ts';
import { trainSkipGram } from '../../algorithms/embedding/skip-gram.ts';
import { referenceLearner } from '../../algorithms/embedding/skip-gram-reference.ts';
import {
  type Histories,
  historiesOfRows,
  historyOf,
  itemCounts,
} from '../../algorithms/histories/histories.ts';
import { leaveLastOut } from '../../algorithms/splits/leave-one-out.ts';
import { installPackages, runPython, withFiles } from '../peers/environment.ts';
import type { Contender } from '../quality/contender.ts';
import { absenceOf, isPresent } from '../quality/datasets/location.ts';
import { readSasrec, SASREC_FILE } from '../quality/datasets/sasrec.ts';
import { rowsOf, runRanking } from '../quality/ranking-run.ts';
import type { Figure } from '../result.ts';
import { SEED } from './timing.ts';

const SEEDS = [SEED, SEED + 1, SEED + 2];

const PACKAGE = 'gensim==4.4.0';
const ONE_THREAD = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
const OPTIONS = DEFAULT_ITEM2VEC_OPTIONS;
/** The plain reference is timed on so many of the histories, once over. */
const REFERENCE_PEOPLE = 150;

interface Trained {
  readonly model: EmbeddingModel;
  readonly coreSeconds: number;
}

const coreSecondsOf = async <Result>(
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly coreSeconds: number }> => {
  const start = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(start);
  return { result, coreSeconds: (user + system) / 1e6 };
};

const trainOurs = async (train: Histories, seed: number): Promise<Trained> => {
  const { result, coreSeconds } = await coreSecondsOf(() => fitItem2vec(train, OPTIONS, { seed }));
  return { model: result, coreSeconds };
};

const gensimSettings = (itemCount: number, seed: number): object => ({
  itemCount,
  epochs: OPTIONS.epochs,
  vector_size: OPTIONS.dimensions,
  window: OPTIONS.window,
  negative: OPTIONS.negatives,
  ns_exponent: OPTIONS.negativeExponent,
  sample: OPTIONS.subsampling,
  alpha: OPTIONS.rate,
  min_alpha: OPTIONS.lastRate,
  seed,
});

const trainGensim = (train: Histories, seed: number): Promise<Trained> => {
  const rows = Array.from({ length: train.userCount }, (_, user) =>
    historyOf(train, user).items.join(' '),
  );
  const input = [JSON.stringify(gensimSettings(train.itemCount, seed)), ...rows].join('\n');
  return withFiles({ input: Buffer.from(input) }, async (directory) => {
    const { coreSeconds } = runPython<{ coreSeconds: number }>(
      'skip_gram.py',
      [directory],
      ONE_THREAD,
    );
    const numbers = new Float32Array(
      Uint8Array.from(readFileSync(join(directory, 'vectors'))).buffer,
    );
    const vectors = {
      dimensions: OPTIONS.dimensions,
      inputs: numbers.subarray(0, numbers.length / 2),
      outputs: numbers.subarray(numbers.length / 2),
      counts: itemCounts(train),
    };
    return { model: new EmbeddingModel('gensim', vectors, OPTIONS), coreSeconds };
  });
};

/** Events a second of the plain reference, from a part of the data. */
const referenceRate = async (train: Histories): Promise<number> => {
  const rows = Array.from({ length: REFERENCE_PEOPLE }, (_, user) => historyOf(train, user).items);
  const part = sequencesOf(historiesOfRows(rows, train.itemCount), null);
  const options = { ...OPTIONS, epochs: 1 };
  const { coreSeconds } = await coreSecondsOf(() =>
    trainSkipGram(part, options, { seed: SEED }, referenceLearner),
  );
  return part.items.length / coreSeconds;
};

const hitRatesOf = (
  train: Histories,
  targets: Int32Array,
  models: readonly EmbeddingModel[],
): number[] => {
  const contenders = models.map(
    (model, index): Contender => ({
      name: `${index}`,
      fitSeconds: 0,
      modelBytes: model.sizeBytes,
      seed: SEEDS[index]!,
      score: ({ history }, scores) => model.score(history, scores),
    }),
  );
  const run = runRanking({ histories: train, targets, against: 'unseen' }, contenders, []);
  return rowsOf(run, contenders, []).map(({ metrics }) => metrics['HR@10']!.mean);
};

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** How far the mean of so many seeds may be off. */
const errorOf = (values: readonly number[]): number => {
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
};

export const skipGramRows = async (): Promise<Figure[]> => {
  if (!isPresent(SASREC_FILE)) {
    console.log(absenceOf(SASREC_FILE, 'P8, skip-gram beside gensim'));
    return [];
  }
  installPackages([PACKAGE]);
  const { train, targets } = leaveLastOut(await readSasrec());
  const events = train.items.length * OPTIONS.epochs;
  const plain = await referenceRate(train);
  const ours: Trained[] = [];
  const theirs: Trained[] = [];
  for (const seed of SEEDS) {
    ours.push(await trainOurs(train, seed));
    theirs.push(await trainGensim(train, seed));
  }
  const [ourHits, theirHits] = [ours, theirs].map((trained) =>
    hitRatesOf(
      train,
      targets,
      trained.map(({ model }) => model),
    ),
  ) as [number[], number[]];
  const [ourSeconds, theirSeconds] = [ours, theirs].map((trained) =>
    meanOf(trained.map(({ coreSeconds }) => coreSeconds)),
  ) as [number, number];
  const rate = events / ourSeconds;
  const error = Math.hypot(errorOf(ourHits), errorOf(theirHits));
  return [
    { name: 'skip-gram, d = 128, window 3, 5 negatives', value: rate, unit: 'events/s/core' },
    { name: 'the same, gensim', value: events / theirSeconds, unit: 'events/s/core' },
    {
      name: 'events/s per core against gensim',
      value: theirSeconds / ourSeconds,
      unit: '×',
      isRatio: true,
      reach: { atLeast: 1.3 },
    },
    { name: 'against the plain reference', value: rate / plain, unit: '×', isRatio: true },
    { name: `HR@10 on Q2, mean of ${SEEDS.length} seeds`, value: meanOf(ourHits), unit: '' },
    { name: 'the same, gensim', value: meanOf(theirHits), unit: '' },
    { name: 'standard error of the difference', value: error, unit: '' },
    {
      name: 'HR@10 against gensim',
      value: meanOf(ourHits) / meanOf(theirHits),
      unit: '×',
      isRatio: true,
      reach: { atLeast: 1 },
    },
  ];
};
