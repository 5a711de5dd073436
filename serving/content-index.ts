/**
 * Which items are alike by what they are: tf–idf over the catalogue, and of each item the nearest
 * ones (8 bytes each).
 *
 * A changed item is compared with the fitted catalogue at once and joins the lists of those that are
 * alike; how rare each word is stays as fitted until the next fit. Fits take time in proportion to
 * the catalogue, so they come the more rarely the longer they take.
 *
 * After a fit the lists are found one by one between other work. A request that comes before finds
 * only so many itself, and goes without the rest of a long history.
 */
import { itemTokens } from '../algorithms/content/item-tokens.ts';
import { fitTfIdf, type ScoredDocument, type TfIdfModel } from '../algorithms/content/tf-idf.ts';
import type { Clock } from '../schemas/environment.ts';
import type { Catalogue } from './catalogue.ts';
import { type ContentNeighbours, PAIR } from './sources/content-source.ts';

const NONE = new Float32Array(0);
/** Lists that one turn of the event loop may find; each takes about a millisecond. */
const FOUND_PER_TURN = 8;
const FIT_QUIET_MS = 1_000;
/** A fit may take at most this share of the time. */
const FIT_SHARE = 0.005;
/** A catalogue this many times the fitted one is fitted at once, in at most this share of the time. */
const OUTGROWN = 2;
const OUTGROWN_SHARE = 0.1;
/** Fewer changes than this share of the catalogue leave how rare words are as it is, for a while. */
const CHANGED_SHARE_MIN = 0.02;
const CHANGES_WAIT_MS = 600_000;

export interface ContentIndexOptions {
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly neighboursMax: number;
}

export class ContentIndex implements ContentNeighbours {
  readonly #options: ContentIndexOptions;
  #model: TfIdfModel = fitTfIdf([]);
  #slotOfDocument = new Int32Array(0);
  #documentOfSlot = new Map<number, number>();
  #lists: (Float32Array | undefined)[] = [];
  readonly #missing = new Set<number>();
  #isWorking = false;
  #isStopped = false;
  #isFitting = false;
  #leftThisTurn = FOUND_PER_TURN;
  #isTurnCounted = false;
  #fittedVersion = -1;
  #fittedAtMs = Number.NEGATIVE_INFINITY;
  #fitTookMs = 0;
  #changedAtMs = 0;
  #fits = 0;
  #changesSinceFit = 0;

  constructor(options: ContentIndexOptions) {
    this.#options = options;
  }

  /** Pairs [slot, likeness], the most alike first. Empty while the list is not found yet. */
  neighboursOf(slot: number): Float32Array {
    const known = this.#lists[slot];
    if (known !== undefined) return known;
    if (this.#options.catalogue.record(slot) === undefined) return NONE;
    if (this.#leftThisTurn === 0) {
      this.#missing.add(slot);
      this.#work();
      return NONE;
    }
    this.#countTurn();
    this.#leftThisTurn--;
    return this.#find(slot);
  }

  /** The same, however long it takes. */
  findNeighboursOf(slot: number): Float32Array {
    if (this.#options.catalogue.record(slot) === undefined) return NONE;
    return this.#lists[slot] ?? this.#find(slot);
  }

  /** Compares these items anew. */
  changed(slots: readonly number[]): void {
    this.#changedAtMs = this.#options.clock.monotonicMs();
    this.#changesSinceFit += slots.length;
    for (const slot of slots) {
      this.#lists[slot] = undefined;
      if (this.#options.catalogue.record(slot) !== undefined) this.#missing.add(slot);
    }
    if (this.#fits === 0) return;
    this.#fitIfOutgrown();
    this.#work();
  }

  /** Fits now. */
  fit(): void {
    const { catalogue, clock } = this.#options;
    const startedMs = clock.monotonicMs();
    const slots = Int32Array.from(catalogue.present());
    const documents = Array.from(slots, (slot) => itemTokens(catalogue.record(slot)!));
    this.#model = fitTfIdf(documents);
    this.#slotOfDocument = slots;
    this.#documentOfSlot = new Map(Array.from(slots, (slot, index) => [slot, index]));
    this.#lists = [];
    this.#missing.clear();
    for (const slot of slots) this.#missing.add(slot);
    this.#fittedVersion = catalogue.version;
    this.#fittedAtMs = clock.monotonicMs();
    this.#fitTookMs = this.#fittedAtMs - startedMs;
    this.#fits++;
    this.#changesSinceFit = 0;
    this.#work();
  }

  /** Fits if the catalogue changed, has come to rest, and the last fit is long enough ago. */
  fitWhenDue(): void {
    const { catalogue, clock } = this.#options;
    if (catalogue.version === this.#fittedVersion) return;
    const nowMs = clock.monotonicMs();
    const sinceFitMs = nowMs - this.#fittedAtMs;
    const isMuch = this.#changesSinceFit >= CHANGED_SHARE_MIN * this.#slotOfDocument.length;
    const isQuiet = nowMs - this.#changedAtMs >= FIT_QUIET_MS;
    const isDue = isMuch || sinceFitMs >= CHANGES_WAIT_MS;
    if (isDue && isQuiet && sinceFitMs >= this.#fitTookMs / FIT_SHARE) this.fit();
  }

  /** A catalogue that has doubled is fitted at once: a model of a part of it would say nothing. */
  #fitIfOutgrown(): void {
    const { catalogue, clock } = this.#options;
    const isOutgrown = catalogue.itemCount > OUTGROWN * this.#slotOfDocument.length;
    const sinceFitMs = clock.monotonicMs() - this.#fittedAtMs;
    if (!isOutgrown || this.#isFitting || sinceFitMs < this.#fitTookMs / OUTGROWN_SHARE) return;
    this.#isFitting = true;
    setImmediate(() => {
      this.#isFitting = false;
      if (!this.#isStopped) this.fit();
    });
  }

  stop(): void {
    this.#isStopped = true;
  }

  counters(): Readonly<Record<string, number>> {
    let lists = 0;
    let bytes = 0;
    for (const list of this.#lists) {
      if (list === undefined) continue;
      lists++;
      bytes += list.byteLength;
    }
    return { lists, bytes, missing: this.#missing.size, fits: this.#fits, fitMs: this.#fitTookMs };
  }

  #find(slot: number): Float32Array {
    const { catalogue, neighboursMax } = this.#options;
    const document = this.#documentOfSlot.get(slot);
    // As fitted while nothing changed; by its present words otherwise.
    const isAsFitted = document !== undefined && catalogue.version === this.#fittedVersion;
    const found = isAsFitted
      ? this.#model.similar(document, neighboursMax)
      : this.#model.similarTo(itemTokens(catalogue.record(slot)!), neighboursMax + 1);
    const list = this.#pairsOf(found, slot);
    this.#lists[slot] = list;
    this.#missing.delete(slot);
    if (document === undefined) this.#join(slot, list);
    return list;
  }

  #pairsOf(found: readonly ScoredDocument[], slot: number): Float32Array {
    const pairs = new Float32Array(found.length * PAIR);
    let kept = 0;
    for (const { index, score } of found) {
      const other = this.#slotOfDocument[index]!;
      if (other === slot || kept >= this.#options.neighboursMax * PAIR) continue;
      pairs[kept] = other;
      pairs[kept + 1] = score;
      kept += PAIR;
    }
    return pairs.slice(0, kept);
  }

  /** Likeness is mutual: an item newer than the fit stands in the lists of those it is like. */
  #join(slot: number, list: Float32Array): void {
    for (let at = 0; at < list.length; at += PAIR) {
      const other = list[at]!;
      const theirs = this.#lists[other];
      if (theirs === undefined || includesSlot(theirs, slot)) continue;
      this.#lists[other] = inserted(theirs, slot, list[at + 1]!, this.#options.neighboursMax);
    }
  }

  #countTurn(): void {
    if (this.#isTurnCounted) return;
    this.#isTurnCounted = true;
    setImmediate(() => {
      this.#isTurnCounted = false;
      this.#leftThisTurn = FOUND_PER_TURN;
    });
  }

  /** Finds the missing lists, one a turn of the event loop. */
  #work(): void {
    if (this.#isWorking || this.#isStopped) return;
    this.#isWorking = true;
    setImmediate(() => {
      this.#isWorking = false;
      const [slot] = this.#missing;
      if (slot === undefined || this.#isStopped) return;
      this.#missing.delete(slot);
      if (this.#options.catalogue.record(slot) !== undefined) this.#find(slot);
      if (this.#missing.size > 0) this.#work();
    });
  }
}

const includesSlot = (pairs: Float32Array, slot: number): boolean => {
  for (let at = 0; at < pairs.length; at += PAIR) if (pairs[at] === slot) return true;
  return false;
};

const inserted = (
  pairs: Float32Array,
  slot: number,
  likeness: number,
  neighboursMax: number,
): Float32Array => {
  let at = 0;
  while (at < pairs.length && pairs[at + 1]! >= likeness) at += PAIR;
  const longer = new Float32Array(Math.min(pairs.length + PAIR, neighboursMax * PAIR));
  if (at >= longer.length) return pairs;
  longer.set(pairs.subarray(0, at));
  longer[at] = slot;
  longer[at + 1] = likeness;
  longer.set(pairs.subarray(at, longer.length - PAIR), at + PAIR);
  return longer;
};
