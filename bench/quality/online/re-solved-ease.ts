/** EASE over everything learned so far, solved again at each refresh: what a batch run would give. */

import { historiesOfRows, historyOfItems } from '../../../algorithms/histories/histories.ts';
import { inlineEngine } from '../../../algorithms/kernels/kernel-engine.ts';
import { DEFAULT_EASE_OPTIONS, fitEase } from '../../../algorithms/linear/ease.ts';
import type { LinearItemModel } from '../../../algorithms/linear/linear-item-model.ts';
import { kernelLinearAlgebra } from '../../../algorithms/linear-algebra/kernel-linear-algebra.ts';
import type { OnlineModel, OnlineSize } from './online-model.ts';

export const reSolvedEase = ({ userCount, itemCount }: OnlineSize): OnlineModel => {
  const settings = { ...DEFAULT_EASE_OPTIONS, regularisation: 60 };
  const algebra = kernelLinearAlgebra(inlineEngine(), { precision: 'f64' });
  const learned: number[][] = Array.from({ length: userCount }, () => []);
  let model: LinearItemModel | null = null;
  return {
    name: 'EASE re-solved',
    settings,
    score(_user, history, scores) {
      scores.fill(0);
      model?.score(historyOfItems(history), scores);
    },
    learn(user, _history, item) {
      learned[user]!.push(item);
    },
    async refresh() {
      const active = learned.filter((items) => items.length > 0);
      const histories = historiesOfRows(active, itemCount);
      model = await fitEase(histories, settings, { seed: 1 }, algebra);
    },
  };
};
