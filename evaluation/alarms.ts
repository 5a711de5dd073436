/**
 * When the learning loop needs a person. An alarm is on while its condition has held for as long as it
 * must, and says why; conditions come and go, and what passes by itself wakes nobody.
 */
import type { DurationMs, EpochMs } from '../schemas/ids.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export interface AlarmOptions {
  /** Share of the first twenty that lists by what is counted and lists by the models have in common. */
  readonly overlapMin: number;
  readonly overlapForMs: DurationMs;
  /** Jensen–Shannon distance of what is chosen today from the last seven days, 0 to 1. */
  readonly driftMax: number;
  readonly releaseAgeMax: DurationMs;
}

export const DEFAULT_ALARM_OPTIONS: AlarmOptions = {
  overlapMin: 0.4,
  overlapForMs: (15 * MINUTE_MS) as DurationMs,
  driftMax: 0.6,
  releaseAgeMax: (30 * HOUR_MS) as DurationMs,
};

/** A condition that must hold for a while before anybody is told. */
export class HeldCondition {
  readonly #forMs: DurationMs;
  #since: EpochMs | undefined;

  constructor(forMs: DurationMs) {
    this.#forMs = forMs;
  }

  /** Whether it has held for long enough. */
  see(isSo: boolean, now: EpochMs): boolean {
    if (!isSo) this.#since = undefined;
    else this.#since ??= now;
    return this.#since !== undefined && now - this.#since >= this.#forMs;
  }
}

export interface AlarmFacts {
  readonly now: EpochMs;
  /** Mean over the people looked at; undefined where there is no release, or nobody. */
  readonly overlap: number | undefined;
  /** undefined where there is too little of either. */
  readonly drift: number | undefined;
  /** When the release in use was made; undefined where there is none. */
  readonly releaseMadeAt: EpochMs | undefined;
}

export class Alarms {
  readonly #options: AlarmOptions;
  readonly #apart: HeldCondition;

  constructor(options: AlarmOptions = DEFAULT_ALARM_OPTIONS) {
    this.#options = options;
    this.#apart = new HeldCondition(options.overlapForMs);
  }

  /** What is on now, as sentences. */
  see({ now, overlap, drift, releaseMadeAt }: AlarmFacts): readonly string[] {
    const { overlapMin, overlapForMs, driftMax, releaseAgeMax } = this.#options;
    const on: string[] = [];
    const isApart = overlap !== undefined && overlap < overlapMin;
    if (this.#apart.see(isApart, now)) {
      on.push(
        `Lists by what is counted and lists by the models have had only ${percent(overlap ?? 0)} of their ` +
          `first twenty in common for ${overlapForMs / MINUTE_MS} minutes.`,
      );
    }
    if (drift !== undefined && drift > driftMax) {
      on.push(
        `What people choose today is far from the last seven days: distance ${drift.toFixed(2)} of 1.`,
      );
    }
    if (releaseMadeAt !== undefined && now - releaseMadeAt > releaseAgeMax) {
      on.push(`The release in use is ${Math.floor((now - releaseMadeAt) / HOUR_MS)} hours old.`);
    }
    return on;
  }
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** Of two lists, the share of the shorter one's items that the other holds. */
export const overlapOf = (one: readonly number[], other: readonly number[]): number => {
  const shorter = Math.min(one.length, other.length);
  if (shorter === 0) return 0;
  const held = new Set(one);
  return other.filter((item) => held.has(item)).length / shorter;
};

/**
 * Jensen–Shannon distance (the square root of the divergence in bits) of two counts by item: 0 where
 * they are alike, 1 where they share nothing.
 */
export const distanceOf = (
  one: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>,
): number => {
  const [oneTotal, otherTotal] = [totalOf(one), totalOf(other)];
  if (oneTotal === 0 || otherTotal === 0) return oneTotal === otherTotal ? 0 : 1;
  let divergence = 0;
  for (const item of new Set([...one.keys(), ...other.keys()])) {
    const p = (one.get(item) ?? 0) / oneTotal;
    const q = (other.get(item) ?? 0) / otherTotal;
    const middle = (p + q) / 2;
    if (p > 0) divergence += (p * Math.log2(p / middle)) / 2;
    if (q > 0) divergence += (q * Math.log2(q / middle)) / 2;
  }
  return Math.sqrt(Math.max(0, divergence));
};

const totalOf = (counts: ReadonlyMap<string, number>): number => {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
};
