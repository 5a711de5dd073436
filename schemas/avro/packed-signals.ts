/**
 * Envelopes of item signals in columns. The general codec makes an object of every delta, ten per
 * event; the stream, which writes and reads each of them once, spends most of its time there. Here
 * the same bytes (a test holds both to each other) are written from and read into flat columns, with
 * the same checks: `bad_record` or a whole envelope, never half of one.
 *
 * Bytes of an older schema version take the general codec's way.
 */
import { FreshetError, isFreshetError } from '../errors.ts';
import type { EpochMs, ItemId, LogId, Offset, PartitionIndex } from '../ids.ts';
import type { ItemSignalsRecord } from '../records.ts';
import { badRecord, ReadingTap, WritingTap } from './bounded-tap.ts';
import { decodeRecordAs } from './record-codec.ts';
import { REGISTRY } from './registry.ts';

export const COUNT = 0;
export const RATING = 1;
export const PAIR_FORWARD = 2;
export const PAIR_BACKWARD = 3;

export interface CatalogueSignal {
  readonly categories: readonly string[];
  readonly deleted: boolean;
}

export interface SignalsHead {
  readonly sourceLogId: LogId;
  readonly sourceTopic: string;
  readonly sourcePartition: PartitionIndex;
  readonly firstOffset: Offset;
  readonly lastOffset: Offset;
  readonly clock: EpochMs;
  readonly landmark: EpochMs | null;
}

/** The deltas of signal i are those from `deltaEnds[i − 1]` (or 0) up to `deltaEnds[i]`. */
export interface PackedSignals extends SignalsHead {
  readonly itemIds: readonly ItemId[];
  readonly signalCount: number;
  readonly offsets: Float64Array;
  /** Indexes into itemIds. */
  readonly items: Int32Array;
  readonly subjects: Int32Array;
  readonly deltaEnds: Int32Array;
  readonly sorts: Uint8Array;
  /** Indexes into itemIds; only pairs have one. */
  readonly neighbours: Int32Array;
  /** Weights, of a rating its value. */
  readonly weights: Float64Array;
  readonly signs: Int8Array;
  readonly ats: Float64Array;
  /** By index of the signal. */
  readonly catalogue: ReadonlyMap<number, CatalogueSignal>;
}

const MAGIC = 0;
const HEADER_BYTES = 5;
const RECORD_BYTES_MAX = 1_048_576;
const VERSION = 1;
const entry = REGISTRY.find(
  ({ record, version }) => record === 'ItemSignals' && version === VERSION,
);
if (entry === undefined) throw new Error('Expected a schema of ItemSignals in the registry.');
const SCHEMA_ID = entry.id;

/** Columns that grow, filled anew for each envelope or event. */
export class DeltaColumns {
  count = 0;
  sorts = new Uint8Array(256);
  neighbours = new Int32Array(256);
  weights = new Float64Array(256);
  signs = new Int8Array(256);
  ats = new Float64Array(256);
  /** Chains the deltas of one signal: the index of the next one, −1 after the last. */
  nexts = new Int32Array(256);

  /** Makes room for one more and returns its index. */
  next(): number {
    if (this.count === this.sorts.length) this.#grow();
    return this.count++;
  }

  #grow(): void {
    const room = this.count * 2;
    this.sorts = grown(this.sorts, new Uint8Array(room));
    this.neighbours = grown(this.neighbours, new Int32Array(room));
    this.weights = grown(this.weights, new Float64Array(room));
    this.signs = grown(this.signs, new Int8Array(room));
    this.ats = grown(this.ats, new Float64Array(room));
    this.nexts = grown(this.nexts, new Int32Array(room));
  }
}

const grown = <Column extends { set(from: ArrayLike<number>): void }>(
  from: ArrayLike<number>,
  to: Column,
): Column => {
  to.set(from);
  return to;
};

/** Gathers one envelope. */
export class SignalsWriter {
  readonly #ids = new WritingTap();
  readonly #body = new WritingTap();
  readonly #whole = new WritingTap();
  /** The time written last, and where its bytes stand. */
  #lastAt = Number.NaN;
  #lastAtStart = 0;
  #lastAtLength = 0;
  itemCount = 0;
  signalCount = 0;

  get byteCount(): number {
    return this.#ids.pos + this.#body.pos;
  }

  addItem(id: ItemId): number {
    this.#ids.writeString(id);
    return this.itemCount++;
  }

  /** Adds a signal of the deltas in the chain that begins with `first`, −1 where it is empty. */
  addSignal(
    signal: { readonly offset: Offset; readonly item: number; readonly subjectHash: number },
    deltas: DeltaColumns,
    first: number,
  ): void {
    const { sorts, nexts } = deltas;
    let counts = 0;
    let ratings = 0;
    let pairs = 0;
    for (let at = first; at >= 0; at = nexts[at]!) {
      if (sorts[at] === COUNT) counts++;
      else if (sorts[at] === RATING) ratings++;
      else pairs++;
    }
    const body = this.#body;
    body.writeLong(signal.offset);
    body.writeLong(signal.item);
    body.writeLong(signal.subjectHash);
    this.#writeSimple(deltas, first, { sort: COUNT, count: counts });
    this.#writeSimple(deltas, first, { sort: RATING, count: ratings });
    this.#writePairs(deltas, first, pairs);
    body.writeLong(0);
    this.signalCount++;
  }

  addCatalogue(offset: Offset, item: number, { categories, deleted }: CatalogueSignal): void {
    const body = this.#body;
    body.writeLong(offset);
    body.writeLong(item);
    for (let empty = 0; empty < 4; empty++) body.writeLong(0);
    body.writeLong(1);
    if (categories.length > 0) body.writeLong(categories.length);
    for (const category of categories) body.writeString(category);
    body.writeLong(0);
    body.writeBoolean(deleted);
    this.signalCount++;
  }

  #writeSimple(
    deltas: DeltaColumns,
    first: number,
    { sort, count }: { readonly sort: number; readonly count: number },
  ): void {
    const body = this.#body;
    if (count > 0) {
      const { sorts, nexts } = deltas;
      body.writeLong(count);
      for (let at = first; at >= 0; at = nexts[at]!) {
        if (sorts[at] === sort) this.#writeWeight(deltas, at);
      }
    }
    body.writeLong(0);
  }

  #writePairs(deltas: DeltaColumns, first: number, count: number): void {
    const body = this.#body;
    if (count > 0) {
      const { sorts, neighbours, nexts } = deltas;
      body.writeLong(count);
      for (let at = first; at >= 0; at = nexts[at]!) {
        if (sorts[at]! < PAIR_FORWARD) continue;
        body.writeLong(neighbours[at]!);
        body.writeBoolean(sorts[at] === PAIR_FORWARD);
        this.#writeWeight(deltas, at);
      }
    }
    body.writeLong(0);
  }

  /** Weight, sign and time. The deltas of an event mostly have one time: its bytes are repeated. */
  #writeWeight({ weights, signs, ats }: DeltaColumns, delta: number): void {
    const body = this.#body;
    const at = ats[delta]!;
    body.writeDouble(weights[delta]!);
    body.writeLong(signs[delta]!);
    if (at === this.#lastAt) {
      body.repeat(this.#lastAtStart, this.#lastAtLength);
      return;
    }
    this.#lastAt = at;
    this.#lastAtStart = body.pos;
    body.writeLong(at);
    this.#lastAtLength = body.pos - this.#lastAtStart;
  }

  /** The envelope's bytes; the writer is empty again. */
  finish(head: SignalsHead): Uint8Array {
    const whole = this.#whole;
    whole.pos = 0;
    whole.writeHeader(MAGIC, SCHEMA_ID);
    whole.writeString(head.sourceLogId);
    whole.writeString(head.sourceTopic);
    whole.writeInt(head.sourcePartition);
    whole.writeLong(head.firstOffset);
    whole.writeLong(head.lastOffset);
    whole.writeLong(head.clock);
    whole.writeLong(head.landmark === null ? 0 : 1);
    if (head.landmark !== null) whole.writeLong(head.landmark);
    writeBlock(whole, this.itemCount, this.#ids);
    writeBlock(whole, this.signalCount, this.#body);
    this.clear();
    return whole.take();
  }

  clear(): void {
    this.#ids.pos = 0;
    this.#body.pos = 0;
    this.#lastAt = Number.NaN;
    this.itemCount = 0;
    this.signalCount = 0;
  }
}

const writeBlock = (whole: WritingTap, count: number, items: WritingTap): void => {
  if (count > 0) {
    whole.writeLong(count);
    whole.writeFixed(items.buf, items.pos);
  }
  whole.writeLong(0);
};

/** Columns of the signals under way, which grow likewise. */
class SignalColumns {
  count = 0;
  offsets = new Float64Array(256);
  items = new Int32Array(256);
  subjects = new Int32Array(256);
  deltaEnds = new Int32Array(256);

  next(): number {
    if (this.count === this.offsets.length) this.#grow();
    return this.count++;
  }

  #grow(): void {
    const room = this.count * 2;
    this.offsets = grown(this.offsets, new Float64Array(room));
    this.items = grown(this.items, new Int32Array(room));
    this.subjects = grown(this.subjects, new Int32Array(room));
    this.deltaEnds = grown(this.deltaEnds, new Int32Array(room));
  }
}

const tap = new ReadingTap();
const columns = new SignalColumns();
const deltas = new DeltaColumns();
const NO_VIEW = new DataView(new ArrayBuffer(0));
/** Of the bytes that the tap reads. */
let view: DataView = NO_VIEW;
/** The time read last, and where its bytes stand. */
let lastAt = 0;
let lastAtStart = 0;
let lastAtLength = 0;

/** Reads an envelope; refuses every other record. */
export const unpackSignals = (bytes: Uint8Array): PackedSignals => {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const isOfThisVersion =
    buffer.length > HEADER_BYTES &&
    buffer.length <= RECORD_BYTES_MAX &&
    buffer[0] === MAGIC &&
    buffer.readInt32BE(1) === SCHEMA_ID;
  if (!isOfThisVersion) return packSignals(decodeRecordAs('ItemSignals', bytes));
  tap.open(buffer, HEADER_BYTES);
  view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  lastAtLength = 0;
  try {
    const signals = readEnvelope();
    if (tap.bytesLeft > 0) throw badRecord(`${tap.bytesLeft} bytes after its end`);
    return signals;
  } catch (cause) {
    const problem = isFreshetError(cause) ? cause.details.problem : String(cause);
    throw new FreshetError('bad_record', { problem: `ItemSignals with ${problem}` }, { cause });
  } finally {
    tap.close();
    view = NO_VIEW;
  }
};

const ID_BYTES_MIN = 1;
const SIGNAL_BYTES_MIN = 7;
const SIMPLE_BYTES_MIN = 10;
const PAIR_BYTES_MIN = 12;

const readEnvelope = (): PackedSignals => {
  const head: SignalsHead = {
    sourceLogId: tap.readString() as LogId,
    sourceTopic: tap.readString(),
    sourcePartition: tap.readInt() as PartitionIndex,
    firstOffset: tap.readLong() as Offset,
    lastOffset: tap.readLong() as Offset,
    clock: readTime() as EpochMs,
    landmark: readIsThere() ? (readTime() as EpochMs) : null,
  };
  const itemIds: ItemId[] = [];
  for (let left = readCount(ID_BYTES_MIN); left > 0; left = readCount(ID_BYTES_MIN)) {
    for (; left > 0; left--) itemIds.push(tap.readString() as ItemId);
  }
  return readSignals(head, itemIds);
};

const readSignals = (head: SignalsHead, itemIds: readonly ItemId[]): PackedSignals => {
  const catalogue = new Map<number, CatalogueSignal>();
  columns.count = 0;
  deltas.count = 0;
  for (let left = readCount(SIGNAL_BYTES_MIN); left > 0; left = readCount(SIGNAL_BYTES_MIN)) {
    for (; left > 0; left--) {
      const at = columns.next();
      columns.offsets[at] = readOffset(head);
      columns.items[at] = readIndex(itemIds.length);
      columns.subjects[at] = tap.readInt();
      readSimple(COUNT);
      readSimple(RATING);
      readPairs(itemIds.length);
      if (readIsThere()) catalogue.set(at, readCatalogue());
      columns.deltaEnds[at] = deltas.count;
    }
  }
  return {
    ...head,
    itemIds,
    signalCount: columns.count,
    offsets: columns.offsets.slice(0, columns.count),
    items: columns.items.slice(0, columns.count),
    subjects: columns.subjects.slice(0, columns.count),
    deltaEnds: columns.deltaEnds.slice(0, columns.count),
    ...copyOf(deltas),
    catalogue,
  };
};

const copyOf = ({ count, ...from }: DeltaColumns) => ({
  sorts: from.sorts.slice(0, count),
  neighbours: from.neighbours.slice(0, count),
  weights: from.weights.slice(0, count),
  signs: from.signs.slice(0, count),
  ats: from.ats.slice(0, count),
});

const readOffset = ({ firstOffset, lastOffset }: SignalsHead): number => {
  const offset = tap.readLong();
  if (offset < firstOffset || offset > lastOffset) {
    throw badRecord(`a sourceOffset ${offset} outside ${firstOffset} to ${lastOffset}`);
  }
  return offset;
};

const readCount = (bytesEach: number): number => tap.readBlockCount(bytesEach);

const readIsThere = (): boolean => {
  const branch = tap.readLong();
  if (branch !== 0 && branch !== 1) throw badRecord(`a branch ${branch} of two`);
  return branch === 1;
};

const readIndex = (length: number): number => {
  const index = tap.readInt();
  if (index < 0 || index >= length) throw badRecord(`item ${index} of ${length} itemIds`);
  return index;
};

const readSimple = (sort: number): void => {
  for (let left = readCount(SIMPLE_BYTES_MIN); left > 0; left = readCount(SIMPLE_BYTES_MIN)) {
    for (; left > 0; left--) {
      const at = deltas.next();
      deltas.sorts[at] = sort;
      deltas.neighbours[at] = 0;
      readWeight(at);
    }
  }
};

const readPairs = (itemCount: number): void => {
  for (let left = readCount(PAIR_BYTES_MIN); left > 0; left = readCount(PAIR_BYTES_MIN)) {
    for (; left > 0; left--) {
      const at = deltas.next();
      deltas.neighbours[at] = readIndex(itemCount);
      deltas.sorts[at] = tap.readBoolean() ? PAIR_FORWARD : PAIR_BACKWARD;
      readWeight(at);
    }
  }
};

const readWeight = (at: number): void => {
  const weight = view.getFloat64(tap.passDouble(), true);
  if (!Number.isFinite(weight)) throw badRecord(`${weight} for a number`);
  const sign = tap.readLong();
  if (sign !== 1 && sign !== -1) throw badRecord(`${sign} for a sign`);
  deltas.weights[at] = weight;
  deltas.signs[at] = sign;
  deltas.ats[at] = readTimeOrSame();
};

/** From the year 0 to 9999, as the general codec has it. */
const TIME_MIN = -62_167_219_200_000;
const TIME_MAX = 253_402_300_799_999;

const readTime = (): number => {
  const at = tap.readLong();
  if (at < TIME_MIN || at > TIME_MAX) throw badRecord(`${at} for a time`);
  return at;
};

/** The deltas of an event mostly have one time, which is then read once. */
const readTimeOrSame = (): number => {
  if (tap.passSame(lastAtStart, lastAtLength)) return lastAt;
  lastAtStart = tap.pos;
  lastAt = readTime();
  lastAtLength = tap.pos - lastAtStart;
  return lastAt;
};

const readCatalogue = (): CatalogueSignal => {
  const categories: string[] = [];
  for (let left = readCount(ID_BYTES_MIN); left > 0; left = readCount(ID_BYTES_MIN)) {
    for (; left > 0; left--) categories.push(tap.readString());
  }
  return { categories, deleted: tap.readBoolean() };
};

/** The columns of an envelope that is at hand as a record. */
export const packSignals = (record: ItemSignalsRecord): PackedSignals => {
  const { signals, itemIds, ...head } = record;
  const packed = new DeltaColumns();
  const deltaEnds: number[] = [];
  const catalogue = new Map<number, CatalogueSignal>();
  const add = (
    sort: number,
    delta: { readonly sign: number; readonly at: number },
    weight: number,
    neighbour = 0,
  ): void => {
    const at = packed.next();
    packed.sorts[at] = sort;
    packed.weights[at] = weight;
    packed.signs[at] = delta.sign;
    packed.ats[at] = delta.at;
    packed.neighbours[at] = neighbour;
  };
  for (const signal of signals) {
    for (const count of signal.counts) add(COUNT, count, count.weight);
    for (const rating of signal.ratings) add(RATING, rating, rating.value);
    for (const pair of signal.pairs) {
      add(pair.forward ? PAIR_FORWARD : PAIR_BACKWARD, pair, pair.weight, pair.neighbour);
    }
    if (signal.catalogue !== null) catalogue.set(deltaEnds.length, signal.catalogue);
    deltaEnds.push(packed.count);
  }
  return {
    ...head,
    itemIds,
    signalCount: signals.length,
    offsets: Float64Array.from(signals, ({ sourceOffset }) => sourceOffset),
    items: Int32Array.from(signals, ({ item }) => item),
    subjects: Int32Array.from(signals, ({ subjectHash }) => subjectHash),
    deltaEnds: Int32Array.from(deltaEnds),
    ...copyOf(packed),
    catalogue,
  };
};
