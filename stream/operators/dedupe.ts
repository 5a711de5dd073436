/**
 * Exactly once for events: an event is (source, eventId, subject), remembered as a 128-bit hash
 * together with a 32-bit hash of what it said. The same again is a duplicate; the same id with
 * other content is a conflict, and the first one holds.
 *
 * What is remembered lies in chunks of 256 offsets, all in memory. Chunks go whole, oldest first:
 * those whose newest record is older than the window by the partition clock, and, above the cap,
 * more of them, which shortens the window and is counted. Both depend on the events alone. A
 * chunk's list of rejected offsets outlives its ids until the window has passed, for the warehouse
 * sink to read.
 *
 * A source that numbers its events is remembered by one mark instead.
 */
import { payloadHash } from '../../schemas/event-identity.ts';
import { hash32, hash128Into, newHash128 } from '../../schemas/hash.ts';
import type { EpochMs, Offset } from '../../schemas/ids.ts';
import type { InteractionRecord } from '../../schemas/records.ts';
import {
  CHUNK_OFFSETS,
  chunkOfKey,
  chunkOfOffset,
  DEDUPE_CHUNK_BYTES_MAX,
  decodeDedupeChunk,
  dedupeKey,
  ENTRY_WORDS,
  encodeDedupeChunk,
} from '../../schemas/state/dedupe-chunk.ts';
import type { DedupeOptions } from '../options.ts';

export type DedupeVerdict = 'new' | 'duplicate' | 'conflict';

interface Change {
  readonly key: string;
  readonly value: Uint8Array | undefined;
}

interface Chunk {
  readonly number: number;
  newestReceivedAt: EpochMs;
  readonly rejected: Offset[];
  /** Room for CHUNK_OFFSETS entries once it holds any. */
  words: Int32Array;
  entryCount: number;
  /** Its place among the table's references. */
  readonly ring: number;
}

const NO_WORDS = new Int32Array(0);
const EMPTY = 0xffff_ffff;
const GONE = 0xffff_fffe;
/** Rings are used again after so many chunks: far more than can be in memory. */
const RINGS = 0x00ff_fff0;
const SLOTS_FIRST = 1024;
/** A clock that jumps ahead, or a cap that was lowered, would else change more than an apply can hold. */
const CHUNKS_LEFT_PER_RECORD = 4;
const id = newHash128();
const subjectWords = newHash128();

export class DedupeOperator {
  readonly #options: DedupeOptions;
  /** Oldest first. */
  #chunks: Chunk[] = [];
  #head = 0;
  #byRing = new Map<number, Chunk>();
  #nextRing = 0;
  /** Open addressing: a slot refers to ring · CHUNK_OFFSETS + index of the entry. */
  #slots = new Uint32Array(SLOTS_FIRST).fill(EMPTY);
  #usedSlots = 0;
  #entryCount = 0;
  #shrunk = 0;
  readonly #dirty = new Map<number, Chunk | undefined>();

  constructor(options: DedupeOptions) {
    this.#options = options;
  }

  /** Ids remembered now. */
  get idCount(): number {
    return this.#entryCount;
  }

  /** Chunks whose ids were dropped before their time, because of the cap. */
  get shrunkChunks(): number {
    return this.#shrunk;
  }

  set shrunkChunks(count: number) {
    this.#shrunk = count;
  }

  /** Takes in a stored chunk; they come in order. */
  load(key: string, value: Uint8Array): void {
    const number = chunkOfKey(key);
    const stored = decodeDedupeChunk(value, number);
    const chunk = this.#open(number, stored.newestReceivedAt);
    chunk.rejected.push(...stored.rejected);
    for (let at = 0; at < stored.words.length; at += ENTRY_WORDS) {
      for (let word = 0; word < 4; word++) id[word] = stored.words[at + word]!;
      this.#remember(chunk, stored.words[at + 4]!);
    }
  }

  /** Looks an event up, and remembers it if it is new. */
  judge(record: InteractionRecord, subject: string, offset: Offset): DedupeVerdict {
    identify(record, subject);
    const payload = payloadHash(record);
    const known = this.#find();
    if (known !== undefined) return known === payload ? 'duplicate' : 'conflict';
    const chunk = this.#chunkFor(offset, record.receivedAt);
    this.#remember(chunk, payload);
    this.#dirty.set(chunk.number, chunk);
    return 'new';
  }

  /** Notes that the record at this offset does not count. */
  reject(offset: Offset, receivedAt: EpochMs): void {
    const chunk = this.#chunkFor(offset, receivedAt);
    chunk.rejected.push(offset);
    this.#dirty.set(chunk.number, chunk);
  }

  /** After each record: lets go of what is older than the window and above the cap, a few chunks at a time. */
  expire(clock: EpochMs): void {
    const oldest = clock - this.#options.windowMs;
    let left = CHUNKS_LEFT_PER_RECORD;
    for (; left > 0 && this.#head < this.#chunks.length; left--) {
      const chunk = this.#chunks[this.#head]!;
      if (chunk.newestReceivedAt >= oldest) break;
      this.#forget(chunk);
      this.#byRing.delete(chunk.ring);
      this.#dirty.set(chunk.number, undefined);
      this.#head++;
    }
    if (this.#entryCount > this.#options.idsMax) this.#shrink(left);
    if (this.#head > 1024 && this.#head * 2 > this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#head);
      this.#head = 0;
    }
  }

  #shrink(chunksMax: number): void {
    let left = chunksMax;
    for (let at = this.#head; left > 0 && this.#entryCount > this.#options.idsMax; at++) {
      const chunk = this.#chunks[at]!;
      if (chunk.entryCount === 0) continue;
      left--;
      this.#forget(chunk);
      this.#shrunk++;
      this.#dirty.set(chunk.number, chunk.rejected.length > 0 ? chunk : undefined);
    }
  }

  /** What changed since it was last asked. */
  changes(): Change[] {
    const changes: Change[] = [];
    for (const [number, chunk] of this.#dirty) {
      changes.push({
        key: dedupeKey(number),
        value:
          chunk &&
          encodeDedupeChunk({
            newestReceivedAt: chunk.newestReceivedAt,
            rejected: chunk.rejected,
            words: chunk.words.subarray(0, chunk.entryCount * ENTRY_WORDS),
          }),
      });
    }
    this.#dirty.clear();
    return changes;
  }

  get dirtyCount(): number {
    return this.#dirty.size;
  }

  /** An upper bound of what `changes` will give, keys included. */
  get dirtyBytesMax(): number {
    return this.#dirty.size * DEDUPE_CHUNK_BYTES_MAX;
  }

  #chunkFor(offset: Offset, receivedAt: EpochMs): Chunk {
    const number = chunkOfOffset(offset);
    const last = this.#chunks.at(-1);
    if (last !== undefined && this.#head < this.#chunks.length && last.number === number) {
      if (receivedAt > last.newestReceivedAt) last.newestReceivedAt = receivedAt;
      return last;
    }
    return this.#open(number, receivedAt);
  }

  #open(number: number, newestReceivedAt: EpochMs): Chunk {
    const ring = this.#nextRing;
    this.#nextRing = (ring + 1) % RINGS;
    const chunk: Chunk = {
      number,
      newestReceivedAt,
      rejected: [],
      words: NO_WORDS,
      entryCount: 0,
      ring,
    };
    this.#chunks.push(chunk);
    this.#byRing.set(ring, chunk);
    return chunk;
  }

  #remember(chunk: Chunk, payload: number): void {
    if (chunk.words.length === 0) chunk.words = new Int32Array(CHUNK_OFFSETS * ENTRY_WORDS);
    const at = chunk.entryCount * ENTRY_WORDS;
    chunk.words[at] = id[0]!;
    chunk.words[at + 1] = id[1]!;
    chunk.words[at + 2] = id[2]!;
    chunk.words[at + 3] = id[3]!;
    chunk.words[at + 4] = payload;
    this.#insert(chunk.ring * CHUNK_OFFSETS + chunk.entryCount);
    chunk.entryCount++;
    this.#entryCount++;
  }

  /** The payload hash of the event whose id hash stands in `id`, if it is remembered. */
  #find(): number | undefined {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = id[0]! & mask; ; at = (at + 1) & mask) {
      const reference = slots[at]!;
      if (reference === EMPTY) return undefined;
      if (reference === GONE) continue;
      const { words } = this.#byRing.get(Math.floor(reference / CHUNK_OFFSETS))!;
      const entry = (reference % CHUNK_OFFSETS) * ENTRY_WORDS;
      if (
        words[entry] === id[0] &&
        words[entry + 1] === id[1] &&
        words[entry + 2] === id[2] &&
        words[entry + 3] === id[3]
      ) {
        return words[entry + 4]!;
      }
    }
  }

  /** Puts a reference to the entry whose id hash stands in `id`. */
  #insert(reference: number): void {
    if ((this.#usedSlots + 1) * 2 > this.#slots.length) this.#rehash();
    const mask = this.#slots.length - 1;
    let at = id[0]! & mask;
    while (this.#slots[at]! < GONE) at = (at + 1) & mask;
    if (this.#slots[at] === EMPTY) this.#usedSlots++;
    this.#slots[at] = reference;
  }

  #forget(chunk: Chunk): void {
    const mask = this.#slots.length - 1;
    for (let entry = 0; entry < chunk.entryCount; entry++) {
      const reference = chunk.ring * CHUNK_OFFSETS + entry;
      let at = chunk.words[entry * ENTRY_WORDS]! & mask;
      while (this.#slots[at] !== reference) at = (at + 1) & mask;
      this.#slots[at] = GONE;
    }
    this.#entryCount -= chunk.entryCount;
    chunk.entryCount = 0;
    chunk.words = NO_WORDS;
  }

  /** Makes the table anew, without the graves, and large enough. */
  #rehash(): void {
    let size = SLOTS_FIRST;
    while (size < (this.#entryCount + 1) * 2.5) size *= 2;
    const old = this.#slots;
    this.#slots = new Uint32Array(size).fill(EMPTY);
    this.#usedSlots = 0;
    const mask = size - 1;
    for (const reference of old) {
      if (reference >= GONE) continue;
      const chunk = this.#byRing.get(Math.floor(reference / CHUNK_OFFSETS))!;
      let at = chunk.words[(reference % CHUNK_OFFSETS) * ENTRY_WORDS]! & mask;
      while (this.#slots[at] !== EMPTY) at = (at + 1) & mask;
      this.#slots[at] = reference;
      this.#usedSlots++;
    }
  }
}

/** Writes the hash of who sent it, its id and whom it is about into `id`. */
const identify = ({ source, eventId }: InteractionRecord, subject: string): void => {
  hash128Into(subjectWords, subject, hash32(source) | 0);
  hash128Into(id, eventId);
  for (let word = 0; word < 4; word++) id[word] = id[word]! ^ subjectWords[word]!;
};
