/**
 * The one shape of training data: each user's history in order, oldest first, laid end to end.
 * Users and items are dense indices; which id an index stands for is the caller's matter. Order
 * is the caller's too: what comes later in a row happened later.
 */
import { AlgorithmError } from '../model/algorithm-error.ts';

export interface Histories {
  readonly userCount: number;
  readonly itemCount: number;
  /** Row u is items[starts[u] … starts[u + 1]). */
  readonly starts: Uint32Array;
  readonly items: Uint32Array;
  /** Ratings or confidences, beside `items`; null where every event weighs 1. */
  readonly weights: Float32Array | null;
  /** Beside `items`, in any unit that the caller keeps to; null where only order is known. */
  readonly times: Float64Array | null;
}

/** One person's history, oldest first: what a fitted model scores for. */
export interface History {
  readonly items: Uint32Array;
  readonly weights: Float32Array | null;
  readonly times: Float64Array | null;
}

export interface DataEvent {
  readonly user: number;
  readonly item: number;
  readonly weight?: number;
  readonly time?: number;
}

const refuse = (what: string, expected: string, got: unknown): never => {
  throw new AlgorithmError('bad_data', { what, expected, got });
};

const checkIndex = (what: string, value: number, count: number): void => {
  if (!(Number.isInteger(value) && value >= 0 && value < count)) {
    refuse(what, `a whole number from 0 to ${count - 1}`, value);
  }
};

/**
 * Groups events by user. Within a user they are ordered by time where there are times, and ties
 * keep the order of the input.
 */
export const historiesOf = (
  events: readonly DataEvent[],
  { userCount, itemCount }: { readonly userCount: number; readonly itemCount: number },
): Histories => {
  const isWeighted = events.some(({ weight }) => weight !== undefined);
  const isTimed = events.some(({ time }) => time !== undefined);
  const rows: number[][] = Array.from({ length: userCount }, () => []);
  events.forEach((event, position) => {
    checkIndex('a user', event.user, userCount);
    checkIndex('an item', event.item, itemCount);
    rows[event.user]!.push(position);
  });
  const starts = new Uint32Array(userCount + 1);
  const order: number[] = [];
  rows.forEach((row, user) => {
    if (isTimed) row.sort((a, b) => (events[a]!.time ?? 0) - (events[b]!.time ?? 0) || a - b);
    for (const position of row) order.push(position);
    starts[user + 1] = order.length;
  });
  const column = (of: (event: DataEvent) => number) =>
    order.map((position) => of(events[position]!));
  const histories: Histories = {
    userCount,
    itemCount,
    starts,
    items: Uint32Array.from(column(({ item }) => item)),
    weights: isWeighted ? Float32Array.from(column(({ weight }) => weight ?? 1)) : null,
    times: isTimed ? Float64Array.from(column(({ time }) => time ?? 0)) : null,
  };
  checkHistories(histories);
  return histories;
};

/** From arrays that are in order already. */
export const historiesOfRows = (
  rows: readonly ArrayLike<number>[],
  itemCount: number,
): Histories => {
  const starts = new Uint32Array(rows.length + 1);
  rows.forEach((row, user) => {
    starts[user + 1] = starts[user]! + row.length;
  });
  const items = new Uint32Array(starts[rows.length]!);
  rows.forEach((row, user) => {
    for (let k = 0; k < row.length; k++) {
      checkIndex('an item', row[k]!, itemCount);
      items[starts[user]! + k] = row[k]!;
    }
  });
  return { userCount: rows.length, itemCount, starts, items, weights: null, times: null };
};

/** Every model calls this first, so that nonsense is refused before it is counted. */
export const checkHistories = (histories: Histories): void => {
  const { userCount, itemCount, starts, items, weights, times } = histories;
  if (!Number.isSafeInteger(itemCount) || itemCount < 0) {
    refuse('the number of items', 'a whole number of at least 0', itemCount);
  }
  if (starts.length !== userCount + 1 || starts[userCount] !== items.length || starts[0] !== 0) {
    refuse('the row starts', `${userCount + 1} offsets from 0 to ${items.length}`, starts.length);
  }
  for (let user = 0; user < userCount; user++) {
    if (starts[user + 1]! < starts[user]!) refuse('the row starts', 'rising', `a fall at ${user}`);
  }
  for (let k = 0; k < items.length; k++) checkIndex('an item', items[k]!, itemCount);
  checkColumn('a weight', weights, items.length);
  checkColumn('a time', times, items.length);
};

const checkColumn = (
  what: string,
  column: Float32Array | Float64Array | null,
  length: number,
): void => {
  if (!column) return;
  if (column.length !== length) refuse(`${what}s' number`, String(length), column.length);
  for (let k = 0; k < length; k++) {
    if (!Number.isFinite(column[k]!)) refuse(what, 'a finite number', column[k]);
  }
};

export const historyOf = (histories: Histories, user: number): History => {
  const start = histories.starts[user]!;
  const end = histories.starts[user + 1]!;
  return {
    items: histories.items.subarray(start, end),
    weights: histories.weights?.subarray(start, end) ?? null,
    times: histories.times?.subarray(start, end) ?? null,
  };
};

/** A history of items alone. */
export const historyOfItems = (items: ArrayLike<number>): History => ({
  items: Uint32Array.from(items),
  weights: null,
  times: null,
});

/** How often each item occurs. */
export const itemCounts = ({ itemCount, items }: Histories): Float64Array => {
  const counts = new Float64Array(itemCount);
  for (let k = 0; k < items.length; k++) counts[items[k]!]! += 1;
  return counts;
};
