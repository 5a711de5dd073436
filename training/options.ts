/**
 * What can be set about a training. The limits decide how much history is read: beyond them it is cut
 * by rule (the newest events stay), not by running out of memory.
 */
import {
  DEFAULT_GRAPH_EMBEDDING_OPTIONS,
  type GraphEmbeddingOptions,
} from '../algorithms/embedding/graph-embedding.ts';
import {
  DEFAULT_ITEM2VEC_OPTIONS,
  type Item2vecOptions,
} from '../algorithms/embedding/item2vec.ts';
import {
  DEFAULT_IMPLICIT_ALS_OPTIONS,
  type ImplicitAlsOptions,
} from '../algorithms/factors/implicit-als-options.ts';
import { DEFAULT_EASE_OPTIONS, type EaseOptions } from '../algorithms/linear/ease.ts';
import { DEFAULT_NEXT_ITEM_OPTIONS, type NextItemOptions } from '../algorithms/linear/next-item.ts';
import {
  DEFAULT_PEOPLE_NEIGHBOUR_OPTIONS,
  type PeopleNeighbourOptions,
} from '../algorithms/neighbourhood/people-neighbours.ts';
import type { OwnMeanPrior } from '../algorithms/popularity/own-mean.ts';
import {
  DEFAULT_EXPLICIT_ALS_OPTIONS,
  type ExplicitAlsOptions,
} from '../algorithms/ratings/explicit-als.ts';

export interface TrainingLimits {
  /** Newest events of all that are read; 21 bytes each, and some 50 more while factors are fitted. */
  readonly eventsMax: number;
  /** Newest events of one person. */
  readonly eventsPerPersonMax: number;
  /** Items with models, those with most events; others are served by what needs no model. */
  readonly itemsMax: number;
  /** What embeddings learn at most, events times epochs: beyond it there are fewer epochs. */
  readonly embeddingWordsMax: number;
  /** Ratings that the model of ratings is fitted on. */
  readonly ratingsMax: number;
  /** The next-item model is dense: beyond so many items it is left out. */
  readonly nextItemItemsMax: number;
  /** The same for EASE, a third as wide. */
  readonly easeItemsMax: number;
}

export interface HoldOutOptions {
  /** Share of the events, the newest, that lists are tested on. */
  readonly share: number;
  /** People, drawn by the seed, whose lists are tested and whose histories the tested models see. */
  readonly peopleMax: number;
  /** With fewer people to test on nothing can be told, and nothing is refused for its quality. */
  readonly peopleMin: number;
  /** Length of the lists that are tested. */
  readonly listLength: number;
}

/** People alike, as lists look for them; no part of a release. */
export interface PeopleModelOptions extends PeopleNeighbourOptions {
  /** Those who acted last; 0 leaves the source out. */
  readonly peopleMax: number;
  /** Newest items kept of each. */
  readonly itemsMax: number;
  /** Newest items of whoever asks. */
  readonly chosenMax: number;
}

export interface GateOptions {
  /** How much worse than the release in use a candidate's NDCG may be, as a share of it. */
  readonly marginToFormer: number;
}

export interface TrainingOptions {
  readonly limits: TrainingLimits;
  readonly holdOut: HoldOutOptions;
  readonly gate: GateOptions;
  /** Releases kept, beside the one in use. */
  readonly releasesKept: number;
  readonly ownMeanPrior: OwnMeanPrior;
  readonly als: ImplicitAlsOptions;
  readonly item2vec: Item2vecOptions;
  readonly graph: GraphEmbeddingOptions;
  readonly nextItem: NextItemOptions;
  readonly ease: EaseOptions;
  readonly ratings: ExplicitAlsOptions;
  readonly people: PeopleModelOptions;
}

export const DEFAULT_TRAINING_OPTIONS: TrainingOptions = {
  limits: {
    eventsMax: 25_000_000,
    eventsPerPersonMax: 2_000,
    itemsMax: 200_000,
    embeddingWordsMax: 60_000_000,
    ratingsMax: 3_000_000,
    nextItemItemsMax: 5_000,
    easeItemsMax: 10_000,
  },
  holdOut: { share: 0.1, peopleMax: 5_000, peopleMin: 50, listLength: 10 },
  gate: { marginToFormer: 0.05 },
  releasesKept: 5,
  ownMeanPrior: { mean: 3.5, strength: 5 },
  // 64 numbers an item are what a list can afford; weights come faded, so no half-life here.
  als: { ...DEFAULT_IMPLICIT_ALS_OPTIONS, dimensions: 64, halfLife: null },
  item2vec: { ...DEFAULT_ITEM2VEC_OPTIONS, dimensions: 64 },
  graph: { ...DEFAULT_GRAPH_EMBEDDING_OPTIONS, dimensions: 64 },
  nextItem: DEFAULT_NEXT_ITEM_OPTIONS,
  // As in the learning loop: the larger one of the defaults trusts popular pairs only.
  ease: { ...DEFAULT_EASE_OPTIONS, regularisation: 60 },
  ratings: { ...DEFAULT_EXPLICIT_ALS_OPTIONS, factors: 16 },
  people: {
    ...DEFAULT_PEOPLE_NEIGHBOUR_OPTIONS,
    peopleMax: 10_000,
    itemsMax: 50,
    chosenMax: 24,
  },
};
