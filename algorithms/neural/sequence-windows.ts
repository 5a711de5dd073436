/**
 * Windows of sequences for training: people in proportion to how many targets their history has, a
 * place in it, and around that place as many consecutive events as a window holds, each with the next
 * event as its target. Which windows a step gets is a function of seed and step alone, so that a run
 * can go on from any step.
 */
import type { Histories } from '../histories/histories.ts';
import type { SeededRandom } from '../random/seeded-random.ts';

/** Where a window's input begins in the histories' items, and how many inputs it has. */
export interface SequenceWindow {
  readonly start: number;
  readonly count: number;
}

export class WindowSource {
  readonly #histories: Histories;
  /** Targets of the users before each. */
  readonly #ends: Float64Array;

  constructor(histories: Histories) {
    this.#histories = histories;
    const { userCount, starts } = histories;
    this.#ends = new Float64Array(userCount);
    let sum = 0;
    for (let user = 0; user < userCount; user++) {
      sum += Math.max(starts[user + 1]! - starts[user]! - 1, 0);
      this.#ends[user] = sum;
    }
  }

  get targetCount(): number {
    return this.#ends.at(-1) ?? 0;
  }

  /** There must be targets. */
  draw(length: number, random: SeededRandom): SequenceWindow {
    const target = random.below(this.targetCount);
    const user = this.#userOf(target);
    const start = this.#histories.starts[user]!;
    const targets = this.#histories.starts[user + 1]! - start - 1;
    const place = target - (this.#ends[user]! - targets);
    const first = Math.min(
      Math.max(place - random.below(length), 0),
      Math.max(targets - length, 0),
    );
    return { start: start + first, count: Math.min(length, targets - first) };
  }

  /** The first user whose end is above `target`. */
  #userOf(target: number): number {
    let low = 0;
    let high = this.#ends.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ends[middle]! > target) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** Bounds of calendar buckets that hold equally many events: a bucket is how many bounds it passed. */
export const calendarBounds = (times: Float64Array | null, buckets: number): Float64Array => {
  if (!times || times.length === 0 || buckets < 2) return new Float64Array(0);
  const sorted = times.toSorted();
  const bounds = Float64Array.from(
    { length: buckets - 1 },
    (_, k) => sorted[Math.floor(((k + 1) * sorted.length) / buckets)]!,
  );
  return Float64Array.from(new Set(bounds));
};

export const bucketOf = (bounds: Float64Array, time: number): number => {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bounds[middle]! <= time) low = middle + 1;
    else high = middle;
  }
  return low;
};
