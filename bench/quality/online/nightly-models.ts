/**
 * Models that are solved at each refresh (the night), in two forms: `frozen` also goes by what each
 * person had done by then, as a list that is computed overnight would; `live` goes by what they have
 * done until now, on the models of the night.
 */
import { fitImplicitAls, type ImplicitAls } from '../../../algorithms/factors/implicit-als.ts';
import {
  DEFAULT_IMPLICIT_ALS_OPTIONS,
  type ImplicitAlsOptions,
} from '../../../algorithms/factors/implicit-als-options.ts';
import { historiesOfRows, historyOfItems } from '../../../algorithms/histories/histories.ts';
import type { KernelEngine } from '../../../algorithms/kernels/kernel-engine.ts';
import { DEFAULT_EASE_OPTIONS, fitEase } from '../../../algorithms/linear/ease.ts';
import { DEFAULT_NEXT_ITEM_OPTIONS, fitNextItem } from '../../../algorithms/linear/next-item.ts';
import { kernelLinearAlgebra } from '../../../algorithms/linear-algebra/kernel-linear-algebra.ts';
import type { ItemModel } from '../../../algorithms/model/item-model.ts';
import type { OnlineModel, OnlineSize } from './online-model.ts';

export interface NightlyPair<Model extends ItemModel = ItemModel> {
  readonly frozen: OnlineModel;
  readonly live: OnlineModel;
  /** As of the last refresh. */
  model(): Model | undefined;
}

interface NightlyRecipe<Model> {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly fit: (rows: readonly (readonly number[])[], itemCount: number) => Promise<Model>;
}

const SEED = 1;

export const nightlyTaste = (size: OnlineSize, engine: KernelEngine): NightlyPair<ImplicitAls> => {
  const settings: ImplicitAlsOptions = { ...DEFAULT_IMPLICIT_ALS_OPTIONS, dimensions: 64 };
  return nightly(size, {
    name: 'taste',
    settings: { ...settings },
    fit: (rows, itemCount): Promise<ImplicitAls> =>
      fitImplicitAls(historiesOfRows(rows, itemCount), settings, { seed: SEED }, engine),
  });
};

export const nightlyEase = (
  size: OnlineSize,
  engine: KernelEngine,
  regularisation: number,
): NightlyPair => {
  const settings = { ...DEFAULT_EASE_OPTIONS, regularisation };
  const algebra = kernelLinearAlgebra(engine, { precision: 'f64' });
  return nightly(size, {
    name: 'EASE',
    settings,
    fit: (rows, itemCount) =>
      fitEase(historiesOfRows(rows, itemCount), settings, { seed: SEED }, algebra),
  });
};

export const nightlyNextItem = (size: OnlineSize, engine: KernelEngine): NightlyPair => {
  const algebra = kernelLinearAlgebra(engine, { precision: 'f32' });
  return nightly(size, {
    name: 'next-item',
    settings: { ...DEFAULT_NEXT_ITEM_OPTIONS },
    fit: (rows, itemCount) =>
      fitNextItem(
        historiesOfRows(rows, itemCount),
        DEFAULT_NEXT_ITEM_OPTIONS,
        { seed: SEED },
        algebra,
      ),
  });
};

const nightly = <Model extends ItemModel>(
  { userCount, itemCount }: OnlineSize,
  recipe: NightlyRecipe<Model>,
): NightlyPair<Model> => {
  const learned: number[][] = Array.from({ length: userCount }, () => []);
  const lengthsAtNight = new Uint32Array(userCount);
  let model: Model | undefined;
  const { settings } = recipe;
  return {
    model: () => model,
    frozen: {
      name: `${recipe.name} of the night`,
      settings,
      score: (user, history, scores) =>
        scoreBy(model, history.slice(0, lengthsAtNight[user]), scores),
      learn: () => {},
    },
    live: {
      name: recipe.name,
      settings,
      score: (_user, history, scores) => scoreBy(model, history, scores),
      learn: (user, _history, item) => {
        learned[user]!.push(item);
      },
      async refresh() {
        const active = learned.filter((items) => items.length > 0);
        model = await recipe.fit(active, itemCount);
        learned.forEach((items, user) => {
          lengthsAtNight[user] = items.length;
        });
      },
    },
  };
};

const scoreBy = (
  model: ItemModel | undefined,
  history: readonly number[],
  scores: Float64Array,
): void => {
  scores.fill(0);
  if (history.length > 0) model?.score(historyOfItems(history), scores);
};

/** A counting model as it stood at the last refresh; it learns the rest then. */
export const ofTheNight = (model: OnlineModel): OnlineModel => {
  const waiting: { user: number; history: readonly number[]; item: number }[] = [];
  const lengths = new Map<number, number>();
  const atNight = new Map<number, number>();
  return {
    name: `${model.name} of the night`,
    settings: model.settings,
    score: (user, history, scores) =>
      model.score(user, history.slice(0, atNight.get(user) ?? 0), scores),
    learn(user, history, item) {
      waiting.push({ user, history: history.slice(), item });
      lengths.set(user, history.length + 1);
    },
    async refresh() {
      for (const { user, history, item } of waiting.splice(0)) model.learn(user, history, item);
      for (const [user, length] of lengths) atNight.set(user, length);
      lengths.clear();
    },
  };
};
