/**
 * McNemar's test on a sliding window (Gama, Sebastião and Rodrigues, 2013): of the last W events,
 * how many did only model A hit and how many only model B? The statistic is
 * (|onlyA − onlyB| − 1)² ÷ (onlyA + onlyB), chi-squared with one degree of freedom.
 *
 * Caveat: each reading is a fixed-size test. Over a long stream some windows exceed 3.84 by chance;
 * it draws a curve, and the decision belongs to `confidenceSequence`.
 */
import { checkCount } from '../model/option-checks.ts';

export interface McNemarReading {
  readonly onlyA: number;
  readonly onlyB: number;
  /** 0 where the two never differed. */
  readonly statistic: number;
  /** Which model is better beyond chance at 95 %, by this window alone. */
  readonly better: 'a' | 'b' | 'neither';
}

/** 95 % quantile of the chi-squared distribution with one degree of freedom. */
const CRITICAL = 3.841458820694124;

export class SlidingMcNemar {
  readonly #window: Int8Array;
  #next = 0;
  #onlyA = 0;
  #onlyB = 0;

  constructor(windowSize: number) {
    checkCount('windowSize', windowSize);
    this.#window = new Int8Array(windowSize);
  }

  add(hits: { readonly a: boolean; readonly b: boolean }): void {
    const verdict = Number(hits.a) - Number(hits.b);
    this.#count(this.#window[this.#next]!, -1);
    this.#count(verdict, 1);
    this.#window[this.#next] = verdict;
    this.#next = (this.#next + 1) % this.#window.length;
  }

  #count(verdict: number, by: number): void {
    if (verdict > 0) this.#onlyA += by;
    if (verdict < 0) this.#onlyB += by;
  }

  read(): McNemarReading {
    const onlyA = this.#onlyA;
    const onlyB = this.#onlyB;
    const differing = onlyA + onlyB;
    // The continuity correction never turns a tie into a difference.
    const distance = Math.max(Math.abs(onlyA - onlyB) - 1, 0);
    const statistic = differing === 0 ? 0 : (distance * distance) / differing;
    const isBeyondChance = statistic > CRITICAL;
    return {
      onlyA,
      onlyB,
      statistic,
      better: isBeyondChance ? (onlyA > onlyB ? 'a' : 'b') : 'neither',
    };
  }
}
