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
  /** All items' vectors as they stand now, where the kernels multiply them. */
  readonly moved: FoldIn;
}

/** `ofTheNight` has been solved again before this model is refreshed. */
export const pulledTaste = (
  ofTheNight: () => ImplicitAls | undefined,
  engine: KernelEngine,
): OnlineModel => {
  const options = DEFAULT_ITEM_PULL_OPTIONS;
  let night: Night | undefined;
  let person = new Float32Array(0);
  let solvedFor: { readonly history: readonly number[]; readonly length: number } | undefined;
  const solve = ({ foldIn }: Night, history: readonly number[]): void => {
    // An event is mostly learned right after it was ranked.
    if (solvedFor?.history === history && solvedFor.length === history.length) return;
    foldIn.solve({ items: history, weights: history.map(() => 1) }, person);
    solvedFor = { history, length: history.length };
  };
  return {
    name: 'taste, items online',
    settings: { ...options },
    score(_user, history, scores) {
      scores.fill(0);
      if (!night || history.length === 0) return;
      solve(night, history);
      scores.set(night.moved.scores(person));
    },
    learn(_user, history, item) {
      if (!night || history.length === 0) return;
      solve(night, history);
      const own = night.foldIn.factorsOf(item);
      night.pulls.add({ item, weight: 1, person }, own);
      night.moved.factorsOf(item).set(pulledVector(item, own, [night.pulls], options));
    },
    async refresh() {
      const model = ofTheNight();
      if (!model) return;
      night?.foldIn.release();
      night?.moved.release();
      solvedFor = undefined;
      const { dimensions } = model.options;
      person = new Float32Array(dimensions);
      night = {
        foldIn: new FoldIn(engine, model),
        pulls: new ItemPulls(dimensions, options),
        moved: new FoldIn(engine, model),
      };
    },
  };
};
