/**
 * How good lists have been of late, test then learn: before an event counts, where did its item stand
 * in the list of each source, and in the blend of them? Over the last so many events: HR@10, NDCG@10,
 * MRR, how much of the catalogue the lists held, and whether a source beats the baseline on this window
 * beyond chance (McNemar; each reading is a test of its own, so now and then one errs).
 */
import { type McNemarReading, SlidingMcNemar } from '../../algorithms/metrics/mcnemar.ts';
import { ndcgAtRank, reciprocalAtRank } from '../../algorithms/metrics/ranking.ts';

/** The first items of each source's list; what has no list proposed nothing. */
export type ListsBySource = ReadonlyMap<string, readonly number[]>;

export interface SourceQuality {
  readonly source: string;
  readonly hitRate: number;
  readonly ndcg: number;
  readonly mrr: number;
  /** Different items in the lists of the window, as a share of the catalogue. */
  readonly coverage: number;
  /** Against the baseline's hits on the same events. */
  readonly verdict: 'better' | 'worse' | 'same';
}

export interface QualityWindowOptions {
  /** Events that it looks back on; about 400 bytes each. */
  readonly size: number;
  readonly sources: readonly string[];
  readonly baseline: string;
}

/** In no list. */
const NOWHERE = -1;

export class QualityWindow {
  readonly #options: QualityWindowOptions;
  readonly #sources: readonly SourceWindow[];
  #tested = 0;

  constructor(options: QualityWindowOptions) {
    this.#options = options;
    this.#sources = options.sources.map((source) => new SourceWindow(source, options.size));
  }

  /** Of all time. */
  get tested(): number {
    return this.#tested;
  }

  add(lists: ListsBySource, target: number): void {
    const baseline = lists.get(this.#options.baseline)?.includes(target) ?? false;
    const place = this.#tested % this.#options.size;
    for (const window of this.#sources) {
      window.add(place, lists.get(window.source) ?? [], target, baseline);
    }
    this.#tested += 1;
  }

  read(catalogueItems: number): readonly SourceQuality[] {
    const count = Math.min(this.#tested, this.#options.size);
    if (count === 0) return [];
    return this.#sources.map((window) => window.read(count, catalogueItems));
  }
}

class SourceWindow {
  readonly source: string;
  readonly #ranks: Int16Array;
  readonly #lists: (readonly number[])[] = [];
  readonly #exposures = new Map<number, number>();
  readonly #against: SlidingMcNemar;

  constructor(source: string, size: number) {
    this.source = source;
    this.#ranks = new Int16Array(size).fill(NOWHERE);
    this.#against = new SlidingMcNemar(size);
  }

  add(place: number, list: readonly number[], target: number, isBaselineHit: boolean): void {
    for (const item of this.#lists[place] ?? []) this.#expose(item, -1);
    for (const item of list) this.#expose(item, 1);
    this.#lists[place] = list;
    const rank = list.indexOf(target);
    this.#ranks[place] = rank;
    this.#against.add({ a: rank !== NOWHERE, b: isBaselineHit });
  }

  #expose(item: number, by: number): void {
    const count = (this.#exposures.get(item) ?? 0) + by;
    if (count === 0) this.#exposures.delete(item);
    else this.#exposures.set(item, count);
  }

  read(count: number, catalogueItems: number): SourceQuality {
    let hits = 0;
    let gain = 0;
    let reciprocal = 0;
    for (let place = 0; place < count; place++) {
      const rank = this.#ranks[place]!;
      if (rank === NOWHERE) continue;
      hits += 1;
      gain += ndcgAtRank(rank, LIST_LENGTH);
      reciprocal += reciprocalAtRank(rank);
    }
    return {
      source: this.source,
      hitRate: hits / count,
      ndcg: gain / count,
      mrr: reciprocal / count,
      coverage: catalogueItems === 0 ? 0 : this.#exposures.size / catalogueItems,
      verdict: verdictOf(this.#against.read()),
    };
  }
}

/** How long the lists are that are looked at. */
export const LIST_LENGTH = 10;

const verdictOf = ({ better }: McNemarReading): SourceQuality['verdict'] =>
  better === 'neither' ? 'same' : better === 'a' ? 'better' : 'worse';
