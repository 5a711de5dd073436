/**
 * How a record lies in the embedded log: a fixed header, the key, the value, and a CRC32C over all of
 * it and the offset, so that a flipped bit and a record in another's place are both noticed.
 *
 *   crc32c u32 | flags u8 | timestamp f64 | key length u32 | key | value        (little endian)
 */
import { crc32c } from '../../schemas/checksum.ts';
import { type EpochMs, epochMs, type Offset } from '../../schemas/ids.ts';
import type { AppendRecord, LogRecord } from './event-log.ts';

const FLAGS_AT = 4;
const TIMESTAMP_AT = 5;
const KEY_LENGTH_AT = 13;
export const FRAME_HEADER_BYTES = 17;

const HAS_KEY = 1;
const HAS_VALUE = 2;

const NO_BYTES = new Uint8Array(0);
const offsetBytes = Buffer.alloc(8);

/** Copies the record into a frame that still lacks its checksum, since it has no offset yet. */
export const frameRecord = (record: AppendRecord): Buffer => {
  const key = record.key ?? NO_BYTES;
  const value = record.value ?? NO_BYTES;
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + key.length + value.length);
  frame[FLAGS_AT] = (record.key === null ? 0 : HAS_KEY) | (record.value === null ? 0 : HAS_VALUE);
  frame.writeDoubleLE(record.timestamp, TIMESTAMP_AT);
  frame.writeUInt32LE(key.length, KEY_LENGTH_AT);
  frame.set(key, FRAME_HEADER_BYTES);
  frame.set(value, FRAME_HEADER_BYTES + key.length);
  return frame;
};

/** Gives the frame the checksum for its place in the log. */
export const sealFrame = (frame: Buffer, offset: Offset): void => {
  frame.writeUInt32LE(checksumOf(frame, offset), 0);
};

/** The record in a frame, whose bytes it shares; undefined if the checksum does not fit. */
export const openFrame = (frame: Buffer, offset: Offset): LogRecord | undefined => {
  if (frame.length < FRAME_HEADER_BYTES) return undefined;
  if (frame.readUInt32LE(0) !== checksumOf(frame, offset)) return undefined;
  const flags = frame[FLAGS_AT]!;
  const keyEnd = FRAME_HEADER_BYTES + frame.readUInt32LE(KEY_LENGTH_AT);
  return {
    offset,
    timestamp: epochMs(frame.readDoubleLE(TIMESTAMP_AT)),
    key: flags & HAS_KEY ? frame.subarray(FRAME_HEADER_BYTES, keyEnd) : null,
    value: flags & HAS_VALUE ? frame.subarray(keyEnd) : null,
  };
};

/** What cleaning needs to know of a record; damaged ones must be removable, so nothing is verified. */
export interface RecordOutline {
  readonly offset: Offset;
  readonly timestamp: EpochMs;
  readonly bytes: number;
  /** The key's bytes as text, one character a byte. */
  readonly keyText: string;
  readonly isTombstone: boolean;
}

export const outlineOf = (frame: Buffer, offset: Offset): RecordOutline => {
  const isWhole = frame.length >= FRAME_HEADER_BYTES;
  const keyEnd = isWhole ? FRAME_HEADER_BYTES + frame.readUInt32LE(KEY_LENGTH_AT) : 0;
  return {
    offset,
    timestamp: epochMs(isWhole ? frame.readDoubleLE(TIMESTAMP_AT) : 0),
    bytes: frame.length,
    keyText: frame.toString('latin1', FRAME_HEADER_BYTES, keyEnd),
    isTombstone: isWhole && (frame[FLAGS_AT]! & HAS_VALUE) === 0,
  };
};

const checksumOf = (frame: Buffer, offset: Offset): number => {
  offsetBytes.writeDoubleLE(offset, 0);
  return crc32c(frame, FLAGS_AT, frame.length, crc32c(offsetBytes));
};
