/**
 * Against implicit (PyPI), in the same run on the same data and cores: the time of one ALS iteration
 * on the shape of MovieLens 20M, and, where NCF's files are there, ALS and item-item cosine on Q1 with
 * implicit's regularisation and alpha chosen on the validation part (as ours were).
 */
import { availableParallelism } from 'node:os';
import { fitImplicitAls } from '../../algorithms/factors/implicit-als.ts';
import { DEFAULT_IMPLICIT_ALS_OPTIONS } from '../../algorithms/factors/implicit-als-options.ts';
import type { Histories } from '../../algorithms/histories/histories.ts';
import type { ItemModel } from '../../algorithms/model/item-model.ts';
import {
  DEFAULT_ITEM_ITEM_OPTIONS,
  fitItemItem,
} from '../../algorithms/neighbourhood/item-item.ts';
import { alsOptions, iterationSeconds } from '../algorithms/p7-als.ts';
import { ML_20M, syntheticHistories } from '../algorithms/synthetic-events.ts';
import { SEED } from '../algorithms/timing.ts';
import { type Contender, contenderOf } from '../quality/contender.ts';
import { absenceOf, isPresent } from '../quality/datasets/location.ts';
import { NCF_FILE, type NcfData, readNcf, validationOf } from '../quality/datasets/ncf.ts';
import { engine } from '../quality/engine.ts';
import { AT_10, rowsOf, runRanking } from '../quality/ranking-run.ts';
import type { Figure } from '../result.ts';
import { installPackages, runPython, withFiles } from './environment.ts';

const PACKAGES = ['implicit==0.7.2', 'numpy<3', 'scipy'];
const THREADS = String(availableParallelism());
/** implicit asks for it: its own threads and the BLAS' would fight. */
const ONE_BLAS_THREAD = { OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };

const filesOf = (part: string, { starts, items, itemCount }: Histories) => ({
  [`${part}-starts`]: starts,
  [`${part}-items`]: items,
  [`${part}-size`]: Uint32Array.of(itemCount),
});

const speedFigures = async (): Promise<Figure[]> => {
  const histories = syntheticHistories(ML_20M, SEED);
  const threads = Number(THREADS);
  const ours = {
    exact: await iterationSeconds(histories, alsOptions('exact'), threads),
    'conjugate gradient': await iterationSeconds(
      histories,
      alsOptions('conjugate-gradient'),
      threads,
    ),
  };
  const { seconds } = await withFiles(filesOf('train', histories), async (directory) =>
    runPython<{ seconds: number[] }>(
      'implicit_models.py',
      ['speed', directory, '64', THREADS],
      ONE_BLAS_THREAD,
    ),
  );
  const theirs = Math.min(...seconds.slice(1));
  const shape = `ALS iteration, 10 M likes, d = 64, ${THREADS} threads`;
  return [
    { name: `${shape}, implicit (conjugate gradient)`, value: theirs, unit: 's (fastest)' },
    ...Object.entries(ours).flatMap(([name, [fastest]]) => [
      { name: `${shape}, ${name}`, value: fastest!, unit: 's (fastest)' },
      {
        name: `${name} against implicit's time`,
        value: fastest! / theirs,
        unit: '×',
        isRatio: true,
        ...(name === 'conjugate gradient' ? { reach: { atMost: 1 } } : {}),
      },
    ]),
  ];
};

interface PeerRow {
  readonly hr: number;
  readonly ndcg: number;
  readonly seconds: number;
  readonly settings?: string;
}
type PeerRows = Readonly<Record<'als64' | 'als192' | 'cosine', PeerRow>>;

const questionFiles = (part: string, data: NcfData) => ({
  ...filesOf(part, data.train),
  [`${part}-targets`]: data.targets,
  [`${part}-negatives`]: Uint32Array.from(data.negatives.flatMap((row) => [...row])),
});

/** Order-blind models see items alone, ours like theirs. */
const ourContenders = async (train: Histories): Promise<Contender[]> => {
  const fits: readonly [string, () => Promise<ItemModel>][] = [64, 192].map((dimensions) => [
    `ALS, d = ${dimensions}`,
    () =>
      fitImplicitAls(
        train,
        { ...DEFAULT_IMPLICIT_ALS_OPTIONS, dimensions },
        { seed: SEED },
        engine,
      ),
  ]);
  const cosine = { ...DEFAULT_ITEM_ITEM_OPTIONS, similarity: 'cosine' as const };
  const all = [
    ...fits,
    ['item-item cosine', () => fitItemItem(train, cosine, { seed: SEED })] as const,
  ];
  const contenders: Contender[] = [];
  for (const [name, fit] of all) contenders.push(await contenderOf({ name, fit }));
  return contenders;
};

const qualityFigures = async (): Promise<Figure[]> => {
  if (!isPresent(NCF_FILE)) {
    console.log(absenceOf(NCF_FILE, 'the quality beside implicit'));
    return [];
  }
  const data = await readNcf();
  const train = { ...data.train, weights: null, times: null };
  const contenders = await ourContenders(train);
  const task = { histories: train, targets: data.targets, against: data.negatives };
  const ours = rowsOf(runRanking(task, contenders, []), contenders, [], AT_10);
  const files = {
    ...questionFiles('test', data),
    ...questionFiles('validation', validationOf(data, SEED)),
  };
  const theirs = await withFiles(files, async (directory) =>
    runPython<PeerRows>('implicit_models.py', ['quality', directory, THREADS], ONE_BLAS_THREAD),
  );
  const peers = [theirs.als64, theirs.als192, theirs.cosine];
  return ours.flatMap(({ model, metrics, fitSeconds }, k) => {
    const peer = peers[k]!;
    const named = peer.settings ? `implicit (${peer.settings})` : 'implicit';
    return [
      { name: `Q1 ${model}: HR@10`, value: metrics['HR@10']!.mean, unit: '' },
      { name: `Q1 ${model}: HR@10, ${named}`, value: peer.hr, unit: '' },
      { name: `Q1 ${model}: NDCG@10`, value: metrics['NDCG@10']!.mean, unit: '' },
      { name: `Q1 ${model}: NDCG@10, implicit`, value: peer.ndcg, unit: '' },
      { name: `Q1 ${model}: fit`, value: fitSeconds, unit: 's' },
      { name: `Q1 ${model}: fit, implicit`, value: peer.seconds, unit: 's' },
    ];
  });
};

export const besideImplicit = async (): Promise<Figure[]> => {
  installPackages(PACKAGES);
  return [...(await speedFigures()), ...(await qualityFigures())];
};
