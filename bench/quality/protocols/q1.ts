/**
 * Q1: NCF's files. The newest item of each user against 99 items that the file gives; HR@10 and
 * NDCG@10. Leave-one-out, so not time-respecting.
 *
 * The blends' weights were chosen on the validation part (`npm run quality -- Q1 --validation`).
 */
import {
  type UserNeighbourOptions,
  UserNeighbours,
  type UserSimilarity,
} from '../../../algorithms/neighbourhood/user-neighbours.ts';
import { type Contender, contenderOf } from '../contender.ts';
import { NCF_FILE, readNcf, validationOf } from '../datasets/ncf.ts';
import { causalContender, NEURAL_POOL, neuMfContenders } from '../neural-contenders.ts';
import { compareWithBestPart, rowsOf, runRanking } from '../ranking-run.ts';
import { zBlend } from '../score-blends.ts';
import { usualContenders } from '../usual-contenders.ts';
import type { Protocol } from './protocol.ts';

const BLENDS = [
  zBlend('order-blind: iALS + EASE', { iALS: 2, EASE: 1 }),
  zBlend('next-item + sequence kNN + EASE', { 'next-item': 1, 'sequence kNN': 1.5, EASE: 1.5 }),
];

const MEASURES: readonly UserSimilarity[] = ['euclidean', 'pearson', 'cosine'];

const userContender = (
  train: ConstructorParameters<typeof UserNeighbours>[0],
  measure: UserSimilarity,
): Promise<Contender> => {
  const settings: UserNeighbourOptions = {
    measure,
    neighbours: 200,
    minOverlap: 3,
    significance: 50,
    isCentred: measure === 'pearson',
  };
  return contenderOf({
    name: `user-based, ${measure}`,
    settings,
    fit: () => new UserNeighbours(train, settings),
  });
};

export const q1: Protocol = {
  id: 'Q1',
  title: 'NCF’s files (MovieLens 1M): last item against 99 given ones',
  file: NCF_FILE,
  hasNeural: true,
  async run(part, { isNeural }) {
    const data = part === 'test' ? await readNcf() : validationOf(await readNcf(), 1);
    const contenders = await usualContenders(data.train, {
      nextItemRegularisation: 1000,
      easeRegularisation: 1000,
      sequenceDecay: 0.75,
    });
    for (const measure of MEASURES) contenders.push(await userContender(data.train, measure));
    if (isNeural) {
      contenders.push(...(await neuMfContenders(data.train)), await causalContender(data.train));
    }
    const blends = isNeural ? [...BLENDS, NEURAL_POOL] : BLENDS;
    const task = { histories: data.train, targets: data.targets, against: data.negatives };
    const run = runRanking(task, contenders, blends);
    return {
      remarks: [
        'Not time-respecting: models see other users’ later events.',
        'Known figures: popularity .4538 / .2536, EASE .718 / .449.',
      ],
      rows: rowsOf(run, contenders, blends),
      comparisons: blends.flatMap((blend) => compareWithBestPart(run, blend)),
    };
  },
};
