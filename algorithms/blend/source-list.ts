/**
 * What a source proposes: its best items with its own raw scores, never below 0. A source that can
 * score below 0 proposes what it scores above 0 alone; to say nothing is a source's right.
 */
import { AlgorithmError } from '../model/algorithm-error.ts';
import { checkCount } from '../model/option-checks.ts';

export interface SourceList {
  readonly items: Uint32Array;
  readonly scores: Float64Array;
}

export const EMPTY_LIST: SourceList = { items: new Uint32Array(0), scores: new Float64Array(0) };

export const checkSourceList = ({ items, scores }: SourceList): void => {
  if (items.length !== scores.length) {
    throw new AlgorithmError('bad_data', {
      what: 'the number of scores',
      expected: String(items.length),
      got: scores.length,
    });
  }
  for (let k = 0; k < scores.length; k++) {
    if (!(scores[k]! >= 0 && scores[k]! < Number.POSITIVE_INFINITY)) {
      throw new AlgorithmError('bad_data', {
        what: 'a raw score',
        expected: 'finite and at least 0',
        got: scores[k],
      });
    }
  }
};

export interface TopListOptions {
  readonly limit: number;
  /** 1 where an item must not be proposed. */
  readonly isLeftOut?: Uint8Array;
}

/** The `limit` items with the largest scores above 0, best first; ties: the lower index first. */
export const topList = (scores: Float64Array, { limit, isLeftOut }: TopListOptions): SourceList => {
  checkCount('limit', limit);
  const heap = new WorstFirst(scores);
  for (let item = 0; item < scores.length; item++) {
    if (!(scores[item]! > 0) || isLeftOut?.[item] === 1) continue;
    if (heap.size < limit) heap.push(item);
    else if (heap.isWorse(heap.worst, item)) heap.replaceWorst(item);
  }
  const items = Uint32Array.from(heap.items).sort((a, b) => scores[b]! - scores[a]! || a - b);
  return { items, scores: Float64Array.from(items, (item) => scores[item]!) };
};

/**
 * The `limit` best by scores that are logits, of either sign: an item's raw score is e^(its score less
 * the best one), so that its share of the list is the softmax over the list.
 */
export const topLogits = (scores: Float64Array, options: TopListOptions): SourceList => {
  let least = Number.POSITIVE_INFINITY;
  for (const score of scores) least = Math.min(least, score);
  if (scores.every((score) => score === least)) return EMPTY_LIST;
  const above = scores.map((score) => score - least);
  const { items } = topList(above, options);
  const best = scores[items[0] ?? 0]!;
  return { items, scores: Float64Array.from(items, (item) => Math.exp(scores[item]! - best)) };
};

/** A binary heap whose root is the item that goes first. */
class WorstFirst {
  readonly items: number[] = [];
  readonly #scores: Float64Array;

  constructor(scores: Float64Array) {
    this.#scores = scores;
  }

  get size(): number {
    return this.items.length;
  }

  get worst(): number {
    return this.items[0]!;
  }

  isWorse(a: number, b: number): boolean {
    const difference = this.#scores[a]! - this.#scores[b]!;
    return difference < 0 || (difference === 0 && a > b);
  }

  push(item: number): void {
    let at = this.items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isWorse(item, this.items[parent]!)) break;
      this.items[at] = this.items[parent]!;
      at = parent;
    }
    this.items[at] = item;
  }

  replaceWorst(item: number): void {
    const { items } = this;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.isWorse(items[child + 1]!, items[child]!)) child += 1;
      if (!this.isWorse(items[child]!, item)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = item;
  }
}
