/**
 * Many sequences at once into the statistics of the next-item model. Taken person by person, each
 * event adds to hundreds of places all over the row of its item, and the next event's row is another
 * one: eleven parts of twelve of the time go by waiting for memory (3,400 items). Here all events of
 * one item are taken together, of as many people as their tables allow, so that a row is fetched once
 * for dozens of events. Only the item's own row is written: the tables hold both orders of a pair of
 * places, so the other order is met from the other item's row.
 *
 * With L the longest block: places from L on weigh alike, except the newest L, whose weights depend on
 * how far it is to the end. So people come in order of length, one table grows with them to 2·L + 1
 * places and no further, and its last L places are kept as they were at each length. A sequence of any
 * length reads its first places from the table, its middle from place L, its end from what was kept.
 */
import type { SymmetricMatrix } from '../linear-algebra/dense-linear-algebra.ts';
import { type NextItemShape, type PairBand, PositionTables } from './position-tables.ts';

type Items = Uint32Array;

export interface BatchTarget {
  readonly itemCount: number;
  readonly shape: NextItemShape;
  readonly gram: SymmetricMatrix;
  /** What the event at a place adds as a target. */
  addTarget(items: Items, place: number): void;
}

/** The last places of each pair's table as they were at one length of sequences. */
type TableEnd = readonly Float64Array[];

interface Sequence {
  readonly items: Items;
  readonly end: TableEnd;
}

/** Events by item: those of item i stand from starts[i] to starts[i + 1]. */
interface Occurrences {
  readonly starts: Uint32Array;
  readonly sequences: Uint32Array;
  readonly places: Uint32Array;
}

export interface BatchOptions {
  /** −1 takes the sequences back. */
  readonly sign: 1 | -1;
  /** Bytes of kept table ends at which what was gathered is added. */
  readonly endsBytesMax: number;
  /** Events at which it is. */
  readonly eventsMax: number;
}

/** Some dozens of lengths, and 32 MB of events by item. */
const DEFAULT_OPTIONS: BatchOptions = { sign: 1, endsBytesMax: 2 ** 27, eventsMax: 2 ** 22 };

export class SequenceBatch {
  readonly #target: BatchTarget;
  readonly #options: BatchOptions;
  readonly #tables: PositionTables;
  readonly #reach: number;
  /** A block with itself: gathered over the whole row, of which the lower half is kept. */
  readonly #row: Float64Array;
  #sequences: Sequence[] = [];
  #end: TableEnd = [];
  #endsBytes = 0;
  #events = 0;
  /** Of the table; never above 2·reach + 1. */
  #length = 1;

  constructor(target: BatchTarget, options: Partial<BatchOptions> = {}) {
    this.#target = target;
    this.#options = { ...DEFAULT_OPTIONS, ...options };
    this.#tables = new PositionTables(target.shape, { first: 0, capacity: 16, isWhole: true });
    this.#reach = Math.max(...target.shape.blocks.map(({ length }) => length));
    this.#row = new Float64Array(target.itemCount);
  }

  /** Sequences come in order of their length; one event alone says nothing. */
  add(items: Items): void {
    if (items.length < 2) return;
    const { endsBytesMax, eventsMax } = this.#options;
    if (this.#endsBytes > endsBytesMax || this.#events > eventsMax) this.flush();
    this.#growTo(Math.min(items.length, 2 * this.#reach + 1));
    this.#sequences.push({ items, end: this.#end });
    this.#events += items.length;
  }

  #growTo(length: number): void {
    if (length <= this.#length) return;
    for (; this.#length < length; this.#length++) this.#tables.addPosition(this.#length);
    const first = Math.max(length - this.#reach, 0);
    this.#end = this.#tables.pairs.map(({ values, width }) =>
      values.slice(first * width, (length - 1) * width),
    );
    this.#endsBytes += this.#end.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Adds what was gathered since the last time. */
  flush(): void {
    const occurrences = this.#byItem();
    for (let item = 0; item < this.#target.itemCount; item++) {
      if (occurrences.starts[item] === occurrences.starts[item + 1]) continue;
      this.#tables.pairs.forEach((pair, index) => {
        if (pair.k === pair.l) this.#addWithin(occurrences, item, pair, index);
        else this.#addAcross(occurrences, item, pair, index);
      });
      this.#addTargets(occurrences, item);
    }
    this.#sequences = [];
    this.#endsBytes = 0;
    this.#events = 0;
  }

  #byItem(): Occurrences {
    const starts = new Uint32Array(this.#target.itemCount + 1);
    for (const { items } of this.#sequences) {
      for (const item of items) starts[item + 1]! += 1;
    }
    for (let item = 0; item + 1 < starts.length; item++) starts[item + 1]! += starts[item]!;
    const fill = starts.slice();
    const sequences = new Uint32Array(starts.at(-1)!);
    const places = new Uint32Array(sequences.length);
    this.#sequences.forEach(({ items }, index) => {
      for (let place = 0; place < items.length; place++) {
        const at = fill[items[place]!]!++;
        sequences[at] = index;
        places[at] = place;
      }
    });
    return { starts, sequences, places };
  }

  /** Two blocks, l < k: the row of k is always the lower one. */
  #addAcross(occurrences: Occurrences, item: number, pair: PairBand, index: number): void {
    const { gram, itemCount } = this.#target;
    const row = pair.k * itemCount + item;
    const start = (row * (row + 1)) / 2 + pair.l * itemCount;
    const into = gram.lower.subarray(start, start + itemCount);
    this.#addRows(occurrences, { item, pair, index, into });
  }

  /** One block with itself: only the lower half is stored. */
  #addWithin(occurrences: Occurrences, item: number, pair: PairBand, index: number): void {
    const { gram, itemCount } = this.#target;
    const row = pair.k * itemCount + item;
    const start = (row * (row + 1)) / 2 + pair.k * itemCount;
    const own = this.#row;
    this.#addRows(occurrences, { item, pair, index, into: own });
    for (let other = 0; other <= item; other++) gram.lower[start + other]! += own[other]!;
    own.fill(0);
  }

  /** Everything that stands within reach of the item's events. The newest event is no source. */
  #addRows(
    { starts, sequences, places }: Occurrences,
    part: {
      readonly item: number;
      readonly pair: PairBand;
      readonly index: number;
      readonly into: Float64Array;
    },
  ): void {
    const { item, pair, index, into } = part;
    const { width, reach } = pair;
    const { sign } = this.#options;
    for (let at = starts[item]!; at < starts[item + 1]!; at++) {
      const { items, end } = this.#sequences[sequences[at]!]!;
      const a = places[at]!;
      const last = items.length - 1;
      if (a === last) continue;
      const endFirst = Math.max(items.length - this.#reach, 0);
      const isSettled = a < endFirst;
      const values = isSettled ? pair.values : end[index]!;
      const tableRow = isSettled ? Math.min(a, this.#reach) : a - endFirst;
      const band = tableRow * width + reach - a;
      const to = Math.min(a + width - reach, last);
      for (let b = Math.max(a - reach, 0); b < to; b++) {
        into[items[b]!]! += sign * values[band + b]!;
      }
    }
  }

  #addTargets({ starts, sequences, places }: Occurrences, item: number): void {
    for (let at = starts[item]!; at < starts[item + 1]!; at++) {
      const place = places[at]!;
      if (place > 0) this.#target.addTarget(this.#sequences[sequences[at]!]!.items, place);
    }
  }
}
