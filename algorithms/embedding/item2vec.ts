/**
 * item2vec (Barkan and Koenigstein, 2016): items as words, histories or sessions as sentences,
 * vectors by skip-gram with negative sampling. Where histories have times, a pause of more than
 * `sessionGap` ends a sentence.
 *
 * The usual defaults of word embeddings (frequent words left out, wrong answers by count^.75, the
 * average vector by cosine) are useless for films: HR@10 .01 on Q2. The defaults here were chosen on
 * the validation item of Q2 (docs/models.md).
 */
import { checkHistories, type Histories } from '../histories/histories.ts';
import type { FitContext } from '../model/fit-context.ts';
import { checkPositive } from '../model/option-checks.ts';
import {
  checkScoreOptions,
  EmbeddingModel,
  type EmbeddingScoreOptions,
} from './embedding-model.ts';
import { type ItemSequences, type StepLearner, trainSkipGram } from './skip-gram.ts';
import type { SkipGramOptions } from './skip-gram-options.ts';

export interface Item2vecOptions extends SkipGramOptions, EmbeddingScoreOptions {
  /** A pause of more than this, in the unit of the times, parts a history; null parts none. */
  readonly sessionGap: number | null;
}

export const DEFAULT_ITEM2VEC_OPTIONS: Item2vecOptions = {
  dimensions: 128,
  window: 3,
  negatives: 5,
  negativeExponent: 0,
  subsampling: 0,
  epochs: 25,
  rate: 0.025,
  lastRate: 0.0001,
  sessionGap: null,
  scoring: 'in-out',
  historyDecay: 0.6,
  countDamping: 0.5,
};

const FORMAT = 'item2vec/1';

export const fitItem2vec = async (
  histories: Histories,
  options: Item2vecOptions,
  context: FitContext,
  learner?: StepLearner,
): Promise<EmbeddingModel> => {
  if (options.sessionGap !== null) checkPositive('sessionGap', options.sessionGap);
  checkScoreOptions(options);
  checkHistories(histories);
  const sequences = sequencesOf(histories, options.sessionGap);
  const vectors = await trainSkipGram(sequences, options, context, learner);
  return new EmbeddingModel(FORMAT, vectors, options);
};

/** Histories parted at long pauses, without events that weigh 0 or less. */
export const sequencesOf = (histories: Histories, sessionGap: number | null): ItemSequences => {
  const { userCount, itemCount, starts, items, weights, times } = histories;
  const kept = new Uint32Array(items.length);
  const ends: number[] = [];
  let length = 0;
  const end = (): void => {
    if (length > (ends.at(-1) ?? 0)) ends.push(length);
  };
  for (let user = 0; user < userCount; user++) {
    for (let k = starts[user]!; k < starts[user + 1]!; k++) {
      const pause = times && k > starts[user]! ? times[k]! - times[k - 1]! : 0;
      if (sessionGap !== null && pause > sessionGap) end();
      if (!weights || weights[k]! > 0) kept[length++] = items[k]!;
    }
    end();
  }
  return { itemCount, starts: Uint32Array.from([0, ...ends]), items: kept.slice(0, length) };
};

export const readItem2vec = (bytes: Uint8Array): EmbeddingModel =>
  EmbeddingModel.read(bytes, FORMAT);
