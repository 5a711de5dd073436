/**
 * Counters that forget: an event of weight w at time t counts w·2^(−(now − t)/halfLife) at `now`.
 *
 * Forward decay (Cormode and others, "Forward decay", 2009): instead of shrinking every counter as
 * time goes by, an event's share is scaled up by 2^((t − landmark)/halfLife) once, and the reader
 * divides by the same factor at `now`. The scaled share is rounded to an integer and summed in 64
 * bits, so adding and removing is exact and the order of events does not matter.
 *
 * How far that reaches. A unit is 2^−24 of weight 1 at the landmark. Back: a share older than 24
 * half-lives before the landmark rounds to nothing (popularity, 30 days: two years; co-visitation,
 * 180 days: twelve years; fast trend, 6 hours: six days). Ahead: an event more than 26 half-lives
 * after the landmark counts as if it lay at 26 (fast trend: six and a half days), and a sum stops at
 * 2^62; both are reported to the caller, never silent. Rebasing once a day keeps the fast trend
 * within 4 halvings, where an item may collect 2^34 events in one half-life.
 *
 * A landmark is rounded down to a multiple of the half-life, so that moving it divides every
 * counter by a power of two: two small moves and one large one give the same bits.
 */
import type { DurationMs, EpochMs } from '../../schemas/ids.ts';

export interface CounterHalfLives {
  readonly popularity: DurationMs;
  readonly trendFast: DurationMs;
  readonly trendSlow: DurationMs;
  readonly covisitation: DurationMs;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const DEFAULT_HALF_LIVES: CounterHalfLives = {
  popularity: (30 * DAY_MS) as DurationMs,
  trendFast: (6 * HOUR_MS) as DurationMs,
  trendSlow: (7 * DAY_MS) as DurationMs,
  covisitation: (180 * DAY_MS) as DurationMs,
};

const FRACTION_BITS = 24;
const REACH_HALVINGS = 26;
/** No single share is larger, whatever weight a kind was given. */
const SHARE_MAX = 2 ** 60;
const TWO_32 = 0x1_0000_0000;
const HIGH_WORD_MAX = 0x3fff_ffff;

/** Where counters of this half-life really start to decay from, given the nominal landmark. */
export const alignedLandmark = (landmark: EpochMs, halfLife: DurationMs): EpochMs =>
  (Math.floor(landmark / halfLife) * halfLife) as EpochMs;

/** How many times a counter halves when its landmark moves. */
export const halvingsBetween = (from: EpochMs, to: EpochMs, halfLife: DurationMs): number =>
  Math.floor(to / halfLife) - Math.floor(from / halfLife);

/** The plain number that a counter stands for at a time. */
export const counterValue = (
  units: bigint | number,
  at: EpochMs,
  landmark: EpochMs,
  halfLife: DurationMs,
): number => {
  const halvings = (at - alignedLandmark(landmark, halfLife)) / halfLife;
  return Number(units) * 2 ** (-FRACTION_BITS - halvings);
};

/** Turns weights at times into integer shares. Remembers the last factor, since events come in runs. */
export class DecayScale {
  readonly halfLife: DurationMs;
  #at = Number.NaN;
  #landmark = Number.NaN;
  #factor = 0;
  /** Whether the event of the last share lies so far ahead of the landmark that it was cut. */
  wasCut = false;

  constructor(halfLife: DurationMs) {
    this.halfLife = halfLife;
  }

  /** The share of an event, an integer; 0 where it is too old to be seen. Pure. */
  shareOf(weight: number, at: EpochMs, landmark: EpochMs): number {
    if (at !== this.#at || landmark !== this.#landmark) {
      this.#at = at;
      this.#landmark = landmark;
      const halvings = (at - alignedLandmark(landmark, this.halfLife)) / this.halfLife;
      this.wasCut = halvings > REACH_HALVINGS;
      this.#factor = 2 ** (FRACTION_BITS + (this.wasCut ? REACH_HALVINGS : halvings));
    }
    const share = Math.round(weight * this.#factor);
    return Math.max(-SHARE_MAX, Math.min(SHARE_MAX, share));
  }
}

/**
 * Adds a share to the counter in words `index` (low) and `index + 1` (high). False when the sum was
 * stopped at the largest number that a counter holds.
 */
export const addShare = (words: Int32Array, index: number, share: number): boolean => {
  const shareHigh = Math.floor(share / TWO_32);
  const low = (words[index]! >>> 0) + (share - shareHigh * TWO_32);
  const carry = low >= TWO_32 ? 1 : 0;
  const high = words[index + 1]! + shareHigh + carry;
  if (high > HIGH_WORD_MAX) {
    words[index] = -1;
    words[index + 1] = HIGH_WORD_MAX;
    return false;
  }
  if (high < -HIGH_WORD_MAX) {
    words[index] = 0;
    words[index + 1] = -HIGH_WORD_MAX;
    return false;
  }
  words[index] = carry === 1 ? low - TWO_32 : low;
  words[index + 1] = high;
  return true;
};

/** Divides the counter by 2^halvings, towards zero: what moving its landmark ahead means. */
export const halve = (words: Int32Array, index: number, halvings: number): void => {
  if (halvings <= 0) return;
  const units = (BigInt(words[index + 1]!) << 32n) | BigInt(words[index]! >>> 0);
  const divided = units / (1n << BigInt(Math.min(halvings, 64)));
  words[index] = Number(BigInt.asIntN(32, divided));
  words[index + 1] = Number(BigInt.asIntN(32, divided >> 32n));
};

/** The counter's units as a number: exact below 2^53, and near enough to compare above. */
export const unitsOf = (words: Int32Array, index: number): number =>
  words[index + 1]! * TWO_32 + (words[index]! >>> 0);
