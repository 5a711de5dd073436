/**
 * The naive twin of the stream: a batch program written apart, from the documents and not from the
 * operators, which it shares nothing with but the table of kinds and the decay function. It goes
 * through the arrivals once to see which events count (duplicates, lateness), then computes
 * everything anew from the ordered set of those events. Slow and obvious.
 *
 * Written caps: `busy` counts at most the `historyMax` events before, pairs and replaced ratings
 * reach back at most as far. Events beyond that must arrive in order.
 */
import { DecayScale } from '../../algorithms/popularity/decayed-counter.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import type { FeedbackKind, KindTable } from '../../schemas/kinds.ts';
import type { InteractionRecord } from '../../schemas/records.ts';
import type { StreamOptions } from '../../stream/options.ts';

const DAY = 86_400_000;

interface Fact {
  readonly id: string;
  readonly item: string;
  readonly kind: FeedbackKind;
  readonly value: number | null;
  readonly at: number;
}

export interface TwinSubject {
  history: { eventId: string; itemId: string; kind: string; value: number | null; at: number }[];
  eventCount: number;
  sessions: { firstAt: number; lastAt: number; events: number }[];
}

export interface TwinItem {
  interactionCount: number;
  popularity: bigint;
  trendFast: bigint;
  trendSlow: bigint;
  ratingCount: number;
  ratingSumTenths: number;
  histogram: number[];
  neighbours: Map<string, { forward: bigint; backward: bigint; people: Set<string> }>;
}

export interface Twin {
  readonly subjects: Map<string, TwinSubject>;
  readonly items: Map<string, TwinItem>;
  readonly accepted: number;
  readonly duplicate: number;
  readonly tooLate: number;
}

export interface TwinInput {
  /** In the order of arrival within each partition. */
  readonly arrivals: readonly InteractionRecord[];
  readonly partitionOf: (subject: string) => number;
  readonly kinds: KindTable;
  readonly options: StreamOptions;
  readonly landmark: EpochMs;
}

export const runNaiveTwin = (input: TwinInput): Twin => {
  const sorted = sortOut(input);
  const items = new Map<string, TwinItem>();
  const subjects = new Map<string, TwinSubject>();
  for (const [subject, taken] of sorted.bySubject) {
    const facts = taken.facts.filter(({ id }) => !taken.undone.has(id)).sort(inOrder);
    subjects.set(subject, {
      history: facts.slice(-input.options.history.historyMax).map((fact) => ({
        eventId: fact.id,
        itemId: fact.item,
        kind: fact.kind.name,
        value: fact.value,
        at: fact.at,
      })),
      eventCount: taken.facts.length,
      sessions: windows(taken.sessionTimes, input.options.history.sessionGapMs),
    });
    spread(subject, facts, input, items);
  }
  return { subjects, items, ...sorted.tally };
};

interface Taken {
  facts: Fact[];
  undone: Set<string>;
  sessionTimes: number[];
}

const sortOut = ({ arrivals, partitionOf, kinds, options }: TwinInput) => {
  const clocks = new Map<number, number>();
  const seen = new Set<string>();
  const bySubject = new Map<string, Taken>();
  const tally = { accepted: 0, duplicate: 0, tooLate: 0 };
  for (const event of arrivals) {
    const subject = event.userId === null ? `s:${event.sessionId}` : `u:${event.userId}`;
    const partition = partitionOf(subject);
    const before = clocks.get(partition) ?? 0;
    const clock = event.backfill === null ? Math.max(before, event.receivedAt) : before;
    clocks.set(partition, clock);
    const name = JSON.stringify([event.source, event.eventId, subject]);
    if (seen.has(name)) {
      tally.duplicate++;
      continue;
    }
    seen.add(name);
    tally.accepted++;
    const at = Math.min(event.occurredAt, event.receivedAt + options.history.aheadMs);
    const age = event.backfill === null ? clock - at : 0;
    if (age > options.history.countLatenessMs) {
      tally.tooLate++;
      continue;
    }
    const taken = bySubject.get(subject) ?? { facts: [], undone: new Set(), sessionTimes: [] };
    bySubject.set(subject, taken);
    if (event.kind === 'undo') {
      taken.undone.add(event.context!.undoes!);
      continue;
    }
    const kind = kinds.get(event.kind)!;
    taken.facts.push({ id: event.eventId, item: event.itemId, kind, value: event.value, at });
    if (age <= options.history.sessionLatenessMs) taken.sessionTimes.push(at);
  }
  return { bySubject, tally };
};

const inOrder = (left: Fact, right: Fact): number =>
  left.at - right.at || (left.id < right.id ? -1 : 1);

const windows = (times: readonly number[], gap: number): TwinSubject['sessions'] => {
  const sessions: TwinSubject['sessions'] = [];
  for (const at of times.toSorted((left, right) => left - right)) {
    const last = sessions.at(-1);
    if (last !== undefined && at <= last.lastAt + gap) {
      last.lastAt = at;
      last.events++;
    } else {
      sessions.push({ firstAt: at, lastAt: at, events: 1 });
    }
  }
  return sessions;
};

const newItem = (): TwinItem => ({
  interactionCount: 0,
  popularity: 0n,
  trendFast: 0n,
  trendSlow: 0n,
  ratingCount: 0,
  ratingSumTenths: 0,
  histogram: new Array(10).fill(0),
  neighbours: new Map(),
});

/** Which of the ordered facts count: positive, first of (item, kind, day), 200 a day. */
const counted = (facts: readonly Fact[], { options }: TwinInput): boolean[] => {
  let values: number[] = [];
  const places = new Set<string>();
  const perDay = new Map<number, number>();
  return facts.map(({ item, kind, value, at }) => {
    let speaksFor = kind.polarity === 'positive';
    if (kind.polarity === 'by-own-mean') {
      const { ownMeanPrior, ownMeanPriorStrength } = options.history;
      const sum = values.reduce((total, each) => total + Math.round(each * 1000), 0) / 1000;
      const mean =
        (sum + ownMeanPrior * ownMeanPriorStrength) / (values.length + ownMeanPriorStrength);
      speaksFor = value! >= mean;
      values = [...values, value!];
    }
    const day = Math.floor(at / DAY);
    const place = JSON.stringify([item, kind.name, day]);
    const sofar = perDay.get(day) ?? 0;
    if (!speaksFor || weightOf(kind, value) <= 0) return false;
    if (places.has(place) || sofar >= options.history.countsPerDayMax) return false;
    places.add(place);
    perDay.set(day, sofar + 1);
    return true;
  });
};

const weightOf = (kind: FeedbackKind, value: number | null): number =>
  kind.value?.scalesWeight === true && value !== null ? kind.weight * value : kind.weight;

const spread = (
  subject: string,
  facts: readonly Fact[],
  input: TwinInput,
  items: Map<string, TwinItem>,
): void => {
  const { landmark, options } = input;
  const { popularity, trendFast, trendSlow, covisitation } = options.item.halfLives;
  const units = (halfLife: typeof popularity, weight: number, at: number): bigint =>
    BigInt(new DecayScale(halfLife).shareOf(weight, at as EpochMs, landmark));
  const itemOf = (id: string): TwinItem => {
    const item = items.get(id) ?? newItem();
    items.set(id, item);
    return item;
  };
  const counts = counted(facts, input);
  facts.forEach((fact, index) => {
    const near = facts.slice(Math.max(0, index - options.history.historyMax), index);
    rate(fact, facts, index, itemOf, options.history.historyMax);
    if (!counts[index]) return;
    const item = itemOf(fact.item);
    const weight = weightOf(fact.kind, fact.value);
    item.interactionCount++;
    item.popularity += units(popularity, weight, fact.at);
    item.trendFast += units(trendFast, weight, fact.at);
    item.trendSlow += units(trendSlow, weight, fact.at);
    const busy = near.filter(({ at }) => at >= fact.at - DAY).length;
    const partners = near
      .map((earlier, place) => ({ earlier, isCounted: counts[index - near.length + place]! }))
      .filter(({ earlier, isCounted }) => isCounted && earlier.item !== fact.item)
      .filter(({ earlier }) => earlier.at >= fact.at - options.history.pairWindowMs)
      .slice(-options.history.pairReach)
      .reverse();
    partners.forEach(({ earlier }, rank) => {
      const pair =
        product(options.history.pairDecay, rank) / Math.sqrt(1 + busy / options.history.busyScale);
      const share = units(covisitation, pair, fact.at);
      if (share === 0n) return;
      meet(itemOf(earlier.item), fact.item, subject).forward += share;
      meet(itemOf(fact.item), earlier.item, subject).backward += share;
    });
  });
};

/** base^times as repeated products: what the weight is defined as, to the bit. */
const product = (base: number, times: number): number =>
  times === 0 ? 1 : product(base, times - 1) * base;

const meet = (item: TwinItem, neighbour: string, subject: string) => {
  const met = item.neighbours.get(neighbour) ?? { forward: 0n, backward: 0n, people: new Set() };
  item.neighbours.set(neighbour, met);
  met.people.add(subject);
  return met;
};

/** Only the latest rating of an item counts, as far as the hot history tells that there is a later. */
const rate = (
  fact: Fact,
  facts: readonly Fact[],
  index: number,
  itemOf: (id: string) => TwinItem,
  historyMax: number,
): void => {
  if (fact.kind.polarity !== 'by-own-mean') return;
  const isReplaced = facts
    .slice(index + 1, index + 1 + historyMax)
    .some(({ kind, item }) => item === fact.item && kind.polarity === 'by-own-mean');
  if (isReplaced) return;
  const item = itemOf(fact.item);
  item.ratingCount++;
  item.ratingSumTenths += Math.round(fact.value! * 10);
  item.histogram[Math.round(fact.value! * 2) - 1]!++;
};
