/**
 * The history of a subject: takes an event in, takes one back, forgets the whole, and says what
 * that means for items. An event at the end, the usual case, costs a few of the newest entries; any
 * other change computes what the history contributed before and after, and emits the difference.
 *
 * The cap pushes out the oldest entry. What it contributed stays, and its place among the
 * once-a-day counts is remembered, so the contributions of the others do not change by it. An event
 * older than a full history counts, but is paired with nothing.
 */
import { thousandthsOf } from '../../algorithms/popularity/own-mean.ts';
import { itemHashLow } from '../../schemas/hash.ts';
import type { EpochMs, EventId, ItemId } from '../../schemas/ids.ts';
import type { FeedbackKind, KindTable } from '../../schemas/kinds.ts';
import type { HistoryEntry } from '../../schemas/state/subject-state.ts';
import type { HistoryOptions } from '../options.ts';
import {
  type ContributionSink,
  contributeEntry,
  countHash,
  DAY_MS,
  dayOf,
  type ItemRef,
  isOwnMean,
  isPositive,
  pairWeight,
  partnersOf,
  standingRating,
  weightOf,
  withCounted,
} from './contributions.ts';
import { RECENT_MAX, type SubjectCell, WantedItem } from './subject-cell.ts';

/** An interaction, checked and with its time settled. */
export interface TakenEvent {
  readonly eventId: EventId;
  readonly itemId: HistoryEntry['itemId'];
  readonly kind: FeedbackKind;
  readonly value: number | null;
  readonly occurredAt: EpochMs;
}

interface HistoryChange {
  readonly before: readonly HistoryEntry[];
  readonly after: readonly HistoryEntry[];
  /** Index of the entry that came or went. */
  readonly place: number;
}

export type UndoOutcome =
  | 'undone'
  /** Its event may still come: it waits. */
  | 'pending'
  /** Its event lies beyond the history, or too many undos wait. */
  | 'too-old';

const FOR_EVER_DAY = 65_535;
/** Late live events reach back seven days; one more for the day's edge. */
const MARK_DAYS = 8;
/** The item of the event under way. */
const wanted = new WantedItem();

export class HistoryOperator {
  readonly #kinds: KindTable;
  readonly #options: HistoryOptions;
  readonly #isOwnMeanKind: (kind: string) => boolean;

  constructor(kinds: KindTable, options: HistoryOptions) {
    this.#kinds = kinds;
    this.#options = options;
    const ownMeanKinds = new Set([...kinds.values()].filter(isOwnMean).map(({ name }) => name));
    this.#isOwnMeanKind = (kind) => ownMeanKinds.has(kind);
  }

  takeIn(cell: SubjectCell, event: TakenEvent, sink: ContributionSink): void {
    if (cell.eventCount === 0 || event.occurredAt > cell.lastEventAt) {
      cell.lastEventAt = event.occurredAt;
    }
    cell.eventCount++;
    if (cell.pendingUndos.length > 0 && takePendingUndo(cell, event.eventId)) return;
    if (isAtEnd(event, cell)) {
      this.#append(cell, event, sink);
    } else if (cell.historyCount >= this.#options.historyMax && this.#isBeforeAll(cell, event)) {
      this.#takeBehindHistory(cell, event, sink);
    } else {
      this.#insert(cell, event, sink);
    }
  }

  #isBeforeAll(cell: SubjectCell, event: TakenEvent): boolean {
    return !isAfter(event, cell.entryAt(cell.historyCount - 1));
  }

  #append(cell: SubjectCell, event: TakenEvent, sink: ContributionSink): void {
    const { kind, value, itemId, occurredAt } = event;
    const item = sink.refOf(itemId);
    wanted.set(itemId);
    const earlier = { sumThousandths: cell.ownValueSumThousandths, count: cell.ownValueCount };
    const isFor = isPositive(kind, value, earlier, this.#options) && weightOf(kind, value) > 0;
    const { busy, isFirst } = this.#lookBack(cell, event, isFor);
    const entry: HistoryEntry = {
      eventId: event.eventId,
      itemId,
      kind: kind.name,
      value,
      occurredAt,
      isCounted: isFor && isFirst,
      busy,
    };
    if (this.#isOwnMeanKind(kind.name) && value !== null) {
      const replaced = this.#newestRating(cell);
      if (replaced !== undefined) sink.rating(item, replaced.value!, -1, replaced.occurredAt);
      sink.rating(item, value, 1, occurredAt);
      addOwnValue(cell, value, 1);
    }
    if (entry.isCounted) {
      sink.count(item, weightOf(kind, value), 1, occurredAt);
      this.#pairWithEarlier(cell, entry, item, sink);
    }
    cell.append(entry, item);
    this.#keepWithinCap(cell);
  }

  /** How many events lie in the 24 hours before, and whether the event is among its day's counts. */
  #lookBack(
    cell: SubjectCell,
    event: TakenEvent,
    isFor: boolean,
  ): { readonly busy: number; readonly isFirst: boolean } {
    const kind = event.kind.name;
    const busySince = event.occurredAt - DAY_MS;
    const day = dayOf(event.occurredAt);
    const dayStart = day * DAY_MS;
    let busy = 0;
    let countedToday = 0;
    let isFirst = true;
    const entries = cell.newestFirst();
    while (entries.next() && entries.occurredAt >= busySince) {
      busy++;
      if (!isFor || !entries.isCounted || entries.occurredAt < dayStart) continue;
      countedToday++;
      if (isFirst && entries.isAbout(wanted) && entries.kind === kind) isFirst = false;
    }
    if (!isFor || !isFirst) return { busy, isFirst };
    if (cell.evictedCounts.count > 0) {
      const occupied = cell.evictedCounts.occupiedOn(day, countHash(event.itemId, kind));
      if (occupied < 0) return { busy, isFirst: false };
      countedToday += occupied;
    }
    return { busy, isFirst: countedToday < this.#options.countsPerDayMax };
  }

  #newestRating(cell: SubjectCell): HistoryEntry | undefined {
    const entries = cell.newestFirst();
    while (entries.next()) {
      if (entries.isAbout(wanted) && this.#isOwnMeanKind(entries.kind)) return entries.entry;
    }
    return undefined;
  }

  /** The same as the reference's; the newest counted items are at hand, mostly they suffice. */
  #pairWithEarlier(
    cell: SubjectCell,
    { occurredAt, busy }: HistoryEntry,
    item: ItemRef,
    sink: ContributionSink,
  ): void {
    const { pairReach, pairWindowMs } = this.#options;
    const oldest = occurredAt - pairWindowMs;
    const recent = cell.recentItems(sink);
    const times = cell.recentTimes;
    let rank = 0;
    for (let at = recent.length - 1; at >= 0; at--) {
      if (rank === pairReach || times[at]! < oldest) return;
      const earlier = recent[at]!;
      if (earlier.id === item.id) continue;
      sink.pair(earlier, item, pairWeight(rank, busy, this.#options), 1, occurredAt);
      rank++;
    }
    if (rank === pairReach || recent.length < RECENT_MAX) return;
    let seen = recent.length;
    const entries = cell.newestFirst();
    while (rank < pairReach && entries.next() && entries.occurredAt >= oldest) {
      if (!entries.isCounted || seen-- > 0 || entries.isAbout(wanted)) continue;
      const earlier = sink.refOf(entries.itemId);
      sink.pair(earlier, item, pairWeight(rank, busy, this.#options), 1, occurredAt);
      rank++;
    }
  }

  #insert(cell: SubjectCell, event: TakenEvent, sink: ContributionSink): void {
    const before = cell.history();
    const place = before.findIndex((entry) => !isAfter(event, entry));
    const entry: HistoryEntry = {
      eventId: event.eventId,
      itemId: event.itemId,
      kind: event.kind.name,
      value: event.value,
      occurredAt: event.occurredAt,
      isCounted: false,
      busy: before
        .slice(0, place)
        .filter(({ occurredAt }) => occurredAt >= event.occurredAt - DAY_MS).length,
    };
    const after = [
      ...before.slice(0, place),
      entry,
      ...before.slice(place).map((later) => withBusyChanged(later, event.occurredAt, 1)),
    ];
    if (this.#isOwnMeanKind(entry.kind) && entry.value !== null) addOwnValue(cell, entry.value, 1);
    this.#change(cell, { before, after, place }, sink);
    this.#keepWithinCap(cell);
  }

  /** An event older than a full history: counted, not kept. */
  #takeBehindHistory(cell: SubjectCell, event: TakenEvent, sink: ContributionSink): void {
    const { kind, value, itemId, occurredAt } = event;
    const before = cell.history();
    const earlier = this.#ownValuesBefore(cell, before);
    const day = dayOf(occurredAt);
    const place = countHash(itemId, kind.name);
    const evicted = cell.evictedCounts.list();
    const isTaken =
      evicted.some((count) => count.day === day && count.hash === place) ||
      before.some(
        (entry) =>
          entry.isCounted &&
          entry.itemId === itemId &&
          entry.kind === kind.name &&
          dayOf(entry.occurredAt) === day,
      );
    const countedThatDay =
      evicted.filter((count) => count.day === day).length +
      before.filter((entry) => entry.isCounted && dayOf(entry.occurredAt) === day).length;
    const isCounted =
      !isTaken &&
      countedThatDay < this.#options.countsPerDayMax &&
      isPositive(kind, value, earlier, this.#options) &&
      weightOf(kind, value) > 0;
    if (isCounted) sink.count(sink.refOf(itemId), weightOf(kind, value), 1, occurredAt);
    if (this.#isOwnMeanKind(kind.name) && value !== null) {
      wanted.set(itemId);
      if (this.#newestRating(cell) === undefined) {
        sink.rating(sink.refOf(itemId), value, 1, occurredAt);
      }
      addOwnValue(cell, value, 1);
    }
    this.#evict(cell, {
      eventId: event.eventId,
      itemId,
      kind: kind.name,
      value,
      occurredAt,
      isCounted,
      busy: 0,
    });
    const after = before.map((entry) => withBusyChanged(entry, occurredAt, 1));
    this.#change(cell, { before, after, place: 0 }, sink);
  }

  undo(cell: SubjectCell, eventId: EventId, at: EpochMs, sink: ContributionSink): UndoOutcome {
    const before = cell.history();
    const place = before.findLastIndex((entry) => entry.eventId === eventId);
    if (place >= 0) {
      this.#remove(cell, before, place, sink);
      return 'undone';
    }
    if (cell.pendingUndos.some((undo) => undo.eventId === eventId)) return 'pending';
    if (cell.evictedCount > 0 || cell.pendingUndos.length >= this.#options.pendingUndosMax) {
      return 'too-old';
    }
    cell.pendingUndos = [...cell.pendingUndos, { eventId, occurredAt: at }].sort(byEventId);
    return 'pending';
  }

  #remove(
    cell: SubjectCell,
    before: readonly HistoryEntry[],
    place: number,
    sink: ContributionSink,
  ): void {
    const removed = before[place]!;
    const after = [
      ...before.slice(0, place),
      ...before.slice(place + 1).map((later) => withBusyChanged(later, removed.occurredAt, -1)),
    ];
    if (this.#isOwnMeanKind(removed.kind) && removed.value !== null) {
      addOwnValue(cell, removed.value, -1);
    }
    this.#change(cell, { before, after, place }, sink);
  }

  /** Takes back everything that can be: the hot history's contributions. */
  forget(cell: SubjectCell, sink: ContributionSink): void {
    this.#change(cell, { before: cell.history(), after: [], place: 0 }, sink);
  }

  /**
   * Puts `after` in the place of `before`, which differ by at most one entry at `place` (or `after` is
   * empty). Nothing before that place contributes otherwise than it did; of what follows only
   * those entries are emitted anew that changed or are paired with others. Takings come before
   * givings, so that a list at its cap has room for what comes.
   */
  #change(cell: SubjectCell, change: HistoryChange, sink: ContributionSink): void {
    const { before, place } = change;
    const after = withCounted(
      change.after,
      { ...this.#ownValuesBefore(cell, change.after), evictedCounts: cell.evictedCounts.list() },
      this.#kinds,
      this.#options,
    );
    const context = { kinds: this.#kinds, options: this.#options, sink };
    const shift = after.length - before.length;
    const isSame = (index: number): boolean =>
      this.#contributesTheSame(before, index, after, index + Math.max(-1, shift));
    // An inserted entry stands at `place` in `after` alone, a removed one in `before` alone.
    const firstBefore = shift < 0 ? place + 1 : place;
    const changed: number[] = [];
    for (let index = firstBefore; index < before.length; index++) {
      if (after.length === 0 || !isSame(index)) changed.push(index);
    }
    if (shift < 0) contributeEntry(before, place, -1, context);
    for (const index of changed) contributeEntry(before, index, -1, context);
    this.#changeRatings(before, after, sink);
    if (shift > 0) contributeEntry(after, place, 1, context);
    if (after.length > 0) {
      for (const index of changed) contributeEntry(after, index + shift, 1, context);
    }
    cell.replaceHistory(after);
  }

  #contributesTheSame(
    before: readonly HistoryEntry[],
    index: number,
    after: readonly HistoryEntry[],
    afterIndex: number,
  ): boolean {
    const was = before[index]!;
    const is = after[afterIndex]!;
    if (was.isCounted !== is.isCounted) return false;
    if (!is.isCounted) return true;
    if (was.busy !== is.busy) return false;
    const partners = partnersOf(after, afterIndex, this.#options);
    const former = partnersOf(before, index, this.#options);
    return (
      partners.length === former.length && partners.every((item, rank) => item === former[rank])
    );
  }

  /** Of each item whose standing rating is another one now, takes back the old and gives the new. */
  #changeRatings(
    before: readonly HistoryEntry[],
    after: readonly HistoryEntry[],
    sink: ContributionSink,
  ): void {
    const items = new Set<ItemId>();
    for (const { kind, itemId } of [...before, ...after]) {
      if (this.#isOwnMeanKind(kind)) items.add(itemId);
    }
    for (const id of items) {
      const was = standingRating(before, id, this.#kinds);
      const is = standingRating(after, id, this.#kinds);
      if (was?.value === is?.value && was?.occurredAt === is?.occurredAt) continue;
      if (was !== undefined) sink.rating(sink.refOf(id), was.value!, -1, was.occurredAt);
      if (is !== undefined) sink.rating(sink.refOf(id), is.value!, 1, is.occurredAt);
    }
  }

  /** Sum and count of the own values before the oldest entry. */
  #ownValuesBefore(
    cell: SubjectCell,
    entries: readonly HistoryEntry[],
  ): { sumThousandths: number; count: number } {
    let sumThousandths = cell.ownValueSumThousandths;
    let count = cell.ownValueCount;
    for (const entry of entries) {
      if (entry.value === null || !this.#isOwnMeanKind(entry.kind)) continue;
      sumThousandths -= thousandthsOf(entry.value);
      count--;
    }
    return { sumThousandths, count };
  }

  #keepWithinCap(cell: SubjectCell): void {
    while (cell.historyCount > this.#options.historyMax) this.#evict(cell, cell.dropOldest());
  }

  #evict(cell: SubjectCell, entry: HistoryEntry): void {
    cell.evictedCount++;
    if (entry.isCounted || cell.evictedCounts.count > 0) this.#keepMarks(cell, entry);
    const seenFor = this.#kinds.get(entry.kind)?.seenFor ?? 0;
    if (seenFor <= 0) return;
    const untilDay = Math.min(Math.ceil((entry.occurredAt + seenFor) / DAY_MS), FOR_EVER_DAY);
    const seen = { itemHash: itemHashLow(entry.itemId), untilDay: Math.max(untilDay, 0) };
    cell.addEvictedSeen(seen, this.#options.evictedSeenMax);
  }

  /** Marks matter on days that hot entries or late live events may still fall on. */
  #keepMarks(cell: SubjectCell, entry: HistoryEntry): void {
    const lastDay = dayOf(cell.lastEventAt) - MARK_DAYS;
    const oldestDay =
      cell.historyCount === 0 ? lastDay : Math.min(lastDay, dayOf(cell.oldestTime() as EpochMs));
    if (entry.isCounted) {
      cell.evictedCounts.add(dayOf(entry.occurredAt), countHash(entry.itemId, entry.kind));
    }
    cell.evictedCounts.keep(oldestDay, this.#options.evictedCountsMax);
  }
}

/** Whether the event comes after every entry; looks at no more than a time, unless that is equal. */
const isAtEnd = (event: TakenEvent, cell: SubjectCell): boolean =>
  cell.historyCount === 0 ||
  event.occurredAt > cell.newestTime() ||
  (event.occurredAt === cell.newestTime() && isAfter(event, cell.entryAt(0)));

/** Whether the event comes after the entry in the order of histories. */
const isAfter = (event: TakenEvent, entry: HistoryEntry): boolean => {
  if (event.occurredAt !== entry.occurredAt) return event.occurredAt > entry.occurredAt;
  if (event.eventId !== entry.eventId) return event.eventId > entry.eventId;
  if (event.itemId !== entry.itemId) return event.itemId > entry.itemId;
  return event.kind.name > entry.kind;
};

/** An event came or went 24 hours or less before the entry: that changes how busy it was. */
const withBusyChanged = (entry: HistoryEntry, at: EpochMs, by: 1 | -1): HistoryEntry =>
  entry.occurredAt - at <= DAY_MS ? { ...entry, busy: Math.max(0, entry.busy + by) } : entry;

const addOwnValue = (cell: SubjectCell, value: number, sign: 1 | -1): void => {
  cell.ownValueSumThousandths += sign * thousandthsOf(value);
  cell.ownValueCount += sign;
};

const takePendingUndo = (cell: SubjectCell, eventId: EventId): boolean => {
  const left = cell.pendingUndos.filter((undo) => undo.eventId !== eventId);
  if (left.length === cell.pendingUndos.length) return false;
  cell.pendingUndos = left;
  return true;
};

const byEventId = (left: { eventId: EventId }, right: { eventId: EventId }): number =>
  left.eventId < right.eventId ? -1 : 1;
