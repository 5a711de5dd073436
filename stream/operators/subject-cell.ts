/**
 * A subject's state while the stream works on it: its numbers as plain fields, everything else as
 * the stored bytes plus what was added since. Entries of the history are decoded only as far as a
 * change needs them, newest first, and let go of once the state is encoded: tens of thousands of
 * cells are kept in memory, and as objects their histories would cost ten times the bytes.
 *
 * Invariant: `encode` gives the bytes that `encodeSubjectState` gives for the same contents.
 */
import { type EpochMs, type ItemId, NO_OFFSET, type Offset } from '../../schemas/ids.ts';
import { ByteReader, ByteWriter, checkVersion } from '../../schemas/state/byte-cursor.ts';
import {
  decodeSubjectState,
  isCountedCodes,
  kindOfCodes,
  readEntry,
  SUBJECT_VERSION,
  skipEntry,
  skipToItem,
  timeOfEntry,
  writeEntry,
} from '../../schemas/state/subject-codec.ts';
import type {
  EvictedSeen,
  HistoryEntry,
  PendingUndo,
  SubjectState,
} from '../../schemas/state/subject-state.ts';
import type { ContributionSink, ItemRef } from './contributions.ts';
import { EvictedCounts } from './evicted-counts.ts';
import { readSessionList, type SessionList, writeSessionList } from './sessions.ts';

/** Bytes of an evicted count and of an evicted seen item. */
const PAIR_BYTES = 6;
const ENTRY_BYTES_MIN = 10;
/** Everything before the lists: numbers, and the sessions. */
const HEAD_BYTES_MAX = 512;
const ID_BYTES_MAX = 528;
const NO_BYTES = Buffer.alloc(0);
const NO_UNDOS: readonly PendingUndo[] = [];
const NO_TIMES: number[] = [];

/** How many of the newest counted items a cell has at hand: the reach of pairs, and some more. */
export const RECENT_MAX = 8;

const writer = new ByteWriter();
const reader = new ByteReader(NO_BYTES);

export class SubjectCell {
  lastOffset: Offset = NO_OFFSET;
  lastEventAt = 0 as EpochMs;
  eventCount = 0;
  evictedCount = 0;
  ownValueSumThousandths = 0;
  ownValueCount = 0;
  sessions: SessionList = [];
  pendingUndos: readonly PendingUndo[] = NO_UNDOS;
  /** Once-a-day counts of evicted entries. */
  readonly evictedCounts = new EvictedCounts();
  historyCount = 0;

  #stored: Buffer = NO_BYTES;
  /** Stored seen items that still count, and those added since. */
  #seenStart = 0;
  #seenCount = 0;
  #freshSeen: EvictedSeen[] = [];
  /** The stored entries, newest first. */
  #historyStart = 0;
  #historyEnd = 0;
  #storedCount = 0;
  /** Where the oldest stored entry begins, while that is known; −1 otherwise. */
  #oldestAt = -1;
  /** Appended entries, then those decoded from the stored ones; newest first. */
  #entries: HistoryEntry[] = [];
  #freshCount = 0;
  #freshBytesMax = 0;
  /**
   * The newest counted items and their times, newest last, once they were asked for. Side by side
   * in two arrays: cells are cold memory, and every object more to follow is a wait.
   */
  #recentItems: ItemRef[] | undefined;
  #recentTimes: number[] = NO_TIMES;
  /** Where the next stored entry to decode begins. */
  #decodeAt = 0;

  static fromBytes(bytes: Uint8Array): SubjectCell {
    const cell = new SubjectCell();
    cell.#load(asBuffer(bytes));
    return cell;
  }

  #load(bytes: Buffer): void {
    reader.open(bytes);
    checkVersion(reader, SUBJECT_VERSION, 'subject state');
    this.lastOffset = (reader.varint() - 1) as Offset;
    this.lastEventAt = reader.i48() as EpochMs;
    this.eventCount = reader.varint();
    this.evictedCount = reader.varint();
    this.ownValueSumThousandths = reader.zigzag();
    this.ownValueCount = reader.varint();
    this.sessions = readSessionList(reader);
    this.pendingUndos = readUndos(reader);
    const countsCount = reader.count(PAIR_BYTES);
    this.evictedCounts.load(bytes, reader.position, countsCount);
    reader.skip(countsCount * PAIR_BYTES);
    this.#seenCount = reader.count(PAIR_BYTES);
    this.#seenStart = reader.position;
    reader.skip(this.#seenCount * PAIR_BYTES);
    this.historyCount = reader.count(ENTRY_BYTES_MIN);
    this.#keep(bytes, reader.position);
  }

  /** From now on these bytes are what is stored; nothing of them is decoded. */
  #keep(bytes: Buffer, historyStart: number): void {
    this.#stored = bytes;
    this.#oldestAt = -1;
    this.#historyStart = historyStart;
    this.#historyEnd = bytes.length;
    this.#storedCount = this.historyCount;
    this.#decodeAt = historyStart;
    this.#entries = [];
    this.#freshCount = 0;
    this.#freshBytesMax = 0;
  }

  /** An upper bound of what `encode` will give. */
  get bytesMax(): number {
    const lists = PAIR_BYTES * (this.#freshSeen.length + this.evictedCounts.count);
    const undos = this.pendingUndos.length * ID_BYTES_MAX;
    return HEAD_BYTES_MAX + lists + undos + this.#freshBytesMax + this.#stored.length;
  }

  /** Remembers an evicted item as seen; beyond the cap the one evicted first is forgotten. */
  addEvictedSeen(seen: EvictedSeen, seenMax: number): void {
    this.#freshSeen.push(seen);
    if (this.#seenCount + this.#freshSeen.length <= seenMax) return;
    if (this.#seenCount > 0) {
      this.#seenStart += PAIR_BYTES;
      this.#seenCount--;
    } else {
      this.#freshSeen.shift();
    }
  }

  /** The entry at an index counted from the newest, 0. */
  entryAt(index: number): HistoryEntry {
    const entries = this.#entries;
    if (index < entries.length) return entries[index]!;
    reader.open(this.#stored);
    reader.position = this.#decodeAt;
    while (entries.length <= index) entries.push(readEntry(reader));
    this.#decodeAt = reader.position;
    return entries[index]!;
  }

  /**
   * Goes through the entries, newest first, without decoding stored ones. There is one cursor for all
   * cells: it is good until the next call.
   */
  newestFirst(): EntryCursor {
    cursor.open(
      { entries: this.#entries, count: this.#freshCount },
      { bytes: this.#stored, start: this.#historyStart, count: this.#storedCount },
    );
    return cursor;
  }

  /** Time of the oldest entry; there must be one. Cheap right after `dropOldest`. */
  oldestTime(): number {
    return this.#oldestAt >= 0 && this.#storedCount > 0
      ? timeOfEntry(this.#stored, this.#oldestAt)
      : this.entryAt(this.historyCount - 1).occurredAt;
  }

  /** Time of the newest entry; there must be one. */
  newestTime(): number {
    return this.#freshCount > 0
      ? this.#entries[0]!.occurredAt
      : timeOfEntry(this.#stored, this.#historyStart);
  }

  /** All entries, oldest first. */
  history(): HistoryEntry[] {
    if (this.historyCount > 0) this.entryAt(this.historyCount - 1);
    return this.#entries.slice(0, this.historyCount).reverse();
  }

  /** The newest counted items, newest last; RECENT_MAX of them where there are as many. */
  recentItems(sink: Pick<ContributionSink, 'refOf'>): readonly ItemRef[] {
    if (this.#recentItems !== undefined) return this.#recentItems;
    const items: ItemRef[] = [];
    const times: number[] = [];
    const entries = this.newestFirst();
    while (items.length < RECENT_MAX && entries.next()) {
      if (!entries.isCounted) continue;
      items.push(sink.refOf(entries.itemId));
      times.push(entries.occurredAt);
    }
    this.#recentItems = items.reverse();
    this.#recentTimes = times.reverse();
    return items;
  }

  /** The times of `recentItems`, which must have been asked for. */
  get recentTimes(): readonly number[] {
    return this.#recentTimes;
  }

  /** Adds an entry at the end; `item` is how contributions named its item. */
  append(entry: HistoryEntry, item: ItemRef): void {
    const recent = this.#recentItems;
    if (entry.isCounted && recent !== undefined) {
      if (recent.length === RECENT_MAX) {
        recent.shift();
        this.#recentTimes.shift();
      }
      recent.push(item);
      this.#recentTimes.push(entry.occurredAt);
    }
    this.#freshBytesMax += entryBytesMax(entry);
    this.#entries.unshift(entry);
    this.#freshCount++;
    this.historyCount++;
  }

  /** Takes the oldest entry away. */
  dropOldest(): HistoryEntry {
    const oldest = this.#takeOldest();
    // With few counted entries the oldest may be among the newest of them.
    const isRecent = this.#recentItems !== undefined && this.#recentTimes[0]! <= oldest.occurredAt;
    if (oldest.isCounted && isRecent) this.#recentItems = undefined;
    return oldest;
  }

  #takeOldest(): HistoryEntry {
    const last = this.historyCount - 1;
    this.historyCount = last;
    if (this.#storedCount === 0) {
      this.#freshCount--;
      return this.#entries.pop()!;
    }
    reader.open(this.#stored);
    reader.position = this.#historyStart;
    let before = -1;
    for (let skipped = 1; skipped < this.#storedCount; skipped++) {
      before = reader.position;
      skipEntry(reader);
    }
    this.#oldestAt = before;
    this.#historyEnd = reader.position;
    this.#storedCount--;
    const oldest = readEntry(reader);
    if (this.#entries.length > last) this.#entries.length = last;
    return oldest;
  }

  /** Replaces the whole history; oldest first. */
  replaceHistory(entries: readonly HistoryEntry[]): void {
    this.#recentItems = undefined;
    this.#entries = entries.toReversed();
    this.#freshCount = entries.length;
    this.#freshBytesMax = 0;
    for (const entry of entries) this.#freshBytesMax += entryBytesMax(entry);
    this.historyCount = entries.length;
    this.#storedCount = 0;
    this.#historyStart = 0;
    this.#historyEnd = 0;
  }

  encode(): Uint8Array {
    writer.reset();
    writer.u8(SUBJECT_VERSION);
    writer.varint(this.lastOffset + 1);
    writer.i48(this.lastEventAt);
    writer.varint(this.eventCount);
    writer.varint(this.evictedCount);
    writer.zigzag(this.ownValueSumThousandths);
    writer.varint(this.ownValueCount);
    writeSessionList(writer, this.sessions);
    writer.varint(this.pendingUndos.length);
    for (const undo of this.pendingUndos) {
      writer.text(undo.eventId);
      writer.i48(undo.occurredAt);
    }
    const countsStart = this.#writeCounts();
    this.#writeSeen();
    writer.varint(this.historyCount);
    const historyStart = writer.length;
    for (let index = 0; index < this.#freshCount; index++) {
      writeEntry(writer, this.#entries[index]!);
    }
    writer.raw(this.#stored, this.#historyStart, this.#historyEnd);
    const bytes = writer.take();
    this.evictedCounts.load(bytes, countsStart, this.evictedCounts.count);
    this.#keep(bytes, historyStart);
    return bytes;
  }

  #writeCounts(): number {
    const { buffer, start, end } = this.evictedCounts.bytes;
    writer.varint(this.evictedCounts.count);
    const at = writer.length;
    writer.raw(buffer, start, end);
    return at;
  }

  #writeSeen(): void {
    const count = this.#seenCount + this.#freshSeen.length;
    writer.varint(count);
    const start = writer.length;
    writer.raw(this.#stored, this.#seenStart, this.#seenStart + this.#seenCount * PAIR_BYTES);
    for (const { itemHash, untilDay } of this.#freshSeen) {
      writer.u32(itemHash);
      writer.u16(untilDay);
    }
    if (this.#freshSeen.length > 0) this.#freshSeen = [];
    this.#seenStart = start;
    this.#seenCount = count;
  }

  /** The plain form, for tests and inspection. */
  toState(): SubjectState {
    return decodeSubjectState(this.encode());
  }
}

/** Stands on one entry of a history after another. */
export class EntryCursor {
  occurredAt = 0;
  isCounted = false;
  #freshEntries: readonly HistoryEntry[] = [];
  #freshLeft = 0;
  #freshAt = 0;
  #storedLeft = 0;
  /** Where the next stored entry begins. */
  #nextAt = 0;
  #fresh: HistoryEntry | undefined;
  #bytes: Buffer = NO_BYTES;
  #start = 0;
  #codes = 0;
  #itemAt = 0;

  open(
    fresh: { readonly entries: readonly HistoryEntry[]; readonly count: number },
    stored: { readonly bytes: Buffer; readonly start: number; readonly count: number },
  ): void {
    this.#freshEntries = fresh.entries;
    this.#freshLeft = fresh.count;
    this.#freshAt = 0;
    this.#bytes = stored.bytes;
    this.#nextAt = stored.start;
    this.#storedLeft = stored.count;
  }

  /** Moves on; false when there was no more. */
  next(): boolean {
    if (this.#freshLeft > 0) {
      this.#freshLeft--;
      const entry = this.#freshEntries[this.#freshAt++]!;
      this.#fresh = entry;
      this.occurredAt = entry.occurredAt;
      this.isCounted = entry.isCounted;
      return true;
    }
    if (this.#storedLeft === 0) return false;
    this.#storedLeft--;
    this.#fresh = undefined;
    const bytes = this.#bytes;
    const start = this.#nextAt;
    walker.open(bytes);
    walker.position = start;
    this.#start = start;
    this.#codes = skipToItem(walker);
    this.#itemAt = walker.position;
    walker.skip(walker.varint());
    this.#nextAt = walker.position;
    this.occurredAt = timeOfEntry(bytes, start);
    this.isCounted = isCountedCodes(this.#codes);
    return true;
  }

  get itemId(): ItemId {
    if (this.#fresh !== undefined) return this.#fresh.itemId;
    itemReader.open(this.#bytes);
    itemReader.position = this.#itemAt;
    return itemReader.text() as ItemId;
  }

  get kind(): string {
    return this.#fresh?.kind ?? kindOfCodes(this.#codes) ?? this.entry.kind;
  }

  /** Compares the bytes of the ids, which is cheaper than making text of them. */
  isAbout(item: WantedItem): boolean {
    if (this.#fresh !== undefined) return this.#fresh.itemId === item.id;
    return startsWithAt(this.#bytes, this.#itemAt, item.bytes);
  }

  get entry(): HistoryEntry {
    if (this.#fresh !== undefined) return this.#fresh;
    itemReader.open(this.#bytes);
    itemReader.position = this.#start;
    return readEntry(itemReader);
  }
}

/** An item id with its stored bytes, to look for among stored entries. */
export class WantedItem {
  readonly bytes = new ByteWriter();
  id = '' as ItemId;

  set(id: ItemId): void {
    if (id === this.id) return;
    this.id = id;
    this.bytes.reset();
    this.bytes.text(id);
  }
}

const cursor = new EntryCursor();
const walker = new ByteReader(NO_BYTES);
const itemReader = new ByteReader(NO_BYTES);

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const entryBytesMax = ({ eventId, itemId, kind }: HistoryEntry): number =>
  32 + 3 * (eventId.length + itemId.length + kind.length);

const readUndos = (from: ByteReader): readonly PendingUndo[] => {
  const count = from.count(7);
  if (count === 0) return NO_UNDOS;
  const undos: PendingUndo[] = [];
  for (let left = count; left > 0; left--) {
    undos.push({
      eventId: from.text() as PendingUndo['eventId'],
      occurredAt: from.i48() as EpochMs,
    });
  }
  return undos;
};

const startsWithAt = (bytes: Uint8Array, at: number, wanted: ByteWriter): boolean => {
  const { buffer, length } = wanted;
  if (at + length > bytes.length) return false;
  for (let index = length - 1; index >= 0; index--) {
    if (bytes[at + index] !== buffer[index]) return false;
  }
  return true;
};
