/**
 * The feedback kinds: what an interaction of each means. A site adds its own by configuration; a
 * changed table is a new configuration version.
 */
import type { DurationMs } from './ids.ts';

const DAY_MS = 86_400_000;

/** How the sign of an interaction is found. */
export type Polarity =
  /** Always counts for the item. */
  | 'positive'
  /** Always counts against it. */
  | 'negative'
  /** Positive at or above the person's own running mean of such values, negative below. */
  | 'by-own-mean'
  /** Says nothing about taste (an undo). */
  | 'none';

export interface FeedbackKind {
  readonly name: string;
  readonly description: string;
  /** How much one such interaction weighs, before decay. */
  readonly weight: number;
  readonly polarity: Polarity;
  /** Range of `value`; null where the kind takes none. `scalesWeight`: weight × value. */
  readonly value: {
    readonly min: number;
    readonly max: number;
    readonly required: boolean;
    readonly scalesWeight: boolean;
    readonly meaning: string;
  } | null;
  /** After this long an interaction counts half in the person's taste. */
  readonly halfLife: DurationMs;
  /** How long it makes the item count as seen: 0 not at all, Infinity for ever. */
  readonly seenFor: DurationMs;
}

const days = (count: number): DurationMs => (count * DAY_MS) as DurationMs;
const NEVER = 0 as DurationMs;
const FOR_EVER = Number.POSITIVE_INFINITY as DurationMs;

export const DEFAULT_KINDS: readonly FeedbackKind[] = [
  {
    name: 'click',
    description: 'Opened the item from a list.',
    weight: 0.3,
    polarity: 'positive',
    value: null,
    halfLife: days(30),
    seenFor: NEVER,
  },
  {
    name: 'view',
    description: 'Looked at the item’s own page.',
    weight: 0.5,
    polarity: 'positive',
    value: null,
    halfLife: days(60),
    seenFor: NEVER,
  },
  {
    name: 'watch',
    description: 'Watched, read or heard it; value is the share, 0 to 1.',
    weight: 1,
    polarity: 'positive',
    value: { min: 0, max: 1, required: false, scalesWeight: true, meaning: 'share watched' },
    halfLife: days(180),
    seenFor: FOR_EVER,
  },
  {
    name: 'like',
    description: 'Said that they like it.',
    weight: 1,
    polarity: 'positive',
    value: null,
    halfLife: days(365),
    seenFor: FOR_EVER,
  },
  {
    name: 'purchase',
    description: 'Bought it.',
    weight: 1.5,
    polarity: 'positive',
    value: null,
    halfLife: days(365),
    seenFor: FOR_EVER,
  },
  {
    name: 'rating',
    description: 'Rated it, half a star to five; below the person’s own mean is negative.',
    weight: 1,
    polarity: 'by-own-mean',
    value: { min: 0.5, max: 5, required: true, scalesWeight: false, meaning: 'stars' },
    halfLife: days(365),
    seenFor: FOR_EVER,
  },
  {
    name: 'dislike',
    description: 'Said that they do not like it.',
    weight: 1,
    polarity: 'negative',
    value: null,
    halfLife: days(365),
    seenFor: FOR_EVER,
  },
  {
    name: 'hide',
    description: 'Does not want to be shown it again.',
    weight: 0.5,
    polarity: 'negative',
    value: null,
    halfLife: days(365),
    seenFor: FOR_EVER,
  },
  {
    name: 'undo',
    description: 'Takes back the event named by context.undoes.',
    weight: 0,
    polarity: 'none',
    value: null,
    halfLife: days(1),
    seenFor: NEVER,
  },
];

export type KindTable = ReadonlyMap<string, FeedbackKind>;

export const kindTable = (kinds: readonly FeedbackKind[]): KindTable =>
  new Map(kinds.map((kind) => [kind.name, kind]));
