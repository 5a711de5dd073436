/**
 * A record batch of Kafka (format 2): what one send to a partition carries and what a broker stores, with
 * one checksum over all of it. The client has an encoder of its own; it takes a buffer of half a kilobyte
 * for each record, sorts times as text, checks no checksum when reading, and does not say how far a batch
 * reaches whose records compaction removed, so that a reader would stand still in front of it.
 *
 *   base offset 8 · length 4 · leader epoch 4 · format 1 · CRC32C 4 · attributes 2 · last offset delta 4 ·
 *   first time 8 · last time 8 · producer 8 · its epoch 2 · first sequence 4 · count 4 · records
 */
import { crc32c } from '../../../schemas/checksum.ts';
import { epochMs, type Offset, offset } from '../../../schemas/ids.ts';
import type { AppendRecord, LogRecord } from '../event-log.ts';
import { decompress } from './compression.ts';
import { WireReader } from './wire-reader.ts';
import { varintBytes, varlongBytes, WireWriter } from './wire-writer.ts';

/** Who wrote a batch and as its how-many-eth record the first one: a broker drops what it knows. */
export interface ProducerStamp {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly firstSequence: number;
}

const FORMAT = 2;
const LENGTH_AT = 8;
const FORMAT_AT = 16;
const CHECKSUM_AT = 17;
const ATTRIBUTES_AT = 21;
const HEADER_BYTES = 61;

const COMPRESSION_BITS = 0x07;
const APPEND_TIME_BIT = 0x08;
const TRANSACTION_BIT = 0x10;
const CONTROL_BIT = 0x20;

/** What framing adds at most to a record's key and value. */
export const RECORD_OVERHEAD_BYTES_MAX = 32;

export const encodeRecordBatch = (
  records: readonly AppendRecord[],
  { producerId, producerEpoch, firstSequence }: ProducerStamp,
): Buffer => {
  const first = records[0]!.timestamp;
  const batch = new WireWriter(HEADER_BYTES + expectedBytes(records));
  batch.int64(0).int32(0).int32(-1).int8(FORMAT).int32(0);
  batch.int16(0).int32(records.length - 1);
  batch.int64(first).int64(newestOf(records));
  batch.int64(producerId).int16(producerEpoch).int32(firstSequence);
  batch.int32(records.length);
  for (const [index, record] of records.entries()) {
    writeRecord(batch, record, { index, delta: record.timestamp - first });
  }
  batch.setInt32(batch.length - LENGTH_AT - 4, LENGTH_AT);
  batch.setUint32(crc32c(batch.written, ATTRIBUTES_AT), CHECKSUM_AT);
  return batch.written;
};

const writeRecord = (
  batch: WireWriter,
  { key, value }: AppendRecord,
  { index, delta }: { readonly index: number; readonly delta: number },
): void => {
  const body =
    1 + varlongBytes(delta) + varintBytes(index) + bytesBytes(key) + bytesBytes(value) + 1;
  batch.varint(body).int8(0).varlong(delta).varint(index);
  writeBytes(batch, key);
  writeBytes(batch, value);
  batch.varint(0);
};

const writeBytes = (batch: WireWriter, bytes: Uint8Array | null): void => {
  if (bytes === null) batch.varint(-1);
  else batch.varint(bytes.length).raw(bytes);
};

const bytesBytes = (bytes: Uint8Array | null): number =>
  bytes === null ? 1 : varintBytes(bytes.length) + bytes.length;

const newestOf = (records: readonly AppendRecord[]): number =>
  records.reduce<number>(
    (newest, { timestamp }) => Math.max(newest, timestamp),
    Number.NEGATIVE_INFINITY,
  );

const expectedBytes = (records: readonly AppendRecord[]): number =>
  records.reduce(
    (sum, { key, value }) =>
      sum + RECORD_OVERHEAD_BYTES_MAX + (key?.length ?? 0) + (value?.length ?? 0),
    0,
  );

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: Offset;
}

export interface FetchedBytes {
  readonly bytes: Buffer;
  /** The offset that was asked for: a batch may begin before it. */
  readonly from: Offset;
  readonly aborted: readonly AbortedTransaction[];
  /** Makes the error for a batch that cannot be read. */
  readonly corrupt: (at: Offset, problem: string) => Error;
}

interface BatchHeader {
  readonly base: Offset;
  readonly attributes: number;
  readonly lastDelta: number;
  readonly firstTime: number;
  readonly lastTime: number;
  readonly producerId: bigint;
  readonly count: number;
}

/**
 * What one fetch brought, decoded as it is taken. Left out are records before the offset that was asked
 * for, those of aborted transactions, and the marks that end transactions; the position moves over them
 * all the same. Keys and values are views of the answer's bytes, which nobody else has.
 */
export class FetchedRecords {
  readonly #fetched: FetchedBytes;
  readonly #batches: WireReader;
  readonly #aborting = new Set<bigint>();
  readonly #aborted: AbortedTransaction[];
  #next: Offset;
  #batch: { readonly header: BatchHeader; readonly records: WireReader; left: number } | undefined;

  constructor(fetched: FetchedBytes) {
    this.#fetched = fetched;
    this.#batches = new WireReader(fetched.bytes);
    this.#aborted = [...fetched.aborted].sort((a, b) => a.firstOffset - b.firstOffset);
    this.#next = fetched.from;
  }

  /** Whether the answer brought not even something to pass over. */
  get isEmpty(): boolean {
    return this.#fetched.bytes.length === 0;
  }

  /** Whether nothing is left that could be taken. */
  get isTaken(): boolean {
    return this.#batch === undefined && this.#batches.left < HEADER_BYTES;
  }

  /** The first offset that was neither taken nor passed over. */
  get next(): Offset {
    return this.#next;
  }

  /** Empty once everything was taken. */
  take({ recordsMax, bytesMax }: { recordsMax: number; bytesMax: number }): LogRecord[] {
    const taken: LogRecord[] = [];
    let bytes = 0;
    while (taken.length < recordsMax && bytes < bytesMax) {
      if (!this.#batch && !this.#openBatch()) break;
      const record = this.#takeRecord();
      if (!record) continue;
      taken.push(record);
      bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
    }
    return taken;
  }

  #takeRecord(): LogRecord | undefined {
    const batch = this.#batch!;
    const { header, records } = batch;
    if (batch.left === 0) {
      this.#next = later(this.#next, header.base + header.lastDelta + 1);
      this.#batch = undefined;
      return undefined;
    }
    batch.left -= 1;
    try {
      const record = readRecord(records, header);
      if (record.offset < this.#fetched.from) return undefined;
      this.#next = offset(record.offset + 1);
      return record;
    } catch (error) {
      throw this.#fetched.corrupt(header.base, problemOf(error));
    }
  }

  /** False at the end, where the last batch may be there in part. */
  #openBatch(): boolean {
    while (this.#batches.left >= HEADER_BYTES) {
      const start = this.#batches.position;
      const { bytes } = this.#fetched;
      const length = bytes.readInt32BE(start + LENGTH_AT);
      if (length + LENGTH_AT + 4 > this.#batches.left) return false;
      const whole = bytes.subarray(start, start + LENGTH_AT + 4 + length);
      this.#batches.skip(whole.length);
      if (this.#enter(whole)) return true;
    }
    return false;
  }

  /** Whether there is anything for a reader in the batch; if not, it is passed over. */
  #enter(whole: Buffer): boolean {
    const header = this.#readHeader(whole);
    const end = header.base + header.lastDelta + 1;
    const isHidden = this.#isHidden(header, whole);
    if (end <= this.#fetched.from || isHidden || header.count === 0) {
      this.#next = later(this.#next, end);
      return false;
    }
    try {
      const records = decompress(
        header.attributes & COMPRESSION_BITS,
        whole.subarray(HEADER_BYTES),
      );
      this.#batch = { header, records: new WireReader(records), left: header.count };
    } catch (error) {
      throw this.#fetched.corrupt(header.base, problemOf(error));
    }
    return true;
  }

  #readHeader(whole: Buffer): BatchHeader {
    const base = offset(new WireReader(whole).int64());
    const format = whole[FORMAT_AT];
    if (format !== FORMAT) throw this.#fetched.corrupt(base, `batch format ${format}`);
    if (whole.readUInt32BE(CHECKSUM_AT) !== crc32c(whole, ATTRIBUTES_AT)) {
      throw this.#fetched.corrupt(base, 'another checksum');
    }
    const reader = new WireReader(whole, ATTRIBUTES_AT);
    const attributes = reader.int16();
    const lastDelta = reader.int32();
    const firstTime = reader.int64();
    const lastTime = reader.int64();
    const producerId = reader.bigint64();
    reader.skip(2 + 4);
    return { base, attributes, lastDelta, firstTime, lastTime, producerId, count: reader.int32() };
  }

  /** Marks of transactions, and what belongs to one that was aborted. */
  #isHidden({ base, lastDelta, attributes, producerId }: BatchHeader, whole: Buffer): boolean {
    while (this.#aborted[0] && this.#aborted[0].firstOffset <= base + lastDelta) {
      this.#aborting.add(this.#aborted.shift()!.producerId);
    }
    if (attributes & CONTROL_BIT) {
      if (isAbortMark(whole)) this.#aborting.delete(producerId);
      return true;
    }
    return (attributes & TRANSACTION_BIT) !== 0 && this.#aborting.has(producerId);
  }
}

const readRecord = (records: WireReader, header: BatchHeader): LogRecord => {
  const end = records.varint() + records.position;
  records.skip(1);
  const delta = records.varlong();
  const at = offset(header.base + records.varint());
  const key = readBytes(records);
  const value = readBytes(records);
  // Headers, which only producers outside write.
  records.skip(end - records.position);
  const time = header.attributes & APPEND_TIME_BIT ? header.lastTime : header.firstTime + delta;
  return { offset: at, key, value, timestamp: epochMs(time) };
};

const readBytes = (records: WireReader): Uint8Array | null => {
  const length = records.varint();
  return length < 0 ? null : records.raw(length);
};

/** A mark's one record has a key of a version and a type, where 0 is an abort. */
const isAbortMark = (whole: Buffer): boolean => {
  const records = new WireReader(whole, HEADER_BYTES);
  records.varint();
  records.skip(1);
  records.varlong();
  records.varint();
  const key = readBytes(records);
  return key !== null && key.length >= 4 && key[2] === 0 && key[3] === 0;
};

const later = (one: Offset, other: number): Offset => offset(Math.max(one, other));

const problemOf = (error: unknown): string => (error instanceof Error ? error.message : `${error}`);
