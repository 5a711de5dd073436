/**
 * Small releases for tests: trained in a moment on people of whom each keeps to one half of the items,
 * so that what a model has learned can be seen with the eye; published, promoted, and spoiled.
 */

import type { EmbeddingModel } from '../../algorithms/embedding/embedding-model.ts';
import {
  DEFAULT_GRAPH_EMBEDDING_OPTIONS,
  fitGraphEmbedding,
} from '../../algorithms/embedding/graph-embedding.ts';
import { DEFAULT_ITEM2VEC_OPTIONS, fitItem2vec } from '../../algorithms/embedding/item2vec.ts';
import { fitImplicitAls, type ImplicitAls } from '../../algorithms/factors/implicit-als.ts';
import { DEFAULT_IMPLICIT_ALS_OPTIONS } from '../../algorithms/factors/implicit-als-options.ts';
import {
  type DataEvent,
  type Histories,
  historiesOf,
} from '../../algorithms/histories/histories.ts';
import { DEFAULT_EASE_OPTIONS, fitEase } from '../../algorithms/linear/ease.ts';
import type { LinearItemModel } from '../../algorithms/linear/linear-item-model.ts';
import { DEFAULT_NEXT_ITEM_OPTIONS, fitNextItem } from '../../algorithms/linear/next-item.ts';
import { seededRandom } from '../../algorithms/random/seeded-random.ts';
import type { EpochMs, ItemId } from '../../schemas/ids.ts';
import {
  fileOfModel,
  ITEMS_FILE,
  type LearnedWeights,
  type ModelKind,
  type ReleaseFacts,
  writeItemIds,
} from '../../schemas/release.ts';
import type { ArtifactFile, ReleaseManifest } from '../../storage/artifact-store/artifact-store.ts';

export interface TrainedRelease {
  readonly manifest: ReleaseManifest & { readonly facts: ReleaseFacts & Record<string, unknown> };
  readonly files: readonly ArtifactFile[];
  /** The models as the trainer had them: what lists are held against. */
  readonly models: {
    readonly als: ImplicitAls;
    readonly item2vec?: EmbeddingModel;
    readonly graph?: EmbeddingModel;
    readonly 'next-item'?: LinearItemModel;
    readonly ease?: LinearItemModel;
  };
}

export interface TrainingInput {
  readonly version: string;
  readonly itemIds: readonly ItemId[];
  readonly seed?: number;
  /** Models of sequences beside that of taste. */
  readonly hasSequences?: boolean;
  readonly dimensions?: number;
  readonly weights?: LearnedWeights;
  readonly createdAt?: EpochMs;
}

const PEOPLE = 200;
const EVENTS = 16;

/** People of two tastes: one for the items at even places, one for those at odd places. */
export const audienceOf = (itemCount: number, seed: number): Histories => {
  const random = seededRandom(seed);
  const events: DataEvent[] = [];
  for (let user = 0; user < PEOPLE; user++) {
    for (let time = 0; time < EVENTS; time++) {
      const item = 2 * random.below(Math.max(1, Math.floor(itemCount / 2))) + (user % 2);
      events.push({ user, item: Math.min(item, itemCount - 1), weight: 1, time });
    }
  }
  return historiesOf(events, { userCount: PEOPLE, itemCount });
};

export const trainRelease = async (input: TrainingInput): Promise<TrainedRelease> => {
  const { version, itemIds, seed = 1, weights, createdAt = 0 as EpochMs } = input;
  const models = await trainedModels(input, audienceOf(itemIds.length, seed));
  const kinds = Object.keys(models) as (keyof typeof models)[];
  const files: ArtifactFile[] = [
    { name: ITEMS_FILE, bytes: writeItemIds(itemIds) },
    ...kinds.map((kind) => ({ name: fileOfModel(kind), bytes: models[kind]!.serialise() })),
    ...(weights ? [{ name: fileOfModel('blend'), bytes: encoded(weights) }] : []),
  ];
  const facts = factsOf(version, weights ? [...kinds, 'blend'] : kinds, itemIds.length);
  return { manifest: { version, createdAt, facts }, files, models };
};

const trainedModels = async (
  { dimensions = 3, seed = 1, hasSequences = false }: TrainingInput,
  histories: Histories,
): Promise<TrainedRelease['models']> => {
  const options = { ...DEFAULT_IMPLICIT_ALS_OPTIONS, dimensions, epochs: 8 };
  const als = await fitImplicitAls(histories, options, { seed });
  if (!hasSequences) return { als };
  const vectors = { dimensions, epochs: 10, rate: 0.1 };
  return {
    als,
    item2vec: await fitItem2vec(histories, { ...DEFAULT_ITEM2VEC_OPTIONS, ...vectors }, { seed }),
    graph: await fitGraphEmbedding(
      histories,
      { ...DEFAULT_GRAPH_EMBEDDING_OPTIONS, ...vectors, walksPerItem: 5 },
      { seed },
    ),
    'next-item': await fitNextItem(histories, DEFAULT_NEXT_ITEM_OPTIONS, { seed }),
    ease: await fitEase(histories, { ...DEFAULT_EASE_OPTIONS, regularisation: 60 }, { seed }),
  };
};

const encoded = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

const factsOf = (
  version: string,
  kinds: readonly ModelKind[],
  items: number,
): ReleaseFacts & Record<string, unknown> => {
  const trained = { trainedIn: version, trainedAt: 0 as EpochMs, seconds: 0 };
  return {
    format: 1,
    configVersion: 1,
    seed: 1,
    positions: [],
    history: { events: PEOPLE * EVENTS, users: PEOPLE, items, eventsCut: 0 },
    models: Object.fromEntries(kinds.map((kind) => [kind, trained])),
    holdOut: { users: 0, scores: [] },
  };
};

/** The same release with one file replaced; undefined takes it away. */
export const withFile = (
  release: TrainedRelease,
  name: string,
  change: (bytes: Uint8Array) => Uint8Array | undefined,
): TrainedRelease => ({
  ...release,
  files: release.files.flatMap((file) => {
    const bytes = file.name === name ? change(file.bytes) : file.bytes;
    return bytes === undefined ? [] : [{ name: file.name, bytes }];
  }),
});
