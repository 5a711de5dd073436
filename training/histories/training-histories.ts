/**
 * The read history as the models want it. Each view can stop before a moment, as if nothing had
 * happened since: strengths fade from what is then a person's newest deed.
 *
 * weighted   every item's deeds with their faded, signed weights (factor models, fold-in)
 * sequences  what people chose, in order; the same item several times in a row is one choice, since a
 *            click, a view and a watch of it are no journey (embeddings, next-item)
 * ratings    stars, for the models that predict them
 */
import type { Histories, History } from '../../algorithms/histories/histories.ts';
import { fading, keepStrongerSide } from '../../algorithms/histories/taste-weights.ts';
import type { FeedbackKind } from '../../schemas/kinds.ts';
import type { ReadHistory } from './history-reader.ts';

export interface HistoryView {
  readonly history: ReadHistory;
  readonly kinds: readonly FeedbackKind[];
  /** Only what happened before counts; left out, everything. */
  readonly before?: number;
}

/** The rows of a person before the moment of the view. */
const rowsOf = (
  { history, before }: HistoryView,
  person: number,
): { start: number; end: number } => {
  const start = history.starts[person]!;
  let end = history.starts[person + 1]!;
  if (before !== undefined) {
    while (end > start && history.events.times[end - 1]! >= before) end--;
  }
  return { start, end };
};

export const weightedHistory = (view: HistoryView, person: number): History => {
  const { start, end } = rowsOf(view, person);
  const { items, strengths, kinds, times } = view.history.events;
  const own = items.slice(start, end);
  const newest = end > start ? times[end - 1]! : 0;
  const weights = new Float64Array(end - start);
  for (let row = start; row < end; row++) {
    const { halfLife } = view.kinds[kinds[row]!]!;
    weights[row - start] = strengths[row]! * fading(newest - times[row]!, halfLife);
  }
  keepStrongerSide(own, weights);
  return { items: own, weights: Float32Array.from(weights), times: null };
};

export const sequenceHistory = (view: HistoryView, person: number): History => {
  const weighted = weightedHistory(view, person);
  const { start } = rowsOf(view, person);
  const items: number[] = [];
  const times: number[] = [];
  for (let k = 0; k < weighted.items.length; k++) {
    if (weighted.weights![k]! <= 0 || weighted.items[k] === items.at(-1)) continue;
    items.push(weighted.items[k]!);
    times.push(view.history.events.times[start + k]!);
  }
  return { items: Uint32Array.from(items), weights: null, times: Float64Array.from(times) };
};

export const ratingHistory = (view: HistoryView, person: number): History => {
  const { start, end } = rowsOf(view, person);
  const { items, values, kinds, times } = view.history.events;
  // A person's last word on an item is their rating of it.
  const last = new Map<number, number>();
  for (let row = start; row < end; row++) {
    const isRating = view.kinds[kinds[row]!]!.polarity === 'by-own-mean';
    if (!isRating || Number.isNaN(values[row]!)) continue;
    last.delete(items[row]!);
    last.set(items[row]!, row);
  }
  const rows = [...last.values()];
  return {
    items: Uint32Array.from(rows, (row) => items[row]!),
    weights: Float32Array.from(rows, (row) => values[row]!),
    times: Float64Array.from(rows, (row) => times[row]!),
  };
};

const HISTORY_OF = {
  weighted: weightedHistory,
  sequences: sequenceHistory,
  ratings: ratingHistory,
} as const;

/** Those of all people, or of some, laid end to end. */
export const historiesFor = (
  sort: keyof typeof HISTORY_OF,
  view: HistoryView,
  people?: ArrayLike<number>,
): Histories => {
  const count = people?.length ?? view.history.personCount;
  const personAt = (index: number): number => people?.[index] ?? index;
  const historyOf = (index: number): History => HISTORY_OF[sort](view, personAt(index));
  const starts = new Uint32Array(count + 1);
  let room = 0;
  for (let index = 0; index < count; index++) {
    const { start, end } = rowsOf(view, personAt(index));
    room += end - start;
  }
  const items = new Uint32Array(room);
  const weights = sort === 'sequences' ? null : new Float32Array(room);
  const times = sort === 'weighted' ? null : new Float64Array(room);
  let length = 0;
  for (let index = 0; index < count; index++) {
    const own = historyOf(index);
    items.set(own.items, length);
    if (own.weights) weights?.set(own.weights, length);
    if (own.times) times?.set(own.times, length);
    length += own.items.length;
    starts[index + 1] = length;
  }
  return {
    userCount: count,
    itemCount: view.history.itemIds.length,
    starts,
    items: items.subarray(0, length),
    weights: weights?.subarray(0, length) ?? null,
    times: times?.subarray(0, length) ?? null,
  };
};
