/**
 * Sequence neighbours: people whose histories share items with the newest part of this one, and
 * what they did right after those items. The newest `reach` items weigh decayᵏ; another person's
 * similarity is the sum of the weights of the shared items, divided by 1 + how far apart the two
 * people's last events lie (in ranks of all people, a share of `recencyReach`), where times are
 * known; each of the `neighbours` nearest gives to the `follow` items after each shared one
 * similarity² · weight of the shared item · followDecayʲ.
 *
 * Cost of a score: the occurrences of `reach` items, twice. Nothing is fitted.
 * Caveat: the model is the histories themselves. Whoever stores it stores what people did (without
 * their ids), so it belongs into memory beside the state rather than into a release.
 */
import { checkHistories, type Histories, type History } from '../histories/histories.ts';
import { packHistories, unpackHistories } from '../histories/history-bytes.ts';
import type { ExplainingItemModel } from '../model/item-model.ts';
import { decodeModel, encodeModel } from '../model/model-bytes.ts';
import { checkCount, checkPositive, checkRange } from '../model/option-checks.ts';
import { keepNearest } from './nearest.ts';
import { type Occurrences, occurrencesOf } from './occurrences.ts';

export interface SequenceNeighbourOptions {
  readonly reach: number;
  readonly decay: number;
  readonly neighbours: number;
  readonly follow: number;
  readonly followDecay: number;
  /** Share of all people by which a neighbour's last event may be away to count half. */
  readonly recencyReach: number;
}

/** For long histories with times (Q1); where only order is known (Q2) a decay of .65 suits. */
export const DEFAULT_SEQUENCE_NEIGHBOUR_OPTIONS: SequenceNeighbourOptions = {
  reach: 20,
  decay: 0.75,
  neighbours: 300,
  follow: 10,
  followDecay: 0.8,
  recencyReach: 0.25,
};

const checkOptions = (options: SequenceNeighbourOptions): void => {
  checkCount('reach', options.reach);
  checkRange('decay', options.decay, { min: Number.MIN_VALUE, max: 1 });
  checkCount('neighbours', options.neighbours);
  checkCount('follow', options.follow);
  checkRange('followDecay', options.followDecay, { min: 0, max: 1 });
  checkPositive('recencyReach', options.recencyReach);
};

const FORMAT = 'sequence-neighbours/1';

export class SequenceNeighbours implements ExplainingItemModel {
  readonly #histories: Histories;
  readonly #options: SequenceNeighbourOptions;
  readonly #occurrences: Occurrences;
  /** Per user the rank of the last event among all users' last events; null without times. */
  readonly #ranks: Float64Array | null;
  readonly #lastTimes: Float64Array | null;
  readonly #similarity: Float64Array;
  readonly #touched: Uint32Array;

  constructor(histories: Histories, options: SequenceNeighbourOptions) {
    checkOptions(options);
    checkHistories(histories);
    this.#histories = histories;
    this.#options = options;
    this.#occurrences = occurrencesOf(histories);
    this.#similarity = new Float64Array(histories.userCount);
    this.#touched = new Uint32Array(histories.userCount);
    const lastTimes = lastTimesOf(histories);
    this.#lastTimes = lastTimes?.toSorted() ?? null;
    this.#ranks = lastTimes?.map((time) => this.#rankOf(time)) ?? null;
  }

  get itemCount(): number {
    return this.#histories.itemCount;
  }

  get sizeBytes(): number {
    const { starts, items } = this.#histories;
    const { positions, users } = this.#occurrences;
    return starts.byteLength + items.byteLength + positions.byteLength + users.byteLength;
  }

  score(history: History, scores: Float64Array): void {
    scores.fill(0);
    this.#eachGift(history, (item, gift) => {
      scores[item]! += gift;
    });
  }

  explain(history: History, item: number): Float64Array {
    const parts = new Float64Array(history.items.length);
    this.#eachGift(history, (given, gift, place) => {
      if (given === item) parts[place]! += gift;
    });
    return parts;
  }

  /** Visits what each neighbour gives to each item, and for which event of the history. */
  #eachGift(history: History, visit: (item: number, gift: number, place: number) => void): void {
    const { items, starts } = this.#histories;
    const { positions, users } = this.#occurrences;
    const { follow, followDecay } = this.#options;
    const count = this.#findNeighbours(history);
    this.#eachShared(history, (occurrence, weight, place) => {
      const user = users[occurrence]!;
      const similarity = this.#similarity[user]!;
      if (similarity === 0) return;
      const position = positions[occurrence]!;
      const end = Math.min(position + 1 + follow, starts[user + 1]!);
      let gift = similarity * similarity * weight;
      for (let next = position + 1; next < end; next++) {
        visit(items[next]!, gift, place);
        gift *= followDecay;
      }
    });
    for (let k = 0; k < count; k++) this.#similarity[this.#touched[k]!] = 0;
  }

  /** Leaves the similarity of the nearest in `#similarity`, 0 for all others. */
  #findNeighbours(history: History): number {
    const similarity = this.#similarity;
    const { users } = this.#occurrences;
    let count = 0;
    this.#eachShared(history, (occurrence, weight) => {
      const user = users[occurrence]!;
      if (similarity[user] === 0) this.#touched[count++] = user;
      similarity[user]! += weight;
    });
    const touched = this.#touched.subarray(0, count);
    this.#damp(history, touched);
    keepNearest(similarity, touched, this.#options.neighbours);
    return count;
  }

  /** Divides similarities by the distance in time, where it is known. */
  #damp({ times }: History, touched: Uint32Array): void {
    if (!this.#ranks || !times || times.length === 0) return;
    const own = this.#rankOf(times[times.length - 1]!);
    const scale = this.#options.recencyReach * this.#histories.userCount;
    for (const user of touched) {
      this.#similarity[user]! /= 1 + Math.abs(this.#ranks[user]! - own) / scale;
    }
  }

  #rankOf(time: number): number {
    const sorted = this.#lastTimes!;
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]! < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Visits every occurrence of the newest items, each item at its newest place only. */
  #eachShared(
    { items }: History,
    visit: (occurrence: number, weight: number, place: number) => void,
  ): void {
    const { starts } = this.#occurrences;
    const { reach, decay } = this.#options;
    const seen = new Set<number>();
    let weight = 1;
    for (let age = 0; age < Math.min(reach, items.length); age++) {
      const place = items.length - 1 - age;
      const item = items[place]!;
      if (item < this.itemCount && !seen.has(item)) {
        seen.add(item);
        for (let k = starts[item]!; k < starts[item + 1]!; k++) visit(k, weight, place);
      }
      weight *= decay;
    }
  }

  serialise(): Uint8Array {
    const { facts, arrays } = packHistories(this.#histories);
    return encodeModel({ format: FORMAT, facts: { ...facts, options: this.#options }, arrays });
  }
}

/** Users without events count as the oldest. */
const lastTimesOf = ({ userCount, starts, times }: Histories): Float64Array | null =>
  times &&
  Float64Array.from({ length: userCount }, (_, user) =>
    starts[user + 1]! > starts[user]! ? times[starts[user + 1]! - 1]! : Number.NEGATIVE_INFINITY,
  );

export const readSequenceNeighbours = (bytes: Uint8Array): SequenceNeighbours => {
  const parts = decodeModel(bytes, FORMAT);
  return new SequenceNeighbours(
    unpackHistories(parts),
    parts.facts.options as SequenceNeighbourOptions,
  );
};
