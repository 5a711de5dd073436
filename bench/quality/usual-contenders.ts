/** The models that every ranking table shows, fitted on one training part. */

import { fitImplicitAls } from '../../algorithms/factors/implicit-als.ts';
import {
  DEFAULT_IMPLICIT_ALS_OPTIONS,
  type ImplicitAlsOptions,
} from '../../algorithms/factors/implicit-als-options.ts';
import type { Histories } from '../../algorithms/histories/histories.ts';
import { DEFAULT_EASE_OPTIONS, fitEase } from '../../algorithms/linear/ease.ts';
import { DEFAULT_NEXT_ITEM_OPTIONS, fitNextItem } from '../../algorithms/linear/next-item.ts';
import type { FitContext } from '../../algorithms/model/fit-context.ts';
import {
  DEFAULT_ITEM_ITEM_OPTIONS,
  fitItemItem,
  type ItemSimilarity,
} from '../../algorithms/neighbourhood/item-item.ts';
import {
  DEFAULT_RANDOM_WALK_OPTIONS,
  fitRandomWalk,
} from '../../algorithms/neighbourhood/random-walk.ts';
import {
  DEFAULT_SEQUENCE_NEIGHBOUR_OPTIONS,
  SequenceNeighbours,
} from '../../algorithms/neighbourhood/sequence-neighbours.ts';
import {
  DEFAULT_TRANSITION_OPTIONS,
  fitTransitions,
} from '../../algorithms/neighbourhood/transitions.ts';
import { fitItemPopularity } from '../../algorithms/popularity/item-popularity.ts';
import { type Contender, contenderOf, randomContender } from './contender.ts';
import { engine, fastAlgebra, preciseAlgebra } from './engine.ts';

const SEED = 1;

/** Says on the error stream how far a long fit is, at most every tenth of it. */
export const reporting = (name: string): FitContext => {
  let told = 0;
  return {
    seed: SEED,
    onProgress(share) {
      if (share - told < 0.1) return;
      told = share;
      console.error(`  ${name}: ${Math.round(share * 100)} %`);
    },
  };
};

export interface UsualSettings {
  readonly nextItemRegularisation: number;
  readonly easeRegularisation: number;
  readonly sequenceDecay: number;
}

const easeContender = (train: Histories, regularisation: number): Promise<Contender> => {
  const settings = { ...DEFAULT_EASE_OPTIONS, regularisation, keepPerItem: train.itemCount };
  return contenderOf({
    name: 'EASE',
    settings,
    fit: () => fitEase(train, settings, reporting('EASE'), preciseAlgebra),
  });
};

/** Ratings and times are left out: that a film was rated is the signal. */
export const alsContender = async (
  name: string,
  train: Histories,
  some: Partial<ImplicitAlsOptions>,
): Promise<Contender> => {
  const settings = { ...DEFAULT_IMPLICIT_ALS_OPTIONS, ...some };
  const events = { ...train, weights: null, times: null };
  const contender = await contenderOf({
    name,
    settings,
    seed: SEED,
    fit: () => fitImplicitAls(events, settings, { seed: SEED }, engine),
  });
  const { model } = contender;
  return {
    ...contender,
    score: ({ history }, scores) =>
      model.score({ items: history.items, weights: null, times: null }, scores),
  };
};

/** With all weights, and with as many of each row as serve. */
const nextItemContenders = async (
  train: Histories,
  regularisation: number,
): Promise<Contender[]> => {
  const settings = { ...DEFAULT_NEXT_ITEM_OPTIONS, regularisation, keepPerRow: train.itemCount };
  const whole = await contenderOf({
    name: 'next-item, all weights',
    settings,
    fit: () => fitNextItem(train, settings, reporting('next-item'), fastAlgebra),
  });
  const { keepPerRow } = DEFAULT_NEXT_ITEM_OPTIONS;
  const serving = await contenderOf({
    name: 'next-item',
    settings: { ...settings, keepPerRow },
    note: 'the same fit, fewer weights',
    fit: () => whole.model.keeping(keepPerRow),
  });
  return [whole, serving];
};

const itemItemContender = (train: Histories, similarity: ItemSimilarity): Promise<Contender> => {
  const settings = { ...DEFAULT_ITEM_ITEM_OPTIONS, similarity };
  return contenderOf({
    name: `item-item, ${similarity}`,
    settings,
    fit: () => fitItemItem(train, settings, { seed: SEED }),
  });
};

/** Popularity and random first, the strongest last. */
export const usualContenders = async (
  train: Histories,
  { nextItemRegularisation, easeRegularisation, sequenceDecay }: UsualSettings,
): Promise<Contender[]> => {
  const sequence = { ...DEFAULT_SEQUENCE_NEIGHBOUR_OPTIONS, decay: sequenceDecay };
  return [
    randomContender(SEED),
    await contenderOf({ name: 'popularity', fit: () => fitItemPopularity(train) }),
    await itemItemContender(train, 'cosine'),
    await itemItemContender(train, 'jaccard'),
    await itemItemContender(train, 'log-likelihood'),
    await contenderOf({
      name: 'RP3beta',
      settings: DEFAULT_RANDOM_WALK_OPTIONS,
      fit: () => fitRandomWalk(train, DEFAULT_RANDOM_WALK_OPTIONS, { seed: SEED }),
    }),
    await easeContender(train, easeRegularisation),
    await alsContender('iALS, d = 64', train, { dimensions: 64 }),
    await alsContender('iALS', train, {}),
    await contenderOf({
      name: 'transitions',
      settings: DEFAULT_TRANSITION_OPTIONS,
      fit: () => fitTransitions(train, DEFAULT_TRANSITION_OPTIONS, { seed: SEED }),
    }),
    await contenderOf({
      name: 'sequence kNN',
      settings: sequence,
      fit: () => new SequenceNeighbours(train, sequence),
    }),
    ...(await nextItemContenders(train, nextItemRegularisation)),
  ];
};
