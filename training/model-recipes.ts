/**
 * How each kind of model is made: from which view of the history, with which settings, and how it is
 * read back. `part` is what its source is called in lists.
 */
import { fitGraphEmbedding, readGraphEmbedding } from '../algorithms/embedding/graph-embedding.ts';
import { fitItem2vec, readItem2vec } from '../algorithms/embedding/item2vec.ts';
import { kernelLearner } from '../algorithms/embedding/skip-gram.ts';
import { fitImplicitAls, readImplicitAls } from '../algorithms/factors/implicit-als.ts';
import type { Histories } from '../algorithms/histories/histories.ts';
import type { KernelEngine } from '../algorithms/kernels/kernel-engine.ts';
import { fitEase, readEase } from '../algorithms/linear/ease.ts';
import { fitNextItem, readNextItem } from '../algorithms/linear/next-item.ts';
import { kernelLinearAlgebra } from '../algorithms/linear-algebra/kernel-linear-algebra.ts';
import type { FitContext } from '../algorithms/model/fit-context.ts';
import type { ItemModel } from '../algorithms/model/item-model.ts';
import type { ModelKind } from '../schemas/release.ts';
import type { TrainingOptions } from './options.ts';

export interface FitTools {
  readonly options: TrainingOptions;
  readonly engine: KernelEngine;
  readonly context: FitContext;
}

export interface ModelRecipe {
  readonly kind: ModelKind;
  readonly part: string;
  readonly view: 'weighted' | 'sequences';
  readonly isLogit: boolean;
  /** Why it cannot be made of so many items; undefined where it can. */
  readonly unfit?: (itemCount: number, options: TrainingOptions) => string | undefined;
  readonly fit: (histories: Histories, tools: FitTools) => Promise<ItemModel>;
  readonly read: (bytes: Uint8Array) => ItemModel;
}

export const MODEL_RECIPES: readonly ModelRecipe[] = [
  {
    kind: 'als',
    part: 'taste',
    view: 'weighted',
    isLogit: false,
    fit: (histories, { options, engine, context }) =>
      fitImplicitAls(histories, options.als, context, engine),
    read: readImplicitAls,
  },
  {
    kind: 'item2vec',
    part: 'embedding',
    view: 'sequences',
    isLogit: true,
    fit: (histories, { options, engine, context }) =>
      fitItem2vec(
        histories,
        withEpochsFor(histories.items.length, options.item2vec, options),
        context,
        kernelLearner(engine),
      ),
    read: readItem2vec,
  },
  {
    kind: 'graph',
    part: 'graph',
    view: 'sequences',
    isLogit: true,
    fit: (histories, { options, engine, context }) =>
      fitGraphEmbedding(
        histories,
        withEpochsFor(walkedItems(histories, options), options.graph, options),
        context,
        kernelLearner(engine),
      ),
    read: readGraphEmbedding,
  },
  {
    kind: 'next-item',
    part: 'sequence',
    view: 'sequences',
    isLogit: false,
    unfit: (itemCount, { limits }) =>
      itemCount > limits.nextItemItemsMax
        ? `it is made of at most ${limits.nextItemItemsMax} items, there are ${itemCount}`
        : undefined,
    fit: (histories, { options, engine, context }) =>
      fitNextItem(
        histories,
        options.nextItem,
        context,
        kernelLinearAlgebra(engine, { precision: 'f32' }),
      ),
    read: readNextItem,
  },
  {
    kind: 'ease',
    part: 'habit',
    view: 'sequences',
    isLogit: false,
    unfit: (itemCount, { limits }) =>
      itemCount > limits.easeItemsMax
        ? `it is made of at most ${limits.easeItemsMax} items, there are ${itemCount}`
        : undefined,
    fit: (histories, { options, engine, context }) =>
      fitEase(histories, options.ease, context, kernelLinearAlgebra(engine, { precision: 'f64' })),
    read: readEase,
  },
];

/** As many epochs as are set, fewer where they would take too long. */
const withEpochsFor = <Options extends { readonly epochs: number }>(
  words: number,
  settings: Options,
  { limits }: TrainingOptions,
): Options => {
  const affordable = Math.floor(limits.embeddingWordsMax / Math.max(1, words));
  return { ...settings, epochs: Math.max(1, Math.min(settings.epochs, affordable)) };
};

const walkedItems = ({ itemCount }: Histories, { graph }: TrainingOptions): number =>
  itemCount * graph.walksPerItem * graph.walkLength;

export const recipeOf = (kind: ModelKind): ModelRecipe | undefined =>
  MODEL_RECIPES.find((recipe) => recipe.kind === kind);
