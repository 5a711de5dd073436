/**
 * Q8: item vectors alone, on Q2's protocol: the SASRec sequences, the last item of each user among
 * all that they have not met. Beside item2vec as tuned (three seeds) stand the same vectors by
 * cosine, item2vec with the usual settings of word embeddings, walks over the item graph, and BPR.
 * Leave-one-out, so not time-respecting.
 *
 * Settings were chosen on the validation part (`-- Q8 --validation`).
 */
import {
  DEFAULT_GRAPH_EMBEDDING_OPTIONS,
  fitGraphEmbedding,
  type GraphEmbeddingOptions,
} from '../../../algorithms/embedding/graph-embedding.ts';
import {
  DEFAULT_ITEM2VEC_OPTIONS,
  fitItem2vec,
  type Item2vecOptions,
} from '../../../algorithms/embedding/item2vec.ts';
import { DEFAULT_BPR_OPTIONS, fitBpr } from '../../../algorithms/factors/bpr.ts';
import type { Histories } from '../../../algorithms/histories/histories.ts';
import { fitItemPopularity } from '../../../algorithms/popularity/item-popularity.ts';
import { leaveLastOut } from '../../../algorithms/splits/leave-one-out.ts';
import { type Contender, contenderOf, randomContender } from '../contender.ts';
import { readSasrec, SASREC_FILE } from '../datasets/sasrec.ts';
import { rowsOf, runRanking } from '../ranking-run.ts';
import type { Protocol } from './protocol.ts';

const SEEDS = [1, 2, 3];
const SEED = 1;

/** What word embeddings are trained with when nothing is said, and the usual score. */
const USUAL: Item2vecOptions = {
  ...DEFAULT_ITEM2VEC_OPTIONS,
  dimensions: 100,
  window: 5,
  negativeExponent: 0.75,
  subsampling: 0.001,
  epochs: 5,
  scoring: 'cosine',
  historyDecay: 1,
  countDamping: 0,
};

const BY_COSINE = { scoring: 'cosine', historyDecay: 0.9, countDamping: 0 } as const;

const NODE2VEC: GraphEmbeddingOptions = {
  ...DEFAULT_GRAPH_EMBEDDING_OPTIONS,
  returnWeight: 4,
  leaveWeight: 2,
};

const vectorContenders = async (train: Histories): Promise<Contender[]> => {
  const settings = DEFAULT_ITEM2VEC_OPTIONS;
  const contenders: Contender[] = [];
  for (const seed of SEEDS) {
    const tuned = await contenderOf({
      name: seed === SEED ? 'item2vec' : `item2vec, seed ${seed}`,
      seed,
      settings,
      fit: () => fitItem2vec(train, settings, { seed }),
    });
    contenders.push(tuned);
    if (seed !== SEED) continue;
    const byCosine = await contenderOf({
      name: 'item2vec, cosine',
      seed,
      settings: { ...settings, ...BY_COSINE },
      note: 'the same vectors',
      fit: () => tuned.model.scoredBy(BY_COSINE),
    });
    contenders.push(byCosine);
  }
  const usual = await contenderOf({
    name: 'item2vec, usual settings',
    seed: SEED,
    settings: USUAL,
    fit: () => fitItem2vec(train, USUAL, { seed: SEED }),
  });
  return [...contenders, usual];
};

const graphContender = (
  name: string,
  train: Histories,
  settings: GraphEmbeddingOptions,
): Promise<Contender> =>
  contenderOf({
    name,
    seed: SEED,
    settings,
    fit: () => fitGraphEmbedding(train, settings, { seed: SEED }),
  });

const bprContender = async (train: Histories): Promise<Contender> => {
  const settings = DEFAULT_BPR_OPTIONS;
  const fitted = await contenderOf({
    name: 'BPR',
    seed: SEED,
    settings,
    fit: () => fitBpr(train, settings, { seed: SEED }),
  });
  return { ...fitted, score: ({ user }, scores) => fitted.model.scoreUser(user, scores) };
};

export const q8: Protocol = {
  id: 'Q8',
  title: 'item vectors alone on SASRec’s sequences: last item among all unseen ones',
  file: SASREC_FILE,
  async run(part) {
    const whole = leaveLastOut(await readSasrec());
    const { train, targets } = part === 'test' ? whole : leaveLastOut(whole.train);
    const contenders = [
      randomContender(SEED),
      await contenderOf({ name: 'popularity', fit: () => fitItemPopularity(train) }),
      await bprContender(train),
      await graphContender('random walks', train, DEFAULT_GRAPH_EMBEDDING_OPTIONS),
      await graphContender('node2vec', train, NODE2VEC),
      ...(await vectorContenders(train)),
    ];
    const run = runRanking({ histories: train, targets, against: 'unseen' }, contenders, []);
    return {
      remarks: ['Not time-respecting: models see other users’ later events.'],
      rows: rowsOf(run, contenders, []),
    };
  },
};
