/**
 * What serving makes of a person's state: which of their events speak for and against which items,
 * and how strongly; what they have seen; what they hid. A pure function of (state, kinds, now), where
 * `now` decides only what still counts as seen: taste fades measured from the person's own newest
 * event, so a list does not change because nothing happened.
 */
import { ownMean, thousandthsOf } from '../algorithms/popularity/own-mean.ts';
import type { EpochMs, Offset, SubjectId } from '../schemas/ids.ts';
import type { FeedbackKind, KindTable } from '../schemas/kinds.ts';
import type { EvictedSeen, HistoryEntry, SubjectState } from '../schemas/state/subject-state.ts';
import type { Catalogue } from './catalogue.ts';
import type { ItemSlots } from './item-slots.ts';
import type { LadderOptions } from './options.ts';

export interface TasteEvent {
  readonly entry: HistoryEntry;
  readonly slot: number;
  /** Above 0; what it counts after fading. */
  readonly weight: number;
}

export interface Profile {
  readonly subject: SubjectId | null;
  readonly version: Offset | null;
  readonly newestEventAt: EpochMs | null;
  /** Newest first. */
  readonly positives: readonly TasteEvent[];
  readonly negatives: readonly TasteEvent[];
  readonly seen: SeenItems;
  readonly hidden: ReadonlySet<number>;
}

const DAY_MS = 86_400_000;
const FOR_EVER_DAY = 65_535;
/** A value this far from the person's mean speaks with full strength. */
const FULL_STRENGTH_DISTANCE = 1.5;
const STRENGTH_MIN = 0.4;

/**
 * The items that a person has seen: by slot from the history, by 32-bit hash beyond it. The bits
 * rule out nearly all items in one look; what they let through is looked up.
 */
export class SeenItems {
  readonly #slots: ReadonlySet<number>;
  readonly #evicted: readonly EvictedSeen[];
  readonly #bits: Uint8Array | undefined;
  readonly #today: number;

  constructor(slots: ReadonlySet<number>, evicted: readonly EvictedSeen[], now: EpochMs) {
    this.#slots = slots;
    this.#evicted = evicted;
    this.#today = Math.floor(now / DAY_MS);
    if (evicted.length === 0) return;
    this.#bits = new Uint8Array(8_192);
    for (const { itemHash } of evicted)
      this.#bits[(itemHash & 0xffff) >>> 3]! |= 1 << (itemHash & 7);
  }

  has(slot: number, slots: ItemSlots): boolean {
    if (this.#slots.has(slot)) return true;
    if (this.#bits === undefined) return false;
    const hash = slots.hashLowOf(slot);
    if ((this.#bits[(hash & 0xffff) >>> 3]! & (1 << (hash & 7))) === 0) return false;
    return this.#evicted.some(
      ({ itemHash, untilDay }) =>
        itemHash === hash && (untilDay === FOR_EVER_DAY || untilDay >= this.#today),
    );
  }
}

export interface ProfileOptions {
  readonly slots: ItemSlots;
  readonly kinds: KindTable;
  readonly ladder: LadderOptions;
}

/** The profile of somebody of whom nothing is known. */
export const emptyProfile = (subject: SubjectId | null, now: EpochMs): Profile => ({
  subject,
  version: null,
  newestEventAt: null,
  positives: [],
  negatives: [],
  seen: new SeenItems(new Set(), [], now),
  hidden: new Set(),
});

export const profileOf = (
  subject: SubjectId | null,
  state: Pick<
    SubjectState,
    'history' | 'evictedSeen' | 'ownValueSumThousandths' | 'ownValueCount' | 'lastOffset'
  >,
  now: EpochMs,
  options: ProfileOptions,
): Profile => {
  const { history } = state;
  const newest = history.at(-1)?.occurredAt ?? null;
  const signed = signedEvents(state, newest, options);
  return {
    subject,
    version: state.lastOffset,
    newestEventAt: newest,
    ...judged(signed, options.ladder.eventsMax),
    seen: new SeenItems(seenSlots(history, now, options), state.evictedSeen, now),
    hidden: new Set(
      history.flatMap(({ kind, itemId }) => {
        const slot = kind === 'hide' ? options.slots.find(itemId) : undefined;
        return slot === undefined ? [] : [slot];
      }),
    ),
  };
};

interface SignedEvent extends TasteEvent {
  readonly sign: 1 | -1;
}

/** Oldest first. The mean that a rating is held against is that of the ratings before it. */
const signedEvents = (
  state: Pick<SubjectState, 'history' | 'ownValueSumThousandths' | 'ownValueCount'>,
  newest: EpochMs | null,
  { slots, kinds, ladder }: ProfileOptions,
): SignedEvent[] => {
  const prior = { mean: ladder.ownMeanPrior, strength: ladder.ownMeanPriorStrength };
  let { sum, count } = valuesBefore(state, kinds);
  const events: SignedEvent[] = [];
  for (const entry of state.history) {
    const kind = kinds.get(entry.kind);
    if (kind === undefined || kind.polarity === 'none') continue;
    const mean = ownMean(sum, count, prior);
    if (kind.polarity === 'by-own-mean' && entry.value !== null) {
      sum += thousandthsOf(entry.value);
      count++;
    }
    const { sign, strength } = judgementOf(kind, entry.value, mean);
    const weight = strength * 2 ** (-(newest! - entry.occurredAt) / kind.halfLife);
    const slot = slots.find(entry.itemId);
    if (weight > 0 && slot !== undefined) events.push({ entry, slot, weight, sign });
  }
  return events;
};

/** Sum and count of the values older than the history: all there are less those in it. */
const valuesBefore = (
  state: Pick<SubjectState, 'history' | 'ownValueSumThousandths' | 'ownValueCount'>,
  kinds: KindTable,
): { sum: number; count: number } => {
  let sum = state.ownValueSumThousandths;
  let count = state.ownValueCount;
  for (const { kind, value } of state.history) {
    if (value === null || kinds.get(kind)?.polarity !== 'by-own-mean') continue;
    sum -= thousandthsOf(value);
    count--;
  }
  return { sum, count };
};

const judgementOf = (
  kind: FeedbackKind,
  value: number | null,
  mean: number,
): { readonly sign: 1 | -1; readonly strength: number } => {
  switch (kind.polarity) {
    case 'positive':
      return {
        sign: 1,
        strength: kind.value?.scalesWeight && value !== null ? kind.weight * value : kind.weight,
      };
    case 'negative':
      return { sign: -1, strength: kind.weight };
    case 'by-own-mean': {
      const distance = (value ?? mean) - mean;
      const clarity = Math.min(1, Math.abs(distance) / FULL_STRENGTH_DISTANCE);
      return {
        sign: distance >= 0 ? 1 : -1,
        strength: kind.weight * (STRENGTH_MIN + (1 - STRENGTH_MIN) * clarity),
      };
    }
    case 'none':
      return { sign: 1, strength: 0 };
  }
};

/**
 * Newest first, and of each item only the events on the side that weighs more: who disliked what
 * they once clicked does not like it a little.
 */
const judged = (
  events: readonly SignedEvent[],
  eventsMax: number,
): Pick<Profile, 'positives' | 'negatives'> => {
  const verdicts = new Map<number, number>();
  for (const { slot, weight, sign } of events) {
    verdicts.set(slot, (verdicts.get(slot) ?? 0) + sign * weight);
  }
  const positives: TasteEvent[] = [];
  const negatives: TasteEvent[] = [];
  for (let index = events.length - 1; index >= 0; index--) {
    const event = events[index]!;
    const isFor = verdicts.get(event.slot)! > 0;
    if (isFor && event.sign > 0 && positives.length < eventsMax) positives.push(event);
    if (!isFor && event.sign < 0 && negatives.length < eventsMax) negatives.push(event);
  }
  return { positives, negatives };
};

const seenSlots = (
  history: readonly HistoryEntry[],
  now: EpochMs,
  { slots, kinds }: ProfileOptions,
): Set<number> => {
  const seen = new Set<number>();
  for (const { kind, itemId, occurredAt } of history) {
    const seenFor = kinds.get(kind)?.seenFor ?? 0;
    if (seenFor <= 0 || now - occurredAt >= seenFor) continue;
    const slot = slots.find(itemId);
    if (slot !== undefined) seen.add(slot);
  }
  return seen;
};

/** How much the person's taste leans to each category: negative where they turn away from it. */
export const categoryTaste = (profile: Profile, catalogue: Catalogue): Map<number, number> => {
  const taste = new Map<number, number>();
  const add = (event: TasteEvent, sign: 1 | -1): void => {
    const categories = catalogue.categoriesOf(event.slot);
    for (const category of categories) {
      const share = (sign * event.weight) / Math.sqrt(categories.length);
      taste.set(category, (taste.get(category) ?? 0) + share);
    }
  };
  for (const event of profile.positives) add(event, 1);
  for (const event of profile.negatives) add(event, -1);
  return taste;
};
