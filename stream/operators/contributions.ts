/**
 * What a subject's ordered history adds to shared counts, as a pure function of it (decision 0001):
 * the reference that the fast path of an appended event must agree with, and the path that a late
 * event, an undo and a removal take.
 *
 * It looks only backwards, so an appended event changes nothing that earlier ones contribute,
 * except that a newer rating of an item takes the place of the older one.
 */
import { isAtOrAboveOwnMean, thousandthsOf } from '../../algorithms/popularity/own-mean.ts';
import { hash32 } from '../../schemas/hash.ts';
import type { EpochMs, ItemId } from '../../schemas/ids.ts';
import type { FeedbackKind, KindTable } from '../../schemas/kinds.ts';
import type { EvictedCount, HistoryEntry } from '../../schemas/state/subject-state.ts';
import type { HistoryOptions } from '../options.ts';

export const DAY_MS = 86_400_000;

export type Sign = 1 | -1;

/**
 * An item as contributions name it, made by whoever takes them in: what it found out about the item
 * once, it need not find out again when the same reference comes back.
 */
export interface ItemRef {
  readonly id: ItemId;
}

/** Takes what events mean for items. */
export interface ContributionSink {
  refOf(id: ItemId): ItemRef;
  count(item: ItemRef, weight: number, sign: Sign, at: EpochMs): void;
  rating(item: ItemRef, value: number, sign: Sign, at: EpochMs): void;
  /** `earlier` came before `later`: two deltas, one for either item's neighbour list. */
  pair(earlier: ItemRef, later: ItemRef, weight: number, sign: Sign, at: EpochMs): void;
}

export const dayOf = (at: EpochMs): number => Math.floor(at / DAY_MS);

/** Names the place of an event among the once-a-day counts. */
export const countHash = (item: ItemId, kind: string): number => hash32(item, hash32(kind) | 0);

export const isOwnMean = (kind: FeedbackKind | undefined): boolean =>
  kind?.polarity === 'by-own-mean';

export const weightOf = (kind: FeedbackKind, value: number | null): number =>
  kind.value?.scalesWeight === true && value !== null ? kind.weight * value : kind.weight;

/** Whether an event speaks for its item, given the sum and count of the earlier own values. */
export const isPositive = (
  kind: FeedbackKind,
  value: number | null,
  earlier: { readonly sumThousandths: number; readonly count: number },
  options: HistoryOptions,
): boolean => {
  if (kind.polarity === 'positive') return true;
  if (kind.polarity !== 'by-own-mean' || value === null) return false;
  const prior = { mean: options.ownMeanPrior, strength: options.ownMeanPriorStrength };
  return isAtOrAboveOwnMean(value, earlier.sumThousandths, earlier.count, prior);
};

export const pairWeight = (rank: number, busy: number, options: HistoryOptions): number => {
  let weight = 1;
  for (let step = 0; step < rank; step++) weight *= options.pairDecay;
  return weight / Math.sqrt(1 + busy / options.busyScale);
};

/** What is known of the events before the oldest entry. */
export interface Before {
  readonly sumThousandths: number;
  readonly count: number;
  readonly evictedCounts: readonly EvictedCount[];
}

/** Finds out anew which entries (oldest first) are counted; the rest of them is left as it is. */
export const withCounted = (
  entries: readonly HistoryEntry[],
  before: Before,
  kinds: KindTable,
  options: HistoryOptions,
): HistoryEntry[] => {
  const taken = new Map<number, Set<number>>();
  const takenOn = (day: number): Set<number> => {
    let places = taken.get(day);
    if (places === undefined) {
      places = new Set(before.evictedCounts.filter((count) => count.day === day).map(hashOf));
      taken.set(day, places);
    }
    return places;
  };
  let { sumThousandths, count } = before;
  return entries.map((entry) => {
    const kind = kinds.get(entry.kind);
    if (kind === undefined) return entry.isCounted ? { ...entry, isCounted: false } : entry;
    const isFor = isPositive(kind, entry.value, { sumThousandths, count }, options);
    if (isOwnMean(kind) && entry.value !== null) {
      sumThousandths += thousandthsOf(entry.value);
      count++;
    }
    const places = takenOn(dayOf(entry.occurredAt));
    const place = countHash(entry.itemId, entry.kind);
    const isCounted =
      isFor &&
      weightOf(kind, entry.value) > 0 &&
      places.size < options.countsPerDayMax &&
      !places.has(place);
    if (isCounted) places.add(place);
    return entry.isCounted === isCounted ? entry : { ...entry, isCounted };
  });
};

const hashOf = (count: EvictedCount): number => count.hash;

/** What the entry at an index counts and pairs, with a sign. Its rating is another matter. */
export const contributeEntry = (
  entries: readonly HistoryEntry[],
  index: number,
  sign: Sign,
  context: ContributionContext,
): void => {
  const { kinds, options, sink } = context;
  const entry = entries[index]!;
  const kind = kinds.get(entry.kind);
  if (kind === undefined || !entry.isCounted) return;
  const item = sink.refOf(entry.itemId);
  sink.count(item, weightOf(kind, entry.value), sign, entry.occurredAt);
  partnersOf(entries, index, options).forEach((partner, rank) => {
    const weight = pairWeight(rank, entry.busy, options);
    sink.pair(sink.refOf(partner), item, weight, sign, entry.occurredAt);
  });
};

export interface ContributionContext {
  readonly kinds: KindTable;
  readonly options: HistoryOptions;
  readonly sink: ContributionSink;
}

/** The items that the entry at an index is paired with, nearest first. */
export const partnersOf = (
  entries: readonly HistoryEntry[],
  index: number,
  options: HistoryOptions,
): ItemId[] => {
  const entry = entries[index]!;
  const oldest = entry.occurredAt - options.pairWindowMs;
  const partners: ItemId[] = [];
  for (let at = index - 1; at >= 0 && partners.length < options.pairReach; at--) {
    const earlier = entries[at]!;
    if (earlier.occurredAt < oldest) break;
    if (earlier.isCounted && earlier.itemId !== entry.itemId) partners.push(earlier.itemId);
  }
  return partners;
};

/** The entry whose rating of the item stands: the latest. */
export const standingRating = (
  entries: readonly HistoryEntry[],
  item: ItemId,
  kinds: KindTable,
): HistoryEntry | undefined =>
  entries.findLast(
    ({ itemId, kind, value }) => itemId === item && value !== null && isOwnMean(kinds.get(kind)),
  );
