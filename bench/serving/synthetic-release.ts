/**
 * A release over the items of the synthetic world: vectors out of a seed, with norms as trained ones
 * have, and no training. Two seeds give two releases of the same shape whose lists differ.
 */
import { EmbeddingModel } from '../../algorithms/embedding/embedding-model.ts';
import { DEFAULT_ITEM2VEC_OPTIONS } from '../../algorithms/embedding/item2vec.ts';
import { ImplicitAls } from '../../algorithms/factors/implicit-als.ts';
import { DEFAULT_IMPLICIT_ALS_OPTIONS } from '../../algorithms/factors/implicit-als-options.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import { itemId } from '../../schemas/ids.ts';
import {
  fileOfModel,
  ITEMS_FILE,
  type LearnedWeights,
  type ModelKind,
  type ReleaseFacts,
  writeItemIds,
} from '../../schemas/release.ts';
import type { ArtifactFile, ReleaseManifest } from '../../storage/artifact-store/artifact-store.ts';
import { factorsLikeTrained } from '../algorithms/timing.ts';

export interface SyntheticReleaseOptions {
  readonly version: string;
  readonly items: number;
  readonly dimensions: number;
  readonly seed: number;
  readonly weights?: LearnedWeights;
}

export interface SyntheticRelease {
  readonly manifest: ReleaseManifest;
  readonly files: readonly ArtifactFile[];
}

const FORMATS = { item2vec: 'item2vec/1', graph: 'graph-embedding/1' } as const;

export const syntheticRelease = (options: SyntheticReleaseOptions): SyntheticRelease => {
  const { version, items, dimensions, seed, weights } = options;
  const ids = Array.from({ length: items }, (_, index) => itemId(`item-${index}`));
  const als = new ImplicitAls({
    itemCount: items,
    factors: factorsLikeTrained(items, dimensions, seed),
    options: { ...DEFAULT_IMPLICIT_ALS_OPTIONS, dimensions },
  });
  const files: ArtifactFile[] = [
    { name: ITEMS_FILE, bytes: writeItemIds(ids) },
    { name: fileOfModel('als'), bytes: als.serialise() },
    { name: fileOfModel('item2vec'), bytes: vectorsOf('item2vec', options, seed + 1) },
    { name: fileOfModel('graph'), bytes: vectorsOf('graph', options, seed + 2) },
  ];
  const kinds: ModelKind[] = ['als', 'item2vec', 'graph'];
  if (weights !== undefined) {
    const bytes = new TextEncoder().encode(JSON.stringify(weights));
    files.push({ name: fileOfModel('blend'), bytes });
    kinds.push('blend');
  }
  return { manifest: { version, createdAt: 0 as EpochMs, facts: factsOf(version, kinds) }, files };
};

const vectorsOf = (
  kind: keyof typeof FORMATS,
  { items, dimensions }: SyntheticReleaseOptions,
  seed: number,
): Uint8Array => {
  const vectors = {
    dimensions,
    inputs: factorsLikeTrained(items, dimensions, seed * 2),
    outputs: factorsLikeTrained(items, dimensions, seed * 2 + 1),
    counts: Float64Array.from({ length: items }, (_, item) => Math.ceil(10_000 / (item + 1))),
  };
  return new EmbeddingModel(FORMATS[kind], vectors, DEFAULT_ITEM2VEC_OPTIONS).serialise();
};

const factsOf = (version: string, kinds: readonly ModelKind[]): ReleaseManifest['facts'] => {
  const trained = { trainedIn: version, trainedAt: 0 as EpochMs, seconds: 0 };
  const facts: ReleaseFacts = {
    format: 1,
    configVersion: 1,
    seed: 1,
    positions: [],
    history: { events: 0, users: 0, items: 0, eventsCut: 0 },
    models: Object.fromEntries(kinds.map((kind) => [kind, trained])),
    holdOut: { users: 0, scores: [] },
  };
  return { ...facts };
};
