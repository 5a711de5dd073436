/** A release as it is stored: its name, its files, and what its manifest says; and how one is read. */
import type { EpochMs, ItemId } from '../schemas/ids.ts';
import {
  fileOfModel,
  ITEMS_FILE,
  type LearnedWeights,
  MODEL_KINDS,
  type ModelKind,
  type ReleaseFacts,
  readItemIds,
  writeItemIds,
} from '../schemas/release.ts';
import type { ArtifactFile, Release } from '../storage/artifact-store/artifact-store.ts';
import type { TestedSource } from './evaluation.ts';
import { recipeOf } from './model-recipes.ts';
import type { FormerRelease } from './trial.ts';

/** What a share of a list is measured against, and what every list is taken to hold besides. */
const EPSILON = 0.002;
/** Counts of a young instance are small, and a list of one weak pair is no certainty. */
const MASS_OF: Readonly<Record<string, number>> = {
  together: 0.3,
  next: 0.3,
  people: 0.3,
  content: 1,
};

const DATE_CHARACTERS = /[-:]|\.\d+/g;

/** Sorts by time, to the second; the run's own letters keep two of one second apart. */
export const versionOf = (at: EpochMs, runId: string): string =>
  `${new Date(at).toISOString().replace(DATE_CHARACTERS, '')}-${runId}`;

const VERSION = /^\d{8}T\d{6}Z-([0-9a-z]+)$/;

/** undefined for a version that no run gave. */
export const runIdOf = (version: string): string | undefined => VERSION.exec(version)?.[1];

export const learnedWeightsOf = (weights: ReadonlyMap<string, number>): LearnedWeights =>
  Object.fromEntries(
    [...weights].map(([part, weight]) => [
      part,
      { weight, epsilon: EPSILON, mass: MASS_OF[part] ?? 0 },
    ]),
  );

export const filesOf = (
  itemIds: readonly ItemId[],
  models: ReadonlyMap<ModelKind, Uint8Array>,
): readonly ArtifactFile[] => [
  { name: ITEMS_FILE, bytes: writeItemIds(itemIds) },
  ...[...models].map(([kind, bytes]) => ({ name: fileOfModel(kind), bytes })),
];

export const jsonBytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(value));

/** The release in use, opened as far as a training needs it. */
export interface OpenedRelease extends FormerRelease {
  readonly version: string;
  readonly itemIds: readonly ItemId[];
  readonly facts: ReleaseFacts;
  readonly files: ReadonlyMap<ModelKind, Uint8Array>;
}

export const openRelease = ({ manifest, files }: Release): OpenedRelease => {
  const found = new Map<ModelKind, Uint8Array>();
  const models: TestedSource[] = [];
  for (const kind of MODEL_KINDS) {
    const bytes = files.get(fileOfModel(kind));
    if (!bytes) continue;
    found.set(kind, bytes);
    const recipe = recipeOf(kind);
    if (recipe) models.push({ ...recipe, model: recipe.read(bytes) });
  }
  const blend = found.get('blend');
  const learned = blend ? (JSON.parse(new TextDecoder().decode(blend)) as LearnedWeights) : {};
  return {
    version: manifest.version,
    createdAt: manifest.createdAt,
    itemIds: readItemIds(files.get(ITEMS_FILE) ?? jsonBytes([])),
    facts: manifest.facts as unknown as ReleaseFacts,
    files: found,
    models,
    weights: new Map(Object.entries(learned).map(([part, { weight }]) => [part, weight])),
  };
};
