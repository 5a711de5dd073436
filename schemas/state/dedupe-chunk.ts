/**
 * The bytes of `dedupe:<chunk>`: what is remembered of the events of one fixed range of offsets, so
 * that the value does not depend on where batches were cut. Version 1:
 * u8 version | i48 newest receivedAt | varint count, then that many low bytes of rejected offsets |
 * varint count, then that many entries of five 32-bit words (id hash, payload hash).
 */
import type { EpochMs, Offset } from '../ids.ts';
import { ByteReader, ByteWriter, checkEnd, checkVersion } from './byte-cursor.ts';

export const CHUNK_OFFSETS = 256;
/** Four words of the id's hash, one of the payload's. */
export const ENTRY_WORDS = 5;
const ENTRY_BYTES = ENTRY_WORDS * 4;
const VERSION = 1;
const CHUNK_DIGITS = 14;

export interface DedupeChunk {
  readonly newestReceivedAt: EpochMs;
  /** Offsets of records that must not count: duplicates, conflicts, refused and unreadable ones. */
  readonly rejected: readonly Offset[];
  /** ENTRY_WORDS words each. */
  readonly words: Int32Array;
}

export const DEDUPE_PREFIX = 'dedupe:';

/** Version, time and two counts; then each offset either rejected or remembered, an undo both. */
const HEAD_BYTES_MAX = 1 + 6 + 2 + 2;
export const DEDUPE_CHUNK_BYTES_MAX =
  DEDUPE_PREFIX.length + CHUNK_DIGITS + HEAD_BYTES_MAX + CHUNK_OFFSETS * (1 + ENTRY_BYTES);

/** Padded, so that the order of keys is the order of chunks. */
export const dedupeKey = (chunk: number): string =>
  DEDUPE_PREFIX + String(chunk).padStart(CHUNK_DIGITS, '0');

export const chunkOfKey = (key: string): number => Number(key.slice(DEDUPE_PREFIX.length));

export const chunkOfOffset = (offset: Offset): number => Math.floor(offset / CHUNK_OFFSETS);

const writer = new ByteWriter();

export const encodeDedupeChunk = (chunk: DedupeChunk): Uint8Array => {
  writer.reset();
  writer.u8(VERSION);
  writer.i48(chunk.newestReceivedAt);
  writer.varint(chunk.rejected.length);
  for (const offset of chunk.rejected) writer.u8(offset % CHUNK_OFFSETS);
  const entryCount = chunk.words.length / ENTRY_WORDS;
  writer.varint(entryCount);
  writer.reserve(entryCount * ENTRY_BYTES);
  for (const word of chunk.words) writer.u32(word);
  return writer.take();
};

export const decodeDedupeChunk = (bytes: Uint8Array, chunk: number): DedupeChunk => {
  const reader = new ByteReader(bytes);
  checkVersion(reader, VERSION, 'dedupe chunk');
  const newestReceivedAt = reader.i48() as EpochMs;
  const rejected: Offset[] = [];
  for (let left = reader.count(1); left > 0; left--) {
    rejected.push((chunk * CHUNK_OFFSETS + reader.u8()) as Offset);
  }
  const words = new Int32Array(reader.count(ENTRY_BYTES) * ENTRY_WORDS);
  for (let index = 0; index < words.length; index++) words[index] = reader.i32();
  checkEnd(reader, 'dedupe chunk');
  return { newestReceivedAt, rejected, words };
};
