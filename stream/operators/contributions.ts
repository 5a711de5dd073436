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
 * An item as contributions name it. `place` belongs to whoever takes them in: what it found out about
 * the item once, it need not find out again when the same reference comes back.
 */
export interface ItemRef {
  readonly id: ItemId;
  place: unknown;
}

export const itemRef = (id: ItemId): ItemRef => ({ id, place: undefined });

/** Takes what events mean for items. */
export interface ContributionSink {
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
    if (kind === undefined) return { ...entry, isCounted: false };
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
    return { ...entry, isCounted };
  });
};

const hashOf = (count: EvictedCount): number => count.hash;

/** Everything that the entries (oldest first, with `isCounted` settled) contribute. */
export const contribute = (
  entries: readonly HistoryEntry[],
  kinds: KindTable,
  options: HistoryOptions,
  sink: ContributionSink,
): void => {
  const latestRatings = new Map<ItemId, HistoryEntry>();
  const refs = entries.map(({ itemId }) => itemRef(itemId));
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]!;
    const kind = kinds.get(entry.kind);
    if (kind === undefined) continue;
    if (isOwnMean(kind) && entry.value !== null) latestRatings.set(entry.itemId, entry);
    if (!entry.isCounted) continue;
    sink.count(refs[index]!, weightOf(kind, entry.value), 1, entry.occurredAt);
    pairWithEarlier(entries, refs, index, options, sink);
  }
  for (const [item, entry] of latestRatings) {
    sink.rating(itemRef(item), entry.value!, 1, entry.occurredAt);
  }
};

const pairWithEarlier = (
  entries: readonly HistoryEntry[],
  refs: readonly ItemRef[],
  index: number,
  options: HistoryOptions,
  sink: ContributionSink,
): void => {
  const entry = entries[index]!;
  const oldest = entry.occurredAt - options.pairWindowMs;
  let rank = 0;
  for (let at = index - 1; at >= 0 && rank < options.pairReach; at--) {
    const earlier = entries[at]!;
    if (earlier.occurredAt < oldest) return;
    if (!earlier.isCounted || earlier.itemId === entry.itemId) continue;
    const weight = pairWeight(rank, entry.busy, options);
    sink.pair(refs[at]!, refs[index]!, weight, 1, entry.occurredAt);
    rank++;
  }
};

interface Tallied {
  readonly emit: (sink: ContributionSink, sign: Sign) => void;
  net: number;
}

/** Collects contributions with their signs, and gives out what is left of them. */
export class ContributionDifference implements ContributionSink {
  readonly #tally = new Map<string, Tallied>();
  #direction: Sign = 1;

  /** Whether what comes now is added (1) or taken away (−1). */
  turn(direction: Sign): void {
    this.#direction = direction;
  }

  count(item: ItemRef, weight: number, sign: Sign, at: EpochMs): void {
    this.#add(`c\0${item.id}\0${weight}\0${at}`, sign, (sink, outer) =>
      sink.count(item, weight, outer, at),
    );
  }

  rating(item: ItemRef, value: number, sign: Sign, at: EpochMs): void {
    this.#add(`r\0${item.id}\0${value}\0${at}`, sign, (sink, outer) =>
      sink.rating(item, value, outer, at),
    );
  }

  pair(earlier: ItemRef, later: ItemRef, weight: number, sign: Sign, at: EpochMs): void {
    this.#add(`p\0${earlier.id}\0${later.id}\0${weight}\0${at}`, sign, (sink, outer) =>
      sink.pair(earlier, later, weight, outer, at),
    );
  }

  #add(name: string, sign: Sign, emit: Tallied['emit']): void {
    const tallied = this.#tally.get(name);
    const step = sign * this.#direction;
    if (tallied === undefined) this.#tally.set(name, { emit, net: step });
    else tallied.net += step;
  }

  /** Takings before givings: a list at its cap then has room for what comes. */
  emitTo(sink: ContributionSink): void {
    for (const sign of [-1, 1] as const) {
      for (const { emit, net } of this.#tally.values()) {
        for (let times = net * sign; times > 0; times--) emit(sink, sign);
      }
    }
  }
}
