/**
 * From a stored release to one that serves: each file is checked for what would make lists wrong
 * (another format, models of more items than the release names, vectors of another length, numbers
 * that are none, weights below 0) and laid out in the kernels' memory, in pieces that leave the event
 * loop free. Checksums were the store's affair.
 *
 * A training of some models carries the others over, byte for byte. Where the items are the same as well,
 * such a model is taken over from the release in use as it stands, with all that is kept of people under it.
 */
import type { EmbeddingModel } from '../../algorithms/embedding/embedding-model.ts';
import { readGraphEmbedding } from '../../algorithms/embedding/graph-embedding.ts';
import { readItem2vec } from '../../algorithms/embedding/item2vec.ts';
import { FoldIn } from '../../algorithms/factors/fold-in.ts';
import { readImplicitAls } from '../../algorithms/factors/implicit-als.ts';
import { checkImplicitAlsOptions } from '../../algorithms/factors/implicit-als-options.ts';
import type { KernelEngine } from '../../algorithms/kernels/kernel-engine.ts';
import { readEaseInPieces } from '../../algorithms/linear/ease.ts';
import { readNextItemInPieces } from '../../algorithms/linear/next-item.ts';
import type { Pieces } from '../../algorithms/model/pieces.ts';
import { readRatingForecast } from '../../algorithms/ratings/rating-forecast.ts';
import { TopItems } from '../../algorithms/selection/top-items.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { ItemId } from '../../schemas/ids.ts';
import {
  fileOfModel,
  ITEMS_FILE,
  type LearnedWeight,
  type LearnedWeights,
  MODEL_KINDS,
  type ModelKind,
  type ReleaseFacts,
  readItemIds,
} from '../../schemas/release.ts';
import type { Release } from '../../storage/artifact-store/artifact-store.ts';
import type { ItemSlots } from '../item-slots.ts';
import {
  type LadderOptions,
  PARTS,
  type PartName,
  type PartWeight,
  type ReleaseOptions,
} from '../options.ts';
import { giveBack } from './given-back.ts';
import { KeptProposals } from './kept-proposals.ts';
import { LinearModel } from './linear-model.ts';
import type { ModelSource } from './model-source.ts';
import type { MovedItemsParts } from './moved/moved-items.ts';
import type { NewItemGround } from './new-item-vectors.ts';
import { PersonSequences } from './person-sequence.ts';
import { ReleaseItems } from './release-items.ts';
import {
  MODEL_OF_PART,
  MODEL_PARTS,
  type ModelPart,
  type ServingRelease,
} from './serving-release.ts';
import { StarsModel } from './stars-model.ts';
import { TasteModel } from './taste-model.ts';
import { VectorModel } from './vector-model.ts';

export interface LoadingParts {
  readonly engine: KernelEngine;
  readonly slots: ItemSlots;
  readonly ladder: Pick<LadderOptions, 'parts'>;
  readonly options: ReleaseOptions;
  readonly ground: NewItemGround;
  /** The one in use: what is the same in both is laid out once. */
  readonly before?: ServingRelease | undefined;
}

const FORMAT: ReleaseFacts['format'] = 1;

const mustBe = (isSo: boolean, expected: string, got: unknown): void => {
  if (!isSo) refuse(expected, got);
};

const refuse = (expected: string, got: unknown): never => {
  throw new FreshetError('bad_value', { problem: `Expected ${expected}, got ${got}.` });
};

export function* loadedRelease(stored: Release, given: LoadingParts): Pieces<ServingRelease> {
  const { manifest } = stored;
  const facts = manifest.facts as unknown as ReleaseFacts;
  mustBe(facts.format === FORMAT, `a release of format ${FORMAT}`, facts.format);
  const kinds = kindsOf(stored, facts);
  const before = takenOver(stored, kinds, given.before);
  const items = before?.items ?? (yield* itemsOf(stored));
  const sequences = before?.sequences ?? new PersonSequences(items);
  const weights = partWeights(given.ladder.parts, learnedWeightsOf(stored));
  const sources: SourceTable = {};
  const { ground } = given;
  let laidOut: LaidOutFactors | undefined;
  let isDone = false;
  try {
    yield* addSequenceSources(sources, stored, { ...given, kinds, items, sequences, before });
    const stars = before?.stars ?? (yield* starsModelOf(stored, { kinds, items }));
    const isTaken = before?.taste !== undefined;
    laidOut = kinds.has('als') && !isTaken ? yield* factorsOf(stored, items, given) : undefined;
    // Slots are never given back: a release that is refused must not have made any.
    if (before === undefined) yield* items.takeSlots(given.slots);
    const taste =
      before?.taste ?? (laidOut && new TasteModel({ ...laidOut, ...given.options, items, ground }));
    if (taste !== undefined) sources.taste = taste;
    isDone = true;
    return {
      version: manifest.version,
      createdAt: manifest.createdAt,
      itemCount: items.count,
      digests: digestsOf(stored),
      items,
      sequences,
      positions: facts.positions,
      kinds,
      weights,
      taste,
      stars,
      sources,
      lookAgain: () => taste?.lookAgain(),
      itemsChanged: (slots) => taste?.itemsChanged(slots),
      forgetVectors: () => {
        for (const kept of proposalsIn(sources)) kept.forget();
        taste?.forgetVectors();
      },
      letGoOf: (subject) => {
        for (const kept of proposalsIn(sources)) kept.letGoOf(subject);
        sequences.letGoOf(subject);
        taste?.letGoOf(subject);
      },
      release: (staying) => releaseAll(sources, staying?.sources),
    };
  } finally {
    if (!isDone) {
      releaseAll(sources, given.before?.sources);
      laidOut?.foldIn.release();
      laidOut?.topItems.release();
    }
  }
}

type SourceTable = Partial<Record<ModelPart, ModelSource>>;

/** But those that another release holds as well. */
const releaseAll = (sources: Readonly<SourceTable>, kept: Readonly<SourceTable> = {}): void => {
  for (const part of MODEL_PARTS) if (sources[part] !== kept[part]) sources[part]?.release();
};

const digestsOf = ({ manifest }: Release): ReadonlyMap<string, string> =>
  new Map(manifest.files.map(({ name, sha256 }) => [name, sha256]));

/** What of the release in use is the same in this one; undefined where the items are others. */
const takenOver = (
  stored: Release,
  kinds: ReadonlySet<ModelKind>,
  before: ServingRelease | undefined,
): TakenOver | undefined => {
  const digests = digestsOf(stored);
  const isSame = (file: string): boolean =>
    digests.has(file) && before?.digests.get(file) === digests.get(file);
  if (before === undefined || !isSame(ITEMS_FILE)) return undefined;
  const { items, sequences, sources, taste, stars } = before;
  const isKept = (kind: ModelKind): boolean => kinds.has(kind) && isSame(fileOfModel(kind));
  const same: SourceTable = {};
  for (const part of MODEL_PARTS) {
    const source = sources[part];
    if (source !== undefined && isKept(MODEL_OF_PART[part])) same[part] = source;
  }
  return {
    items,
    sequences,
    sources: same,
    taste: same.taste && taste,
    stars: isKept('ratings') ? stars : undefined,
  };
};

type TakenOver = Pick<ServingRelease, 'items' | 'sequences' | 'sources' | 'taste' | 'stars'>;

function* itemsOf(stored: Release): Pieces<ReleaseItems> {
  const ids = itemIdsOf(stored);
  yield;
  const items = yield* ReleaseItems.inPieces(ids);
  return items ?? refuse(`distinct ids in ${ITEMS_FILE}`, 'others');
}

const proposalsIn = (sources: Readonly<SourceTable>): readonly KeptProposals[] =>
  Object.values(sources).filter((source) => source instanceof KeptProposals);

const EMBEDDINGS = [
  { kind: 'item2vec', part: 'embedding', read: readItem2vec },
  { kind: 'graph', part: 'graph', read: readGraphEmbedding },
] as const;

const LINEAR_MODELS = [
  { kind: 'next-item', part: 'sequence', read: readNextItemInPieces },
  { kind: 'ease', part: 'habit', read: readEaseInPieces },
] as const;

/** Those that go by what a person chose in which order. */
function* addSequenceSources(
  sources: SourceTable,
  stored: Release,
  given: {
    readonly kinds: ReadonlySet<ModelKind>;
    readonly items: ReleaseItems;
    readonly sequences: PersonSequences;
    readonly before: TakenOver | undefined;
    readonly engine: KernelEngine;
    readonly options: Pick<ReleaseOptions, 'proposalsMax'>;
  },
): Pieces<void> {
  const { kinds, items, sequences, engine } = given;
  const kept = { peopleMax: given.options.proposalsMax };
  for (const { part } of [...EMBEDDINGS, ...LINEAR_MODELS]) {
    const taken = given.before?.sources[part];
    if (taken !== undefined) sources[part] = taken;
  }
  for (const { kind, part, read } of EMBEDDINGS) {
    if (!kinds.has(kind) || sources[part] !== undefined) continue;
    const file = fileOfModel(kind);
    const bytes = stored.files.get(file)!;
    const model = read(bytes);
    const laidOut = yield* vectorModelOf(file, model, { bytes, items, sequences, engine });
    sources[part] = new KeptProposals(laidOut, kept);
  }
  for (const { kind, part, read } of LINEAR_MODELS) {
    if (!kinds.has(kind) || sources[part] !== undefined) continue;
    const file = fileOfModel(kind);
    const bytes = stored.files.get(file)!;
    const model = yield* read(bytes);
    mustFitItems(file, { itemCount: model.itemCount, numbers: 0, dimensions: 0 }, items);
    sources[part] = new KeptProposals(new LinearModel({ model, bytes, items, sequences }), kept);
  }
}

function* starsModelOf(
  stored: Release,
  { kinds, items }: { readonly kinds: ReadonlySet<ModelKind>; readonly items: ReleaseItems },
): Pieces<StarsModel | undefined> {
  if (!kinds.has('ratings')) return undefined;
  const file = fileOfModel('ratings');
  const forecasts = readRatingForecast(stored.files.get(file)!);
  mustFitItems(file, { itemCount: forecasts.itemCount, numbers: 0, dimensions: 0 }, items);
  yield;
  mustBe(yield* forecasts.isFiniteInPieces(), `finite numbers in ${file}`, 'others');
  return new StarsModel(forecasts, items);
}

function* vectorModelOf(
  file: string,
  model: EmbeddingModel,
  given: {
    readonly bytes: Uint8Array;
    readonly items: ReleaseItems;
    readonly sequences: PersonSequences;
    readonly engine: KernelEngine;
  },
): Pieces<VectorModel> {
  const { bytes, items, sequences, engine } = given;
  const { itemCount, dimensions } = model;
  const { inputs, outputs } = model.lengths;
  mustFitItems(file, { itemCount, numbers: inputs, dimensions }, items);
  mustFitItems(file, { itemCount, numbers: outputs, dimensions }, items);
  mustBe(yield* model.isFiniteInPieces(), `finite numbers in ${file}`, 'others');
  const factors = yield* model.answersInPieces();
  const answers = { itemCount, dimensions: model.searchDimensions, factors };
  const topItems = yield* TopItems.inPieces(engine, answers);
  giveBack(factors);
  return new VectorModel({ model, bytes, topItems, items, sequences });
}

/** Those that the facts name: their files must be there. */
const kindsOf = ({ files }: Release, { models }: ReleaseFacts): ReadonlySet<ModelKind> => {
  mustBe(typeof models === 'object' && models !== null, 'facts about models', models);
  const kinds = MODEL_KINDS.filter((kind) => models[kind] !== undefined);
  for (const kind of kinds) mustBe(files.has(fileOfModel(kind)), fileOfModel(kind), 'none');
  return new Set(kinds);
};

const itemIdsOf = ({ files }: Release): readonly ItemId[] => {
  const bytes = files.get(ITEMS_FILE);
  mustBe(bytes !== undefined, ITEMS_FILE, 'none');
  const ids: unknown = jsonOf(ITEMS_FILE, () => readItemIds(bytes!));
  mustBe(Array.isArray(ids) && ids.length > 0, `a list of ids in ${ITEMS_FILE}`, 'something else');
  return ids as readonly ItemId[];
};

const jsonOf = <Result>(file: string, read: () => Result): Result => {
  try {
    return read();
  } catch (cause) {
    const problem = `Expected ${file} to be JSON, got something else.`;
    throw new FreshetError('bad_value', { problem }, { cause });
  }
};

const learnedWeightsOf = ({ files }: Release): LearnedWeights => {
  const file = fileOfModel('blend');
  const bytes = files.get(file);
  if (bytes === undefined) return {};
  const learned: unknown = jsonOf(file, () => JSON.parse(new TextDecoder().decode(bytes)));
  mustBe(typeof learned === 'object' && learned !== null, `${file} to name parts`, learned);
  for (const [part, weight] of Object.entries(learned as LearnedWeights)) {
    mustBe(isWeight(weight), `finite numbers of at least 0 for ${part}`, JSON.stringify(weight));
  }
  return learned as LearnedWeights;
};

const isWeight = (value: LearnedWeight | null): boolean => {
  const isAmount = (number: unknown): boolean => Number.isFinite(number) && Number(number) >= 0;
  if (typeof value !== 'object' || value === null) return false;
  return (
    isAmount(value.weight) && isAmount(value.mass) && isAmount(value.epsilon) && value.epsilon > 0
  );
};

/** Those by hand, replaced by learned ones where there are any. */
const partWeights = (
  byHand: LadderOptions['parts'],
  learned: LearnedWeights,
): Readonly<Record<PartName, PartWeight>> => {
  const weightOf = (part: PartName): PartWeight =>
    Object.hasOwn(learned, part) ? learned[part]! : byHand[part];
  return Object.fromEntries(PARTS.map((part) => [part, weightOf(part)])) as Record<
    PartName,
    PartWeight
  >;
};

type LaidOutFactors = MovedItemsParts;

function* factorsOf(
  { files }: Release,
  items: ReleaseItems,
  { engine }: LoadingParts,
): Pieces<LaidOutFactors> {
  const file = fileOfModel('als');
  const bytes = files.get(file)!;
  const model = readImplicitAls(bytes);
  const { itemCount, factors, options } = model;
  checkImplicitAlsOptions(options);
  mustFitItems(file, { itemCount, numbers: factors.length, dimensions: options.dimensions }, items);
  yield;
  // First, because it looks at every number.
  const topItems = yield* TopItems.inPieces(engine, {
    itemCount,
    dimensions: options.dimensions,
    factors,
  });
  let foldIn: FoldIn | undefined;
  try {
    foldIn = yield* FoldIn.inPieces(engine, model);
  } finally {
    if (foldIn === undefined) topItems.release();
  }
  // Both have copies.
  giveBack(bytes);
  return { engine, foldIn, topItems, itemCount };
}

const mustFitItems = (
  file: string,
  model: { readonly itemCount: number; readonly numbers: number; readonly dimensions: number },
  items: ReleaseItems,
): void => {
  const { itemCount, numbers, dimensions } = model;
  const isCount = Number.isSafeInteger(itemCount) && itemCount > 0 && itemCount <= items.count;
  mustBe(isCount, `${file} to hold 1 to ${items.count} items`, itemCount);
  mustBe(numbers === itemCount * dimensions, `${dimensions} numbers an item in ${file}`, numbers);
};
