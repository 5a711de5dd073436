/**
 * Sorts the events of an import by time, stably, in bounded memory: rows are collected in columns of
 * numbers (people and items as indices into name tables); a full run is sorted (radix, 16 bits a
 * pass) and written to a temporary file, and the runs are merged when they are read.
 *
 * The names themselves stay in memory: about 100 bytes a person or item, however many events.
 */
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface SortedEvent {
  /** `u:` or `s:` and the id. */
  readonly subject: string;
  readonly itemId: string;
  readonly kind: string;
  readonly value: number | null;
  /** Milliseconds since 1970, before any shift. */
  readonly time: number;
}

export interface EventSorterOptions {
  /** Rows held in memory before a run is written to disk; 29 bytes each, and as much to sort them. */
  readonly runRowsMax: number;
  /** Where runs are written. */
  readonly temporaryDirectory: string;
}

/** time (8), value (8), subject (4), item (4), kind (1) */
const ROW_BYTES = 25;
const BLOCK_ROWS = 16_384;
const FIRST_ROWS = 65_536;

class Columns {
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly subjects: Uint32Array;
  readonly items: Uint32Array;
  readonly kinds: Uint8Array;

  constructor(rows: number, from?: Columns) {
    this.times = new Float64Array(rows);
    this.values = new Float64Array(rows);
    this.subjects = new Uint32Array(rows);
    this.items = new Uint32Array(rows);
    this.kinds = new Uint8Array(rows);
    if (!from) return;
    this.times.set(from.times);
    this.values.set(from.values);
    this.subjects.set(from.subjects);
    this.items.set(from.items);
    this.kinds.set(from.kinds);
  }
}

class Names {
  readonly names: string[] = [];
  readonly #indices = new Map<string, number>();

  indexOf(name: string): number {
    const known = this.#indices.get(name);
    if (known !== undefined) return known;
    const index = this.names.length;
    this.names.push(name);
    this.#indices.set(name, index);
    return index;
  }
}

export class EventSorter {
  readonly #options: EventSorterOptions;
  readonly #subjects = new Names();
  readonly #items = new Names();
  readonly #kinds = new Names();
  #columns: Columns;
  #rows = 0;
  #directory: string | undefined;
  readonly #runs: { readonly file: FileHandle; readonly rows: number }[] = [];
  count = 0;
  firstTime = Number.POSITIVE_INFINITY;
  lastTime = Number.NEGATIVE_INFINITY;

  constructor(options: EventSorterOptions) {
    this.#options = options;
    this.#columns = new Columns(Math.min(FIRST_ROWS, options.runRowsMax));
  }

  get subjectCount(): number {
    return this.#subjects.names.length;
  }

  /** Then `spill` should be called, and awaited, before more is added. */
  get isFull(): boolean {
    return this.#rows >= this.#options.runRowsMax;
  }

  add(event: SortedEvent): void {
    if (this.#rows === this.#columns.times.length) this.#grow();
    const row = this.#rows;
    const columns = this.#columns;
    columns.times[row] = event.time;
    columns.values[row] = event.value ?? Number.NaN;
    columns.subjects[row] = this.#subjects.indexOf(event.subject);
    columns.items[row] = this.#items.indexOf(event.itemId);
    columns.kinds[row] = this.#kinds.indexOf(event.kind);
    this.#rows += 1;
    this.count += 1;
    if (event.time < this.firstTime) this.firstTime = event.time;
    if (event.time > this.lastTime) this.lastTime = event.time;
  }

  /** Writes the run to disk, sorted. */
  async spill(): Promise<void> {
    this.#directory ??= await mkdtemp(join(this.#options.temporaryDirectory, 'freshet-import-'));
    const file = await open(join(this.#directory, `run-${this.#runs.length}`), 'wx+');
    this.#runs.push({ file, rows: this.#rows });
    const order = sortedOrder(this.#columns.times, this.#rows);
    for (let from = 0; from < this.#rows; from += BLOCK_ROWS) {
      await file.appendFile(packed(this.#columns, order.subarray(from, from + BLOCK_ROWS)));
    }
    this.#rows = 0;
  }

  /** All rows by time; of equal times the one added first comes first. */
  async *sorted(): AsyncGenerator<SortedEvent[]> {
    if (this.#runs.length === 0) {
      yield* this.#inMemory();
      return;
    }
    if (this.#rows > 0) await this.spill();
    yield* this.#merged();
  }

  /** Removes what lies on the disk. */
  async close(): Promise<void> {
    for (const { file } of this.#runs) await file.close();
    if (this.#directory) await rm(this.#directory, { recursive: true, force: true });
  }

  #grow(): void {
    const { length } = this.#columns.times;
    // A reader stops only between pieces of a file, so a run may become a little longer.
    const rows = Math.min(length * 2, this.#options.runRowsMax + BLOCK_ROWS);
    this.#columns = new Columns(Math.max(rows, length + BLOCK_ROWS), this.#columns);
  }

  *#inMemory(): Generator<SortedEvent[]> {
    const order = sortedOrder(this.#columns.times, this.#rows);
    for (let from = 0; from < order.length; from += BLOCK_ROWS) {
      const block: SortedEvent[] = [];
      for (const row of order.subarray(from, from + BLOCK_ROWS))
        block.push(this.#row(this.#columns, row));
      yield block;
    }
  }

  async *#merged(): AsyncGenerator<SortedEvent[]> {
    const heads: RunReader[] = [];
    for (const { file, rows } of this.#runs) {
      const reader = new RunReader(file, rows);
      if (await reader.load()) heads.push(reader);
    }
    let block: SortedEvent[] = [];
    while (heads.length > 0) {
      // Runs are few, so looking at each is cheaper than a heap; the earlier run wins a tie.
      let first = 0;
      for (let index = 1; index < heads.length; index += 1) {
        if (heads[index]!.time < heads[first]!.time) first = index;
      }
      const reader = heads[first]!;
      block.push(this.#row(reader.columns, reader.row));
      if (!reader.advance() && !(await reader.load())) heads.splice(first, 1);
      if (block.length < BLOCK_ROWS) continue;
      yield block;
      block = [];
    }
    if (block.length > 0) yield block;
  }

  #row(columns: Columns, row: number): SortedEvent {
    const value = columns.values[row]!;
    return {
      subject: this.#subjects.names[columns.subjects[row]!]!,
      itemId: this.#items.names[columns.items[row]!]!,
      kind: this.#kinds.names[columns.kinds[row]!]!,
      value: Number.isNaN(value) ? null : value,
      time: columns.times[row]!,
    };
  }
}

/** Reads a sorted run block by block. */
class RunReader {
  readonly columns = new Columns(BLOCK_ROWS);
  row = 0;
  readonly #file: FileHandle;
  readonly #rows: number;
  readonly #bytes = Buffer.alloc(BLOCK_ROWS * ROW_BYTES);
  #read = 0;
  #inBlock = 0;

  constructor(file: FileHandle, rows: number) {
    this.#file = file;
    this.#rows = rows;
  }

  get time(): number {
    return this.columns.times[this.row]!;
  }

  advance(): boolean {
    this.row += 1;
    return this.row < this.#inBlock;
  }

  /** The next block; false at the end. */
  async load(): Promise<boolean> {
    this.#inBlock = Math.min(BLOCK_ROWS, this.#rows - this.#read);
    this.row = 0;
    if (this.#inBlock === 0) return false;
    const length = this.#inBlock * ROW_BYTES;
    const { bytesRead } = await this.#file.read(this.#bytes, 0, length, this.#read * ROW_BYTES);
    if (bytesRead < length) throw new Error('Expected a whole block of a sorted run, got less.');
    unpack(this.#bytes, this.columns, this.#inBlock);
    this.#read += this.#inBlock;
    return true;
  }
}

const packed = (columns: Columns, order: Uint32Array): Buffer => {
  const bytes = Buffer.allocUnsafe(order.length * ROW_BYTES);
  let at = 0;
  for (const row of order) {
    bytes.writeDoubleLE(columns.times[row]!, at);
    bytes.writeDoubleLE(columns.values[row]!, at + 8);
    bytes.writeUInt32LE(columns.subjects[row]!, at + 16);
    bytes.writeUInt32LE(columns.items[row]!, at + 20);
    bytes[at + 24] = columns.kinds[row]!;
    at += ROW_BYTES;
  }
  return bytes;
};

const unpack = (bytes: Buffer, columns: Columns, rows: number): void => {
  for (let row = 0; row < rows; row += 1) {
    const at = row * ROW_BYTES;
    columns.times[row] = bytes.readDoubleLE(at);
    columns.values[row] = bytes.readDoubleLE(at + 8);
    columns.subjects[row] = bytes.readUInt32LE(at + 16);
    columns.items[row] = bytes.readUInt32LE(at + 20);
    columns.kinds[row] = bytes[at + 24]!;
  }
};

const DIGIT = 65_536;

/** Row numbers by time: a stable radix sort over the times' distance from the first. */
const sortedOrder = (times: Float64Array, rows: number): Uint32Array => {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < rows; row += 1) {
    first = Math.min(first, times[row]!);
    last = Math.max(last, times[row]!);
  }
  let order = Uint32Array.from({ length: rows }, (_, row) => row);
  let other = new Uint32Array(rows);
  const counts = new Uint32Array(DIGIT + 1);
  for (let unit = 1; last - first >= unit; unit *= DIGIT) {
    const digitOf = (row: number): number => Math.floor((times[row]! - first) / unit) % DIGIT;
    counts.fill(0);
    for (let at = 0; at < rows; at += 1) counts[digitOf(at) + 1]! += 1;
    for (let digit = 0; digit < DIGIT; digit += 1) counts[digit + 1]! += counts[digit]!;
    for (const row of order) {
      const digit = digitOf(row);
      other[counts[digit]!] = row;
      counts[digit]! += 1;
    }
    [order, other] = [other, order];
  }
  return order;
};
