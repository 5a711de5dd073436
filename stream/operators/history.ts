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
import type { EpochMs, EventId } from '../../schemas/ids.ts';
import type { FeedbackKind, KindTable } from '../../schemas/kinds.ts';
import type { EvictedCount, HistoryEntry } from '../../schemas/state/subject-state.ts';
import type { HistoryOptions } from '../options.ts';
import {
  ContributionDifference,
  type ContributionSink,
  contribute,
  countHash,
  DAY_MS,
  dayOf,
  isOwnMean,
  isPositive,
  pairWithEarlier,
  weightOf,
  withCounted,
} from './contributions.ts';
import type { SubjectCell } from './subject-cell.ts';

/** An interaction, checked and with its time settled. */
export interface TakenEvent {
  readonly eventId: EventId;
  readonly itemId: HistoryEntry['itemId'];
  readonly kind: FeedbackKind;
  readonly value: number | null;
  readonly occurredAt: EpochMs;
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
    if (cell.historyCount === 0 || isAfter(event, cell.entryAt(0))) {
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
    const earlier = { sumThousandths: cell.ownValueSumThousandths, count: cell.ownValueCount };
    const isFor = isPositive(kind, value, earlier, this.#options) && weightOf(kind, value) > 0;
    const entry: HistoryEntry = {
      eventId: event.eventId,
      itemId,
      kind: kind.name,
      value,
      occurredAt,
      isCounted: isFor && this.#isFirstToday(cell, event),
      busy: this.#busyBefore(cell, occurredAt),
    };
    if (this.#isOwnMeanKind(kind.name) && value !== null) {
      const replaced = cell.newestAbout(itemId, this.#isOwnMeanKind);
      if (replaced !== undefined) sink.rating(itemId, replaced.value!, -1, replaced.occurredAt);
      sink.rating(itemId, value, 1, occurredAt);
      addOwnValue(cell, value, 1);
    }
    if (entry.isCounted) {
      sink.count(itemId, weightOf(kind, value), 1, occurredAt);
      const earlierAt = (back: number): HistoryEntry | undefined =>
        back < cell.historyCount ? cell.entryAt(back) : undefined;
      pairWithEarlier(entry, earlierAt, this.#options, sink);
    }
    cell.append(entry);
    this.#keepWithinCap(cell);
  }

  #isFirstToday(cell: SubjectCell, event: TakenEvent): boolean {
    const day = dayOf(event.occurredAt);
    let countedToday = 0;
    for (let index = 0; index < cell.historyCount; index++) {
      const entry = cell.entryAt(index);
      if (dayOf(entry.occurredAt) !== day) break;
      if (!entry.isCounted) continue;
      if (entry.itemId === event.itemId && entry.kind === event.kind.name) return false;
      countedToday++;
    }
    if (cell.hasEvictedCountsFrom(day)) {
      const place = countHash(event.itemId, event.kind.name);
      for (const evicted of cell.evictedCounts) {
        if (evicted.day !== day) continue;
        if (evicted.hash === place) return false;
        countedToday++;
      }
    }
    return countedToday < this.#options.countsPerDayMax;
  }

  #busyBefore(cell: SubjectCell, at: EpochMs): number {
    let busy = 0;
    while (busy < cell.historyCount && cell.entryAt(busy).occurredAt >= at - DAY_MS) busy++;
    return busy;
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
    this.#change(cell, before, after, sink);
    this.#keepWithinCap(cell);
  }

  /** An event older than a full history: counted, not kept. */
  #takeBehindHistory(cell: SubjectCell, event: TakenEvent, sink: ContributionSink): void {
    const { kind, value, itemId, occurredAt } = event;
    const before = cell.history();
    const earlier = this.#ownValuesBefore(cell, before);
    const day = dayOf(occurredAt);
    const place = countHash(itemId, kind.name);
    const isTaken =
      cell.evictedCounts.some((count) => count.day === day && count.hash === place) ||
      before.some(
        (entry) =>
          entry.isCounted &&
          entry.itemId === itemId &&
          entry.kind === kind.name &&
          dayOf(entry.occurredAt) === day,
      );
    const countedThatDay =
      cell.evictedCounts.filter((count) => count.day === day).length +
      before.filter((entry) => entry.isCounted && dayOf(entry.occurredAt) === day).length;
    const isCounted =
      !isTaken &&
      countedThatDay < this.#options.countsPerDayMax &&
      isPositive(kind, value, earlier, this.#options) &&
      weightOf(kind, value) > 0;
    if (isCounted) sink.count(itemId, weightOf(kind, value), 1, occurredAt);
    if (this.#isOwnMeanKind(kind.name) && value !== null) {
      if (cell.newestAbout(itemId, this.#isOwnMeanKind) === undefined) {
        sink.rating(itemId, value, 1, occurredAt);
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
    this.#change(cell, before, after, sink);
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
    this.#change(cell, before, after, sink);
  }

  /** Takes back everything that can be: the hot history's contributions. */
  forget(cell: SubjectCell, sink: ContributionSink): void {
    this.#change(cell, cell.history(), [], sink);
  }

  #change(
    cell: SubjectCell,
    before: readonly HistoryEntry[],
    after: readonly HistoryEntry[],
    sink: ContributionSink,
  ): void {
    const settled = withCounted(
      after,
      { ...this.#ownValuesBefore(cell, after), evictedCounts: cell.evictedCounts },
      this.#kinds,
      this.#options,
    );
    const difference = new ContributionDifference();
    difference.turn(-1);
    contribute(before, this.#kinds, this.#options, difference);
    difference.turn(1);
    contribute(settled, this.#kinds, this.#options, difference);
    difference.emitTo(sink);
    cell.replaceHistory(settled);
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
    if (entry.isCounted || cell.hasEvictedCountsFrom(0)) this.#keepMarks(cell, entry);
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
      cell.historyCount === 0
        ? lastDay
        : Math.min(lastDay, dayOf(cell.entryAt(cell.historyCount - 1).occurredAt));
    let marks: readonly EvictedCount[] = cell.evictedCounts;
    const day = dayOf(entry.occurredAt);
    if (entry.isCounted && day >= 0 && day <= FOR_EVER_DAY) {
      const mark = { day, hash: countHash(entry.itemId, entry.kind) };
      const place = marks.findIndex((other) => compareMarks(mark, other) < 0);
      marks = place < 0 ? [...marks, mark] : marks.toSpliced(place, 0, mark);
    }
    if (marks.length > 0 && marks[0]!.day < oldestDay) {
      marks = marks.filter((mark) => mark.day >= oldestDay);
    }
    const tooMany = marks.length - this.#options.evictedCountsMax;
    cell.evictedCounts = tooMany > 0 ? marks.slice(tooMany) : marks;
  }
}

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

const compareMarks = (left: EvictedCount, right: EvictedCount): number =>
  left.day - right.day || left.hash - right.hash;
