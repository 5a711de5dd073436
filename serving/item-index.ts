/**
 * The item side of the state in memory: for every item its counters and the neighbours that enough
 * people stand behind. Loaded by scan, then kept equal by the keys that the follower names.
 *
 * Counters are kept as the stream wrote them, with the landmark that they decay from; a reader at
 * `now` divides. Neighbours are kept as triples [slot, both directions, forward] in 32-bit floats
 * (slots are whole numbers below 2^24 and stay exact), decayed to a fixed time, so that those of two
 * items compare; 12 bytes each, 384 for the best 32. A pair below the floor of people is not kept,
 * only how many people its best one has.
 */
import { alignedLandmark } from '../algorithms/popularity/decayed-counter.ts';
import { kthLargest } from '../algorithms/selection/largest.ts';
import type { EpochMs } from '../schemas/ids.ts';
import { decodeItemColumns } from '../schemas/state/item-codec.ts';
import {
  BACKWARD,
  FORWARD,
  HASH_HIGH,
  type ItemColumns,
  PEOPLE,
  POPULARITY,
  SLOT_WORDS,
  TREND_FAST,
  TREND_SLOW,
} from '../schemas/state/item-columns.ts';
import { grownBytes, grownColumn, type ItemSlots } from './item-slots.ts';
import type { LadderOptions, RankingOptions } from './options.ts';

export const TRIPLE = 3;
/** 2024-01-01: the time that neighbours' weights are decayed to. Any fixed time would do. */
const REFERENCE = 1_704_067_200_000 as EpochMs;
const UNIT = 2 ** -24;
/** Items whose neighbours are chosen in one turn: some milliseconds. */
const CHOSEN_AT_ONCE = 1_000;
const TWO_32 = 0x1_0000_0000;
const NO_NEIGHBOURS = new Float32Array(0);
const NO_HISTOGRAM: readonly number[] = Array.from({ length: 10 }, () => 0);

export interface ItemIndexOptions {
  readonly slots: ItemSlots;
  readonly ladder: Pick<LadderOptions, 'pairPeopleMin' | 'pairShrinkage' | 'neighboursMax'>;
  readonly ranking: Pick<RankingOptions, 'halfLives' | 'trendPrior'>;
}

export class ItemIndex {
  readonly slots: ItemSlots;
  readonly #options: ItemIndexOptions;
  #interactions = new Float64Array(0);
  #landmarks = new Float64Array(0);
  #popularity = new Float64Array(0);
  #trendFast = new Float64Array(0);
  #trendSlow = new Float64Array(0);
  #ratingCounts = new Float64Array(0);
  #ratingSums = new Float64Array(0);
  #forwardSums = new Float64Array(0);
  #damping = new Float64Array(0);
  /** People behind the best pair below the floor. */
  #heldPeople = new Uint8Array(0);
  #neighbours: (Float32Array | undefined)[] = [];
  #histograms: (Int32Array | undefined)[] = [];
  #epoch = 0;
  #known = 0;
  /** Neighbours are not chosen yet: which of them are most alike is known once all items are. */
  #isLoading = false;
  #newestEventAt = 0;

  constructor(options: ItemIndexOptions) {
    this.#options = options;
    this.slots = options.slots;
  }

  /** Rises with every change. */
  get epoch(): number {
    return this.#epoch;
  }

  get knownCount(): number {
    return this.#known;
  }

  get newestEventAt(): EpochMs | null {
    return this.#newestEventAt === 0 ? null : (this.#newestEventAt as EpochMs);
  }

  interactionsOf(slot: number): number {
    return this.#interactions[slot] ?? 0;
  }

  ratingCountOf(slot: number): number {
    return this.#ratingCounts[slot] ?? 0;
  }

  /** null without ratings. */
  ratingMeanOf(slot: number): number | null {
    const count = this.ratingCountOf(slot);
    return count > 0 ? this.#ratingSums[slot]! / 10 / count : null;
  }

  histogramOf(slot: number): readonly number[] {
    const histogram = this.#histograms[slot];
    return histogram === undefined ? NO_HISTOGRAM : [...histogram];
  }

  /** Triples [slot, both directions, forward] of the pairs that enough people stand behind. */
  neighboursOf(slot: number): Float32Array {
    return this.#neighbours[slot] ?? NO_NEIGHBOURS;
  }

  /** What turns neighbours' weights into those of `now`. */
  pairScale(now: EpochMs): number {
    return 2 ** ((REFERENCE - now) / this.#options.ranking.halfLives.covisitation);
  }

  /** 1/√(events + shrinkage): what pairs are normalised by against popularity. */
  dampingOf(slot: number): number {
    return this.#damping[slot] ?? 0;
  }

  /** Sum of the forward weights of all neighbours, those below the floor included. */
  forwardSumOf(slot: number): number {
    return this.#forwardSums[slot] ?? 0;
  }

  /** People behind the best pair that is still below the floor; 0 where there is none. */
  heldPeopleOf(slot: number): number {
    return this.#heldPeople[slot] ?? 0;
  }

  popularityOf(slot: number, now: EpochMs): number {
    return this.#valueAt(this.#popularity, slot, now, this.#options.ranking.halfLives.popularity);
  }

  /**
   * The same, where no event ever counts less than the least that one can: what people did years ago is
   * nothing beside what they do now, but something where they do nothing.
   */
  everPopularOf(slot: number, now: EpochMs): number {
    return this.popularityOf(slot, now) + Math.max(0, this.interactionsOf(slot)) * UNIT;
  }

  /** Events of late: what the fast trend holds now. */
  fastOf(slot: number, now: EpochMs): number {
    return this.#valueAt(this.#trendFast, slot, now, this.#options.ranking.halfLives.trendFast);
  }

  /** How much faster than usual: 1 is as always. */
  liftOf(slot: number, now: EpochMs): number {
    const { halfLives, trendPrior } = this.#options.ranking;
    const slow = this.#valueAt(this.#trendSlow, slot, now, halfLives.trendSlow);
    // An item picked at an even pace holds counters in proportion to their half-lives.
    const expected = slow * (halfLives.trendFast / halfLives.trendSlow);
    return (this.fastOf(slot, now) + trendPrior) / (expected + trendPrior);
  }

  put(bytes: Uint8Array): number {
    const item = decodeItemColumns(bytes);
    const slot = this.slots.ofId(item.itemId);
    // Neighbours first: they may be new slots, for which columns need room.
    const neighbours = this.#readNeighbours(item);
    this.#makeRoom();
    if (this.#histograms[slot] === undefined) this.#known++;
    this.#interactions[slot] = item.interactionCount;
    this.#damping[slot] =
      1 / Math.sqrt(Math.max(0, item.interactionCount) + this.#options.ladder.pairShrinkage);
    this.#landmarks[slot] = item.landmark;
    this.#popularity[slot] = units(item.counters, POPULARITY) * UNIT;
    this.#trendFast[slot] = units(item.counters, TREND_FAST) * UNIT;
    this.#trendSlow[slot] = units(item.counters, TREND_SLOW) * UNIT;
    this.#ratingCounts[slot] = item.ratingCount;
    this.#ratingSums[slot] = item.ratingSumTenths;
    this.#histograms[slot] = item.histogram;
    this.#neighbours[slot] = neighbours.triples;
    this.#forwardSums[slot] = neighbours.forwardSum;
    this.#heldPeople[slot] = neighbours.heldPeople;
    this.#newestEventAt = Math.max(this.#newestEventAt, item.lastEventAt);
    this.#epoch++;
    return slot;
  }

  /** Reads all items; what is known of one item when others are not says too little to choose by. */
  async whileLoading(read: () => Promise<void>): Promise<void> {
    this.#isLoading = true;
    try {
      await read();
    } finally {
      this.#isLoading = false;
    }
    for (const [slot, triples] of this.#neighbours.entries()) {
      if (slot % CHOSEN_AT_ONCE === 0) await new Promise((done) => setImmediate(done));
      if (triples !== undefined) this.#neighbours[slot] = this.#best(triples, triples.length);
    }
    this.#epoch++;
  }

  remove(itemId: string): void {
    const slot = this.slots.find(itemId);
    if (slot === undefined || this.#histograms[slot] === undefined) return;
    for (const column of this.#columns()) column[slot] = 0;
    this.#heldPeople[slot] = 0;
    this.#histograms[slot] = undefined;
    this.#neighbours[slot] = undefined;
    this.#known--;
    this.#epoch++;
  }

  /** Bytes of what is kept per item, for the accounts. */
  sizeBytes(): number {
    let bytes = this.#interactions.length * 8 * 9 + this.#heldPeople.length;
    for (const neighbours of this.#neighbours) bytes += neighbours?.byteLength ?? 0;
    for (const histogram of this.#histograms) bytes += histogram?.byteLength ?? 0;
    return bytes;
  }

  #columns(): readonly Float64Array[] {
    return [
      this.#interactions,
      this.#landmarks,
      this.#popularity,
      this.#trendFast,
      this.#trendSlow,
      this.#ratingCounts,
      this.#ratingSums,
      this.#forwardSums,
      this.#damping,
    ];
  }

  #readNeighbours(item: ItemColumns): {
    readonly triples: Float32Array | undefined;
    readonly forwardSum: number;
    readonly heldPeople: number;
  } {
    const { pairPeopleMin } = this.#options.ladder;
    const { covisitation } = this.#options.ranking.halfLives;
    const halvings = (alignedLandmark(item.landmark, covisitation) - REFERENCE) / covisitation;
    const scale = UNIT * 2 ** halvings;
    const triples = new Float32Array(item.neighbourCount * TRIPLE);
    let kept = 0;
    let forwardSum = 0;
    let heldPeople = 0;
    const end = item.neighbourCount * SLOT_WORDS;
    for (let at = 0; at < end; at += SLOT_WORDS) {
      const forward = units(item.slots, at + FORWARD) * scale;
      forwardSum += forward;
      const people = item.slots[at + PEOPLE]! & 255;
      if (people < pairPeopleMin) {
        heldPeople = Math.max(heldPeople, people);
        continue;
      }
      triples[kept] = this.slots.ofHash(item.slots[at]!, item.slots[at + HASH_HIGH]!);
      triples[kept + 1] = forward + units(item.slots, at + BACKWARD) * scale;
      triples[kept + 2] = forward;
      kept += TRIPLE;
    }
    return { triples: this.#best(triples, kept), forwardSum, heldPeople };
  }

  /** Those most alike once popularity is divided out, as far as it is known now. */
  #best(triples: Float32Array, kept: number): Float32Array | undefined {
    const max = this.#options.ladder.neighboursMax * TRIPLE;
    if (kept === 0) return undefined;
    if (kept <= max || this.#isLoading) return triples.slice(0, kept);
    const likeness = new Float64Array(kept / TRIPLE);
    const likenessAt = (at: number): number =>
      triples[at + 1]! * (this.#damping[triples[at]!] || this.#dampingOfNobody);
    for (let at = 0; at < kept; at += TRIPLE) likeness[at / TRIPLE] = likenessAt(at);
    const floor = kthLargest(likeness, likeness.length, this.#options.ladder.neighboursMax);
    const best = new Float32Array(max);
    let to = 0;
    for (let at = 0; at < kept && to < max; at += TRIPLE) {
      if (likenessAt(at) < floor) continue;
      best.set(triples.subarray(at, at + TRIPLE), to);
      to += TRIPLE;
    }
    return best;
  }

  /** An item of which nothing is known yet. */
  get #dampingOfNobody(): number {
    return 1 / Math.sqrt(this.#options.ladder.pairShrinkage);
  }

  #valueAt(column: Float64Array, slot: number, now: EpochMs, halfLife: number): number {
    const value = column[slot] ?? 0;
    if (value === 0) return 0;
    const landmark = this.#landmarks[slot]!;
    return value * 2 ** (-(now - Math.floor(landmark / halfLife) * halfLife) / halfLife);
  }

  #makeRoom(): void {
    const { capacity } = this.slots;
    if (this.#interactions.length >= capacity) return;
    this.#interactions = grownColumn(this.#interactions, capacity);
    this.#landmarks = grownColumn(this.#landmarks, capacity);
    this.#popularity = grownColumn(this.#popularity, capacity);
    this.#trendFast = grownColumn(this.#trendFast, capacity);
    this.#trendSlow = grownColumn(this.#trendSlow, capacity);
    this.#ratingCounts = grownColumn(this.#ratingCounts, capacity);
    this.#ratingSums = grownColumn(this.#ratingSums, capacity);
    this.#forwardSums = grownColumn(this.#forwardSums, capacity);
    this.#damping = grownColumn(this.#damping, capacity);
    this.#heldPeople = grownBytes(this.#heldPeople, capacity);
  }
}

const units = (words: Int32Array, at: number): number =>
  words[at + 1]! * TWO_32 + (words[at]! >>> 0);
