/**
 * A subject's state while the stream works on it: the head as plain fields, the history as the
 * stored bytes plus what was appended since. Entries are decoded only as far as they are needed,
 * newest first, so that an appended event costs the same with five events behind it or fifty.
 *
 * Invariant: `encode` gives the bytes that `encodeSubjectState` gives for the same contents.
 */
import type { EpochMs, ItemId, Offset } from '../../schemas/ids.ts';
import { ByteReader, ByteWriter } from '../../schemas/state/byte-cursor.ts';
import {
  decodeSubjectState,
  kindOfCodes,
  readEntry,
  readSubjectHead,
  skipEntry,
  skipToItem,
  writeEntry,
  writeSubjectHead,
} from '../../schemas/state/subject-codec.ts';
import type {
  EvictedCount,
  EvictedSeen,
  HistoryEntry,
  PendingUndo,
  SessionWindow,
  SubjectState,
} from '../../schemas/state/subject-state.ts';

const NO_BYTES = new Uint8Array(0);
/** Everything before the lists: numbers, and the sessions. */
const HEAD_BYTES_MAX = 512;
const ID_BYTES_MAX = 528;

const entryBytesMax = ({ eventId, itemId, kind }: HistoryEntry): number =>
  32 + 3 * (eventId.length + itemId.length + kind.length);

const writer = new ByteWriter();
const idWriter = new ByteWriter();

export class SubjectCell {
  lastOffset = -1 as Offset;
  lastEventAt = 0 as EpochMs;
  eventCount = 0;
  evictedCount = 0;
  ownValueSumThousandths = 0;
  ownValueCount = 0;
  evictedSeen: readonly EvictedSeen[] = [];
  evictedCounts: readonly EvictedCount[] = [];
  pendingUndos: readonly PendingUndo[] = [];
  sessions: readonly SessionWindow[] = [];
  historyCount = 0;

  /** Newest first: appended ones, then those decoded from the stored bytes so far. */
  #entries: HistoryEntry[] = [];
  #freshCount = 0;
  #freshBytesMax = 0;
  #stored: Uint8Array = NO_BYTES;
  #storedCount = 0;
  #storedStart = 0;
  #storedEnd = 0;
  /** Where the next stored entry to decode begins. */
  #reader = new ByteReader(NO_BYTES);

  static fromBytes(bytes: Uint8Array): SubjectCell {
    const cell = new SubjectCell();
    const reader = new ByteReader(bytes);
    const { head, historyCount } = readSubjectHead(reader);
    Object.assign(cell, head);
    cell.historyCount = historyCount;
    cell.#keep(bytes, reader, historyCount);
    return cell;
  }

  #keep(bytes: Uint8Array, readerAtEntries: ByteReader, count: number): void {
    this.#stored = bytes;
    this.#storedCount = count;
    this.#storedStart = readerAtEntries.position;
    this.#storedEnd = bytes.length;
    this.#reader = readerAtEntries;
  }

  /** The entry at an index counted from the newest, 0. */
  entryAt(index: number): HistoryEntry {
    const entries = this.#entries;
    while (entries.length <= index) entries.push(readEntry(this.#reader));
    return entries[index]!;
  }

  /** All entries, oldest first. */
  history(): HistoryEntry[] {
    if (this.historyCount > 0) this.entryAt(this.historyCount - 1);
    return this.#entries.slice(0, this.historyCount).reverse();
  }

  /** An upper bound of what `encode` will give. */
  get bytesMax(): number {
    const lists = 6 * (this.evictedSeen.length + this.evictedCounts.length);
    const undos = this.pendingUndos.length * ID_BYTES_MAX;
    return HEAD_BYTES_MAX + lists + undos + this.#freshBytesMax + this.#stored.length;
  }

  append(entry: HistoryEntry): void {
    this.#freshBytesMax += entryBytesMax(entry);
    this.#entries.unshift(entry);
    this.#freshCount++;
    this.historyCount++;
  }

  /** Takes the oldest entry away. */
  dropOldest(): HistoryEntry {
    const last = this.historyCount - 1;
    this.historyCount = last;
    if (this.#storedCount === 0) {
      this.#freshCount--;
      return this.#entries.pop()!;
    }
    const reader = new ByteReader(this.#stored);
    reader.position = this.#storedStart;
    for (let skipped = 1; skipped < this.#storedCount; skipped++) skipEntry(reader);
    this.#storedEnd = reader.position;
    this.#storedCount--;
    const oldest = readEntry(reader);
    if (this.#entries.length > last) this.#entries.length = last;
    return oldest;
  }

  /** Replaces the whole history; oldest first. */
  replaceHistory(entries: readonly HistoryEntry[]): void {
    this.#entries = entries.toReversed();
    this.#freshCount = entries.length;
    this.#freshBytesMax = 0;
    for (const entry of entries) this.#freshBytesMax += entryBytesMax(entry);
    this.historyCount = entries.length;
    this.#stored = NO_BYTES;
    this.#storedCount = 0;
    this.#storedStart = 0;
    this.#storedEnd = 0;
  }

  /**
   * The newest entry about an item among those kinds, or undefined: compares the bytes of the ids,
   * which is ten times cheaper than decoding fifty entries.
   */
  newestAbout(itemId: ItemId, isKind: (kind: string) => boolean): HistoryEntry | undefined {
    for (let index = 0; index < this.#freshCount; index++) {
      const entry = this.#entries[index]!;
      if (entry.itemId === itemId && isKind(entry.kind)) return entry;
    }
    if (this.#storedCount === 0) return undefined;
    return this.#newestStoredAbout(itemId, isKind);
  }

  #newestStoredAbout(itemId: ItemId, isKind: (kind: string) => boolean): HistoryEntry | undefined {
    idWriter.reset();
    idWriter.text(itemId);
    const reader = new ByteReader(this.#stored);
    reader.position = this.#storedStart;
    for (let left = this.#storedCount; left > 0; left--) {
      const start = reader.position;
      const codes = skipToItem(reader);
      const isMatch = startsWithAt(this.#stored, reader.position, idWriter);
      reader.skip(reader.varint());
      if (!isMatch) continue;
      const kind = kindOfCodes(codes);
      if (kind !== undefined && !isKind(kind)) continue;
      const next = reader.position;
      reader.position = start;
      const entry = readEntry(reader);
      if (isKind(entry.kind)) return entry;
      reader.position = next;
    }
    return undefined;
  }

  encode(): Uint8Array {
    writer.reset();
    writeSubjectHead(writer, this, this.historyCount);
    const entriesStart = writer.length;
    for (let index = 0; index < this.#freshCount; index++) {
      writeEntry(writer, this.#entries[index]!);
    }
    writer.raw(this.#stored, this.#storedStart, this.#storedEnd);
    const bytes = writer.take();
    this.#rebase(bytes, entriesStart);
    return bytes;
  }

  /** From now on the new bytes are the stored ones; what is decoded stays decoded. */
  #rebase(bytes: Uint8Array, entriesStart: number): void {
    const reader = new ByteReader(bytes);
    const decodedStored = this.#entries.length - this.#freshCount;
    const advanced = this.#reader.position - this.#storedStart;
    reader.position =
      bytes.length - (this.#storedEnd - this.#storedStart) + (decodedStored > 0 ? advanced : 0);
    this.#freshCount = 0;
    this.#freshBytesMax = 0;
    this.#stored = bytes;
    this.#storedStart = entriesStart;
    this.#storedEnd = bytes.length;
    this.#storedCount = this.historyCount;
    this.#reader = reader;
  }

  /** The plain form, for tests and inspection. */
  toState(): SubjectState {
    return decodeSubjectState(this.encode());
  }
}

const startsWithAt = (bytes: Uint8Array, at: number, wanted: ByteWriter): boolean => {
  const { buffer, length } = wanted;
  if (at + length > bytes.length) return false;
  for (let index = length - 1; index >= 0; index--) {
    if (bytes[at + index] !== buffer[index]) return false;
  }
  return true;
};
