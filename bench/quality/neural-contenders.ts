/** The models that take minutes to train, in a table only with `--neural`. */
import type { Histories } from '../../algorithms/histories/histories.ts';
import { DEFAULT_CAUSAL_OPTIONS, fitCausal } from '../../algorithms/neural/causal-model.ts';
import { type Contender, contenderOf } from './contender.ts';
import { engine } from './engine.ts';
import { logPool } from './log-pool.ts';
import { reporting } from './usual-contenders.ts';

const SEED = 1;

export const causalContender = (train: Histories): Promise<Contender> =>
  contenderOf({
    name: 'causal',
    seed: SEED,
    settings: DEFAULT_CAUSAL_OPTIONS,
    note: `trained on ${engine.threadCount} threads`,
    fit: () => fitCausal(train, DEFAULT_CAUSAL_OPTIONS, reporting('causal'), { engine }),
  });

export const NEURAL_POOL = logPool('log pool: next-item + sequence kNN + causal + EASE', {
  shares: { 'next-item': 0.5, 'sequence kNN': 0.3 },
  logits: { causal: 0.5 },
  zScores: { EASE: 0.1 },
});
