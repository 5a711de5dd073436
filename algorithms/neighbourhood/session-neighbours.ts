/**
 * Session neighbours, of the VSKNN family (Ludewig and Jannach, 2018): which past sessions share
 * items with this one, the newest shared ones counting most. The item of age k (0 is the newest)
 * weighs e^(−k ÷ fade); a past session's similarity is the sum over the shared items, divided by
 * √(its length) and damped by e^(−Δt ÷ timeFade); each of the `neighbours` most similar gives to
 * its items similarity · weight of the newest shared item · (.5 + idf), where idf = ln(sessions ÷
 * sessions with the item).
 *
 * Cost of a score: the occurrences of the session's items. Nothing is fitted. Caveat: as with
 * sequence neighbours, the model is what people did.
 */
import { checkHistories, type Histories, type History } from '../histories/histories.ts';
import { packHistories, unpackHistories } from '../histories/history-bytes.ts';
import { transposeOf, userItemsOf } from '../histories/user-items.ts';
import type { ItemModel } from '../model/item-model.ts';
import { decodeModel, encodeModel } from '../model/model-bytes.ts';
import { checkCount, checkPositive } from '../model/option-checks.ts';
import { keepNearest } from './nearest.ts';

export interface SessionNeighbourOptions {
  /** In events: how fast older items of the session lose weight. */
  readonly fade: number;
  /** In the unit of the times: how fast older sessions lose weight. */
  readonly timeFade: number;
  readonly neighbours: number;
  /** At most so many past sessions are compared, the newest ones with the newest items. */
  readonly candidates: number;
}

/**
 * On the last training day of Q6 a fade of 1.04 has the best MRR@20 of 1.04, 2 and 4 (larger ones
 * the better HR@20). Times in seconds.
 */
export const DEFAULT_SESSION_NEIGHBOUR_OPTIONS: SessionNeighbourOptions = {
  fade: 1.04,
  timeFade: 10 * 86_400,
  neighbours: 500,
  candidates: 50_000,
};

const checkOptions = (options: SessionNeighbourOptions): void => {
  checkPositive('fade', options.fade);
  checkPositive('timeFade', options.timeFade);
  checkCount('neighbours', options.neighbours);
  checkCount('candidates', options.candidates);
};

const FORMAT = 'session-neighbours/1';

export class SessionNeighbours implements ItemModel {
  readonly itemCount: number;
  readonly sizeBytes: number;
  readonly #options: SessionNeighbourOptions;
  readonly #sessions: Histories;
  /** Distinct items of each session, and the sessions of each item. */
  readonly #sessionItems: ReturnType<typeof userItemsOf>;
  readonly #itemSessions: ReturnType<typeof userItemsOf>;
  readonly #endTimes: Float64Array | null;
  readonly #norms: Float64Array;
  readonly #boosts: Float64Array;
  readonly #similarity: Float64Array;
  readonly #newestWeight: Float64Array;
  readonly #touched: Uint32Array;

  constructor(sessions: Histories, options: SessionNeighbourOptions) {
    checkOptions(options);
    checkHistories(sessions);
    const { userCount, itemCount, starts, times } = sessions;
    this.itemCount = itemCount;
    this.#options = options;
    this.#sessions = sessions;
    this.#sessionItems = userItemsOf(sessions);
    this.#itemSessions = transposeOf(this.#sessionItems);
    this.#endTimes =
      times &&
      Float64Array.from({ length: userCount }, (_, k) =>
        starts[k + 1]! > starts[k]! ? times[starts[k + 1]! - 1]! : 0,
      );
    const sizes = this.#sessionItems.starts;
    this.#norms = Float64Array.from({ length: userCount }, (_, k) =>
      Math.sqrt(sizes[k + 1]! - sizes[k]!),
    );
    this.#boosts = Float64Array.from({ length: itemCount }, (_, item) => {
      const count = this.#itemSessions.starts[item + 1]! - this.#itemSessions.starts[item]!;
      return count === 0 ? 0 : 0.5 + Math.log(userCount / count);
    });
    this.#similarity = new Float64Array(userCount);
    this.#newestWeight = new Float64Array(userCount);
    this.#touched = new Uint32Array(userCount);
    this.sizeBytes =
      this.#sessionItems.columns.byteLength +
      this.#sessionItems.starts.byteLength +
      this.#itemSessions.columns.byteLength +
      this.#itemSessions.starts.byteLength;
  }

  score(history: History, scores: Float64Array): void {
    scores.fill(0);
    const touched = this.#findCandidates(history);
    keepNearest(this.#similarity, touched, this.#options.neighbours);
    const { starts, columns } = this.#sessionItems;
    for (const session of touched) {
      const similarity = this.#similarity[session]!;
      this.#similarity[session] = 0;
      if (similarity === 0) continue;
      const gift = similarity * this.#newestWeight[session]!;
      for (let k = starts[session]!; k < starts[session + 1]!; k++) {
        scores[columns[k]!]! += gift * this.#boosts[columns[k]!]!;
      }
    }
  }

  /** Newest items first, so the weight that a session meets first is its newest shared item's. */
  #findCandidates({ items, times }: History): Uint32Array {
    const { starts, columns } = this.#itemSessions;
    const seen = new Set<number>();
    let count = 0;
    for (let age = 0; age < items.length; age++) {
      const item = items[items.length - 1 - age]!;
      if (item >= this.itemCount || seen.has(item)) continue;
      seen.add(item);
      const weight = Math.exp(-age / this.#options.fade);
      for (let k = starts[item + 1]! - 1; k >= starts[item]!; k--) {
        const session = columns[k]!;
        if (this.#similarity[session] === 0) {
          if (count === this.#options.candidates) continue;
          this.#touched[count++] = session;
          this.#newestWeight[session] = weight;
        }
        this.#similarity[session]! += weight;
      }
    }
    const touched = this.#touched.subarray(0, count);
    const now = times && times.length > 0 ? times[times.length - 1]! : null;
    for (const session of touched) {
      this.#similarity[session]! /= this.#norms[session]!;
      if (now === null || !this.#endTimes) continue;
      const elapsed = Math.max(now - this.#endTimes[session]!, 0);
      this.#similarity[session]! *= Math.exp(-elapsed / this.#options.timeFade);
    }
    return touched;
  }

  serialise(): Uint8Array {
    const { facts, arrays } = packHistories(this.#sessions);
    return encodeModel({ format: FORMAT, facts: { ...facts, options: this.#options }, arrays });
  }
}

export const readSessionNeighbours = (bytes: Uint8Array): SessionNeighbours => {
  const parts = decodeModel(bytes, FORMAT);
  return new SessionNeighbours(
    unpackHistories(parts),
    parts.facts.options as SessionNeighbourOptions,
  );
};
