/**
 * What every model of items owes, whatever it is made of: numbers for anybody from any data, a typed
 * refusal of weights that are none, the same scores from its bytes, and a fit that ends where one
 * person has a hundred thousand events. What a model means is tested beside it.
 */
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_GRAPH_EMBEDDING_OPTIONS,
  fitGraphEmbedding,
  readGraphEmbedding,
} from '../embedding/graph-embedding.ts';
import { DEFAULT_ITEM2VEC_OPTIONS, fitItem2vec, readItem2vec } from '../embedding/item2vec.ts';
import { DEFAULT_BPR_OPTIONS, fitBpr, readBpr } from '../factors/bpr.ts';
import { fitImplicitAls, readImplicitAls } from '../factors/implicit-als.ts';
import { DEFAULT_IMPLICIT_ALS_OPTIONS } from '../factors/implicit-als-options.ts';
import {
  type Histories,
  type History,
  historiesOf,
  historiesOfRows,
  historyOfItems,
} from '../histories/histories.ts';
import { fitOnCore, readCoreModel } from '../linear/core-item-model.ts';
import { DEFAULT_EASE_OPTIONS, fitEase, readEase } from '../linear/ease.ts';
import { DEFAULT_NEXT_ITEM_OPTIONS, fitNextItem, readNextItem } from '../linear/next-item.ts';
import {
  DEFAULT_ITEM_ITEM_OPTIONS,
  fitItemItem,
  readItemItem,
} from '../neighbourhood/item-item.ts';
import {
  DEFAULT_RANDOM_WALK_OPTIONS,
  fitRandomWalk,
  readRandomWalk,
} from '../neighbourhood/random-walk.ts';
import {
  DEFAULT_SEQUENCE_NEIGHBOUR_OPTIONS,
  readSequenceNeighbours,
  SequenceNeighbours,
} from '../neighbourhood/sequence-neighbours.ts';
import {
  DEFAULT_SESSION_NEIGHBOUR_OPTIONS,
  readSessionNeighbours,
  SessionNeighbours,
} from '../neighbourhood/session-neighbours.ts';
import {
  DEFAULT_TRANSITION_OPTIONS,
  fitTransitions,
  readTransitions,
} from '../neighbourhood/transitions.ts';
import {
  DEFAULT_USER_NEIGHBOUR_OPTIONS,
  readUserNeighbours,
  UserNeighbours,
} from '../neighbourhood/user-neighbours.ts';
import { CausalModel, DEFAULT_CAUSAL_OPTIONS, fitCausal } from '../neural/causal-model.ts';
import { DEFAULT_NEUMF_OPTIONS, fitNeuMf, NeuMf } from '../neural/neumf.ts';
import { fitItemPopularity, readItemPopularity } from '../popularity/item-popularity.ts';
import { isAlgorithmError } from './algorithm-error.ts';
import type { ItemModel } from './item-model.ts';

interface Subject {
  readonly name: string;
  train(data: Histories): Promise<ItemModel> | ItemModel;
  read(bytes: Uint8Array): ItemModel;
}

const context = { seed: 1 };
const BRIEF = { epochs: 1 };
/** Without the widest block, whose tables for 10⁵ places take seconds. */
const { shape } = DEFAULT_NEXT_ITEM_OPTIONS;
const NEXT_ITEM = {
  ...DEFAULT_NEXT_ITEM_OPTIONS,
  shape: { ...shape, blocks: shape.blocks.slice(0, 2) },
};

/** At their defaults, so with more dimensions and neighbours than the data here have items. */
const SUBJECTS: readonly Subject[] = [
  { name: 'popularity', train: fitItemPopularity, read: readItemPopularity },
  {
    name: 'EASE',
    train: (data) => fitEase(data, DEFAULT_EASE_OPTIONS, context),
    read: readEase,
  },
  {
    name: 'sparse EASE',
    train: (data) => fitEase(data, { ...DEFAULT_EASE_OPTIONS, denseItemsMax: 1 }, context),
    read: readEase,
  },
  {
    name: 'next-item',
    train: (data) => fitNextItem(data, NEXT_ITEM, context),
    read: readNextItem,
  },
  {
    name: 'next-item on a core',
    train: (data) => fitOnCore(data, 2, (core) => fitNextItem(core, NEXT_ITEM, context)),
    read: (bytes) => readCoreModel(bytes, readNextItem),
  },
  {
    name: 'implicit ALS',
    train: (data) => fitImplicitAls(data, { ...DEFAULT_IMPLICIT_ALS_OPTIONS, ...BRIEF }, context),
    read: readImplicitAls,
  },
  {
    name: 'BPR',
    train: (data) => fitBpr(data, { ...DEFAULT_BPR_OPTIONS, ...BRIEF }, context),
    read: readBpr,
  },
  {
    name: 'item2vec',
    train: (data) => fitItem2vec(data, { ...DEFAULT_ITEM2VEC_OPTIONS, ...BRIEF }, context),
    read: readItem2vec,
  },
  {
    name: 'graph embedding',
    train: (data) =>
      fitGraphEmbedding(data, { ...DEFAULT_GRAPH_EMBEDDING_OPTIONS, ...BRIEF }, context),
    read: readGraphEmbedding,
  },
  {
    name: 'item–item',
    train: (data) => fitItemItem(data, DEFAULT_ITEM_ITEM_OPTIONS, context),
    read: readItemItem,
  },
  {
    name: 'RP3beta',
    train: (data) => fitRandomWalk(data, DEFAULT_RANDOM_WALK_OPTIONS, context),
    read: readRandomWalk,
  },
  {
    name: 'transitions',
    train: (data) => fitTransitions(data, DEFAULT_TRANSITION_OPTIONS, context),
    read: readTransitions,
  },
  {
    name: 'sequence neighbours',
    train: (data) => new SequenceNeighbours(data, DEFAULT_SEQUENCE_NEIGHBOUR_OPTIONS),
    read: readSequenceNeighbours,
  },
  {
    name: 'session neighbours',
    train: (data) => new SessionNeighbours(data, DEFAULT_SESSION_NEIGHBOUR_OPTIONS),
    read: readSessionNeighbours,
  },
  {
    name: 'user neighbours',
    train: (data) => new UserNeighbours(data, DEFAULT_USER_NEIGHBOUR_OPTIONS),
    read: readUserNeighbours,
  },
  {
    name: 'causal sequences',
    train: (data) => fitCausal(data, { ...DEFAULT_CAUSAL_OPTIONS, positions: 1 }, context),
    read: CausalModel.read,
  },
  {
    name: 'NeuMF',
    train: (data) => fitNeuMf(data, { ...DEFAULT_NEUMF_OPTIONS, ...BRIEF }, context),
    read: NeuMf.read,
  },
];

const weighted = (weights: readonly number[]): Histories =>
  historiesOf(
    weights.map((weight, k) => ({ user: k % 2, item: k % 3, weight, time: k })),
    { userCount: 2, itemCount: 3 },
  );

const DATA: Readonly<Record<string, Histories>> = {
  'nobody and nothing': historiesOfRows([], 0),
  nobody: historiesOfRows([], 3),
  'people without events': historiesOfRows([[], [], []], 3),
  'one person with one item': historiesOfRows([[0]], 1),
  'one person': historiesOfRows([[2, 0, 1]], 4),
  'one item': historiesOfRows([[0], [0, 0], []], 1),
  'the same pair again and again': historiesOfRows([Array.from({ length: 40 }, () => 1)], 2),
  'people who are all alike': historiesOfRows(
    Array.from({ length: 6 }, () => [0, 1, 2]),
    3,
  ),
  'dislikes alone': weighted([-1, -2, -1, -3, -1]),
  'likes and dislikes': weighted([1, -1, 5, 0, 0.5, -0.1, 1e6]),
};

const QUESTIONS: Readonly<Record<string, History>> = {
  'somebody without a history': historyOfItems([]),
  'an item': historyOfItems([0]),
  'an item again and again': historyOfItems([0, 0, 0, 0]),
  'items that the model does not know': historyOfItems([7, 0, 4_000_000_000]),
  'a dislike': {
    items: Uint32Array.of(0, 0),
    weights: Float32Array.of(-1, 1),
    times: Float64Array.of(3, 4),
  },
};

const scoresOf = (model: ItemModel, history: History): Float64Array => {
  const scores = new Float64Array(model.itemCount).fill(Number.NaN);
  model.score(history, scores);
  return scores;
};

describe.each(SUBJECTS)('the model of items: $name', ({ train, read }) => {
  it.each(Object.entries(DATA))('has a number for every item from %s', async (_, data) => {
    const model = await train(data);
    expect(model.itemCount).toBe(data.itemCount);
    expect(model.sizeBytes).toBeGreaterThanOrEqual(0);
    for (const [whom, history] of Object.entries(QUESTIONS)) {
      const scores = scoresOf(model, history);
      expect(scores.every(Number.isFinite), whom).toBe(true);
      expect(scoresOf(read(model.serialise()), history), whom).toEqual(scores);
    }
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses a weight of %d', async (weight) => {
    const data = { ...historiesOfRows([[0, 1]], 2), weights: Float32Array.of(1, weight) };
    const fitting = (async () => train(data))();
    await expect(fitting).rejects.toSatisfy((error) => isAlgorithmError(error, 'bad_data'));
  });

  it('fits beside a person of a hundred thousand events, and scores for them', async () => {
    const long = Array.from({ length: 100_000 }, (_, k) => (k * k + (k >> 3)) % 40);
    const model = await train(historiesOfRows([long, [1, 2, 3], [3, 2]], 40));
    expect(scoresOf(model, historyOfItems(long)).every(Number.isFinite)).toBe(true);
  });
});
