/**
 * Taste with items' vectors that follow the events since the night: people are folded in on the night's
 * vectors and scored by the moved ones.
 */
import { FoldIn } from '../../../algorithms/factors/fold-in.ts';
import type { ImplicitAls } from '../../../algorithms/factors/implicit-als.ts';
import {
  DEFAULT_ITEM_PULL_OPTIONS,
  ItemPulls,
  pulledVector,
} from '../../../algorithms/factors/item-pulls.ts';
import type { KernelEngine } from '../../../algorithms/kernels/kernel-engine.ts';
import type { OnlineModel } from './online-model.ts';

interface Night {
  readonly foldIn: FoldIn;
  readonly pulls: ItemPulls;
  /** All items' vectors as they stand now. */
  readonly moved: Float32Array;
}

/** `ofTheNight` has been solved again before this model is refreshed. */
export const pulledTaste = (
  ofTheNight: () => ImplicitAls | undefined,
  engine: KernelEngine,
): OnlineModel => {
  const options = DEFAULT_ITEM_PULL_OPTIONS;
  let night: Night | undefined;
  let person = new Float32Array(0);
  const solve = ({ foldIn }: Night, history: readonly number[]): void =>
    foldIn.solve({ items: history, weights: history.map(() => 1) }, person);
  return {
    name: 'taste, items online',
    settings: { ...options },
    score(_user, history, scores) {
      scores.fill(0);
      if (!night || history.length === 0) return;
      solve(night, history);
      const d = person.length;
      for (let item = 0, at = 0; item < scores.length; item++, at += d) {
        let sum = 0;
        for (let k = 0; k < d; k++) sum += night.moved[at + k]! * person[k]!;
        scores[item] = sum;
      }
    },
    learn(_user, history, item) {
      if (!night || history.length === 0) return;
      solve(night, history);
      const own = night.foldIn.factorsOf(item);
      night.pulls.add({ item, weight: 1, person }, own);
      const at = item * person.length;
      night.moved.set(pulledVector(item, own, [night.pulls], options), at);
    },
    async refresh() {
      const model = ofTheNight();
      if (!model) return;
      night?.foldIn.release();
      const { dimensions } = model.options;
      person = new Float32Array(dimensions);
      night = {
        foldIn: new FoldIn(engine, model),
        pulls: new ItemPulls(dimensions, options),
        moved: model.factors.slice(),
      };
    },
  };
};
