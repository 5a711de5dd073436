/**
 * What a release of models is, for whoever writes one and whoever reads it: its kinds, the files
 * that hold them, what its manifest records, and the record in the control log that puts it to use.
 * A release is trained, gated, stored and swapped whole; it holds no user data.
 *
 * All models of a release count items alike: item i is the i-th id of `items.json`. The order of the
 * former release is kept and new items come after it, so that a model taken over from it still
 * fits; such a model merely knows fewer items.
 */
import type { EpochMs, ItemId } from './ids.ts';

export const MODEL_KINDS = [
  'als',
  'item2vec',
  'graph',
  'next-item',
  'ease',
  'ratings',
  'blend',
] as const;
export type ModelKind = (typeof MODEL_KINDS)[number];

export const ITEMS_FILE = 'items.json';
export const fileOfModel = (kind: ModelKind): string =>
  kind === 'blend' ? 'blend.json' : `${kind}.model`;

/** How much a source's part weighs in the blend; see `serving/options.ts` for the formula. */
export interface LearnedWeight {
  readonly weight: number;
  readonly epsilon: number;
  readonly mass: number;
}

/** The content of `blend.json`: by part. A part that is not named keeps what it has by default. */
export type LearnedWeights = Readonly<Record<string, LearnedWeight>>;

/** Up to which offset, inclusive, a training read a partition of the log. */
export interface TrainedPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface ModelFacts {
  /** Release in which it was trained: an older one where it was taken over. */
  readonly trainedIn: string;
  readonly trainedAt: EpochMs;
  readonly seconds: number;
}

/** How well one way of making lists did on the hold-out. */
export interface HoldOutScore {
  readonly name: string;
  readonly hitRate: number;
  readonly ndcg: number;
  /** Half the width of the 95 % interval of the NDCG, by user. */
  readonly ndcgMargin: number;
}

/** How predicted ratings did on ratings given later, beside the items' and people's usual ones. */
export interface RatingTrial {
  readonly ratings: number;
  readonly rmse: number;
  readonly usualRmse: number;
}

export interface ReleaseFacts {
  readonly format: 1;
  readonly configVersion: number;
  readonly seed: number;
  readonly positions: readonly TrainedPosition[];
  readonly history: {
    readonly events: number;
    readonly users: number;
    readonly items: number;
    /** Events that a limit kept out; 0 where all were read. */
    readonly eventsCut: number;
  };
  readonly models: Readonly<Partial<Record<ModelKind, ModelFacts>>>;
  readonly holdOut: {
    /** Users whose last positive event was held out. */
    readonly users: number;
    readonly scores: readonly HoldOutScore[];
    /** null where there were too few, and in releases that did not look. */
    readonly ratings?: RatingTrial | null;
  };
}

/** Kind of the control record whose newest one names the release in use. */
export const PROMOTION = 'promotion';
/** Kind of the control records that say how a training ended. */
export const TRAINING_RUN = 'training-run';

/** The body of a promotion. */
export interface Promotion {
  /** null puts no release to use. */
  readonly version: string | null;
  readonly formerVersion: string | null;
  readonly by: 'training' | 'person' | 'rollback';
}

export const TRAINING_OUTCOMES = ['promoted', 'refused', 'failed', 'cancelled'] as const;
export type TrainingOutcome = (typeof TRAINING_OUTCOMES)[number];

/** The body of a record of how a training ended. */
export interface TrainingRunRecord {
  /** Rises by one a run. */
  readonly number: number;
  readonly runId: string;
  readonly outcome: TrainingOutcome;
  readonly version: string | null;
  /** Why it was refused or failed; empty when it was promoted. */
  readonly reasons: readonly string[];
  /** What could not be done or told. */
  readonly remarks: readonly string[];
  readonly holdOut: ReleaseFacts['holdOut'] | null;
  readonly seconds: number;
  readonly startedAt: EpochMs;
}

export const readItemIds = (bytes: Uint8Array): readonly ItemId[] =>
  JSON.parse(new TextDecoder().decode(bytes)) as ItemId[];
export const writeItemIds = (ids: readonly ItemId[]): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(ids));
