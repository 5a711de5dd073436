/** The models that take minutes to train, in a table only with `--neural`. */
import type { Histories } from '../../algorithms/histories/histories.ts';
import { DEFAULT_CAUSAL_OPTIONS, fitCausal } from '../../algorithms/neural/causal-model.ts';
import { DEFAULT_NEUMF_OPTIONS, fitNeuMf } from '../../algorithms/neural/neumf.ts';
import { type Contender, contenderOf } from './contender.ts';
import { engine } from './engine.ts';
import { logPool } from './log-pool.ts';
import { reporting } from './usual-contenders.ts';

const SEED = 1;
/** A training that goes wrong is to be seen early. */
const STEPS_BETWEEN_REPORTS = 250;

export const causalContender = (train: Histories): Promise<Contender> =>
  contenderOf({
    name: 'causal',
    seed: SEED,
    settings: DEFAULT_CAUSAL_OPTIONS,
    note: `trained on ${engine.threadCount} threads`,
    fit: () =>
      fitCausal(train, DEFAULT_CAUSAL_OPTIONS, reporting('causal'), {
        engine,
        checkpointEvery: STEPS_BETWEEN_REPORTS,
        onCheckpoint: ({ stepsDone, loss }) => {
          console.error(`  causal: step ${stepsDone}, ${loss.toFixed(3)} nats a target`);
        },
      }),
  });

export const NEURAL_POOL = logPool('log pool: next-item + sequence kNN + causal + EASE', {
  shares: { 'next-item': 0.5, 'sequence kNN': 0.3 },
  logits: { causal: 0.5 },
  zScores: { EASE: 0.1 },
});

/** People by their row in the training data, as published, and folded in from their histories. */
export const neuMfContenders = async (train: Histories): Promise<Contender[]> => {
  const folded = await contenderOf({
    name: 'NeuMF, people folded in',
    seed: SEED,
    settings: DEFAULT_NEUMF_OPTIONS,
    note: 'the same fit',
    fit: () => fitNeuMf(train, DEFAULT_NEUMF_OPTIONS, reporting('NeuMF'), engine),
  });
  const trained: Contender = {
    ...folded,
    name: 'NeuMF',
    note: 'published: .709 / .435',
    score: ({ user }, scores) => folded.model.scoreUser(user, scores),
  };
  return [trained, folded];
};
