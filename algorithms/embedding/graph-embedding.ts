/**
 * Item vectors from walks over the item graph: what is joined by paths becomes alike, also where no
 * history holds both. The walks are learned by skip-gram, as item2vec learns histories; counts for
 * the damping are those of the histories, not of the walks.
 */
import { checkHistories, type Histories, itemCounts } from '../histories/histories.ts';
import { type FitContext, partOf, pause } from '../model/fit-context.ts';
import { checkCount, checkPositive, checkRange } from '../model/option-checks.ts';
import { seededRandom } from '../random/seeded-random.ts';
import { checkScoreOptions, EmbeddingModel } from './embedding-model.ts';
import { type WalkOptions, walksOf } from './graph-walks.ts';
import { type ItemGraphOptions, itemGraphOf } from './item-graph.ts';
import { DEFAULT_ITEM2VEC_OPTIONS, type Item2vecOptions, sequencesOf } from './item2vec.ts';
import { type StepLearner, trainSkipGram } from './skip-gram.ts';

export interface GraphEmbeddingOptions extends Item2vecOptions, ItemGraphOptions, WalkOptions {}

export const DEFAULT_GRAPH_EMBEDDING_OPTIONS: GraphEmbeddingOptions = {
  ...DEFAULT_ITEM2VEC_OPTIONS,
  steps: 3,
  stepDecay: 0.6,
  isDirected: false,
  edgesPerItem: 200,
  walksPerItem: 20,
  walkLength: 20,
  returnWeight: 1,
  leaveWeight: 1,
  epochs: 10,
};

const FORMAT = 'graph-embedding/1';
const WALKS_SHARE = 0.1;

const checkOptions = (options: GraphEmbeddingOptions): void => {
  checkScoreOptions(options);
  checkCount('steps', options.steps);
  checkRange('stepDecay', options.stepDecay, { min: Number.MIN_VALUE, max: 1 });
  checkCount('edgesPerItem', options.edgesPerItem);
  checkCount('walksPerItem', options.walksPerItem);
  checkCount('walkLength', options.walkLength, 2);
  checkPositive('returnWeight', options.returnWeight);
  checkPositive('leaveWeight', options.leaveWeight);
  if (options.sessionGap !== null) checkPositive('sessionGap', options.sessionGap);
};

export const fitGraphEmbedding = async (
  histories: Histories,
  options: GraphEmbeddingOptions,
  context: FitContext,
  learner?: StepLearner,
): Promise<EmbeddingModel> => {
  checkOptions(options);
  checkHistories(histories);
  const sequences = sequencesOf(histories, options.sessionGap);
  const graph = itemGraphOf(sequences, options);
  const walks = walksOf(graph, options, seededRandom(context.seed).fork(3));
  await pause(context, WALKS_SHARE);
  const rest = partOf(context, { start: WALKS_SHARE, end: 1 });
  const vectors = await trainSkipGram(walks, options, rest, learner);
  // An item that no walk met has no vector, and so must not count as known.
  const inHistories = itemCounts({ ...histories, items: sequences.items });
  const counts = inHistories.map((count, item) => (vectors.counts[item]! > 0 ? count : 0));
  return new EmbeddingModel(FORMAT, { ...vectors, counts }, options);
};

export const readGraphEmbedding = (bytes: Uint8Array): EmbeddingModel =>
  EmbeddingModel.read(bytes, FORMAT);
