/**
 * A release as lists use it: all of its models laid out to serve, and the weights of their blend.
 * Nothing of it changes while it serves. A list is made within one turn of the event loop, so no list
 * has half of each of two.
 */
import type { EpochMs, SubjectId } from '../../schemas/ids.ts';
import type { ModelKind, TrainedPosition } from '../../schemas/release.ts';
import type { PartName, PartWeight } from '../options.ts';
import type { ModelSource } from './model-source.ts';
import type { PersonSequences } from './person-sequence.ts';
import type { ReleaseItems } from './release-items.ts';
import type { StarsModel } from './stars-model.ts';
import type { TasteModel } from './taste-model.ts';

export interface ServingRelease {
  readonly version: string;
  readonly createdAt: EpochMs;
  readonly itemCount: number;
  /** SHA-256 of each file: what tells a model that another release holds as well. */
  readonly digests: ReadonlyMap<string, string>;
  readonly items: ReleaseItems;
  readonly sequences: PersonSequences;
  /** Up to where it was trained. */
  readonly positions: readonly TrainedPosition[];
  readonly kinds: ReadonlySet<ModelKind>;
  /** What each part weighs in lists of this release. */
  readonly weights: Readonly<Record<PartName, PartWeight>>;
  readonly taste: TasteModel | undefined;
  readonly stars: StarsModel | undefined;
  /** By the part that they make; those that the release holds. */
  readonly sources: Readonly<Partial<Record<ModelPart, ModelSource>>>;
  /** It may have been away for a while: new items may be others now. */
  lookAgain(): void;
  /** What is known of these items may be another now. */
  itemsChanged(slots: Iterable<number>): void;
  /** A person's state may be another one at the same offset. */
  forgetVectors(): void;
  /** Drops what is kept of somebody who was forgotten. */
  letGoOf(subject: SubjectId): void;
  /** Gives back what it holds, but for what the one that stays holds as well. */
  release(staying?: ServingRelease): void;
}

/** The models behind parts. The other parts go by what the stream counts. */
export const MODEL_OF_PART = {
  taste: 'als',
  embedding: 'item2vec',
  graph: 'graph',
  sequence: 'next-item',
  habit: 'ease',
} as const satisfies Partial<Record<PartName, ModelKind>>;
export type ModelPart = keyof typeof MODEL_OF_PART;

export const MODEL_PARTS = Object.keys(MODEL_OF_PART) as readonly ModelPart[];
