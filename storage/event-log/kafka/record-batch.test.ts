import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../schemas/checksum.ts';
import { epochMs, offset } from '../../../schemas/ids.ts';
import type { AppendRecord, LogRecord } from '../event-log.ts';
import { encodeRecordBatch, FetchedRecords } from './record-batch.ts';

const STAMP = { producerId: 7n, producerEpoch: 3, firstSequence: 11 };
const ALL = { recordsMax: 1_000_000, bytesMax: 1_000_000_000 };

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const record = (text: string, timestamp = 1_000): AppendRecord => ({
  key: bytes('key'),
  value: bytes(text),
  timestamp: epochMs(timestamp),
});

/** A batch as a broker stores it: with its place, and a checksum that covers the attributes. */
const stored = (
  records: readonly AppendRecord[],
  { base = 0, attributes = 0 }: { base?: number; attributes?: number } = {},
): Buffer => {
  const batch = Buffer.from(encodeRecordBatch(records, STAMP));
  batch.writeBigInt64BE(BigInt(base), 0);
  batch.writeInt16BE(attributes, 21);
  return sealed(batch);
};
const sealed = (batch: Buffer): Buffer => {
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
};

const fetched = (
  batches: readonly Buffer[],
  from = 0,
  aborted: readonly { producerId: bigint; firstOffset: ReturnType<typeof offset> }[] = [],
): FetchedRecords =>
  new FetchedRecords({
    bytes: Buffer.concat(batches),
    from: offset(from),
    aborted,
    corrupt: (at, problem) => new Error(`corrupt at ${at}: ${problem}`),
  });

const textsOf = (records: readonly LogRecord[]): readonly string[] =>
  records.map(({ value }) => new TextDecoder().decode(value ?? new Uint8Array()));

describe('a record batch', () => {
  it('comes back as it was written, whatever keys, values and times it has', () => {
    const part = fc.option(fc.uint8Array({ maxLength: 300 }));
    const time = fc.oneof(
      fc.integer({ min: -1_000, max: 1_000 }),
      fc.integer({ min: -(2 ** 51), max: 2 ** 51 }),
    );
    const arbitrary = fc.record({ key: part, value: part, timestamp: time.map(epochMs) });
    fc.assert(
      fc.property(fc.array(arbitrary, { minLength: 1, maxLength: 40 }), (records) => {
        const found = fetched([stored(records, { base: 500 })], 500).take(ALL);
        expect(found.map(({ offset: at }) => at)).toEqual(records.map((_, index) => 500 + index));
        expect(found.map(comparable)).toEqual(records.map(comparable));
      }),
      { seed: 4_711, numRuns: 100 },
    );
  });

  it('is taken in slices that lose nothing', () => {
    const texts = Array.from({ length: 30 }, (_, at) => `${at}`.padEnd(100, '.'));
    const batches = [0, 10, 20].map((base) =>
      stored(
        texts.slice(base, base + 10).map((text) => record(text)),
        { base },
      ),
    );
    const reading = fetched(batches);
    const seen: string[] = [];
    for (;;) {
      const slice = reading.take({ recordsMax: 7, bytesMax: 350 });
      if (slice.length === 0) break;
      expect(slice.length).toBeLessThanOrEqual(4);
      seen.push(...textsOf(slice));
    }
    expect(seen).toEqual(texts);
    expect(reading.next).toBe(30);
  });

  it('begins where it was asked for, although the batch begins before', () => {
    const batch = stored(['a', 'b', 'c'].map((text) => record(text)));
    expect(textsOf(fetched([batch], 2).take(ALL))).toEqual(['c']);
  });

  it('leaves out a last batch that did not fit the answer', () => {
    const whole = stored([record('a')]);
    const part = stored([record('b')], { base: 1 }).subarray(0, 70);
    const reading = fetched([whole, part]);
    expect(textsOf(reading.take(ALL))).toEqual(['a']);
    expect(reading.next).toBe(1);
  });

  it('is passed over when compaction removed all its records', () => {
    const empty = stored([record('gone'), record('gone')], { base: 4 }).subarray(0, 61);
    empty.writeInt32BE(0, 57);
    const reading = fetched([sealed(Buffer.from(empty))], 4);
    expect(reading.take(ALL)).toEqual([]);
    expect(reading.next).toBe(6);
  });

  it('is hidden when its transaction was aborted, and so are the marks', () => {
    const TRANSACTION = 0x10;
    const CONTROL = 0x20;
    const mark = {
      key: Uint8Array.of(0, 0, 0, 0),
      value: new Uint8Array(6),
      timestamp: epochMs(1),
    };
    const batches = [
      stored([record('aborted')], { base: 0, attributes: TRANSACTION }),
      stored([mark], { base: 1, attributes: TRANSACTION | CONTROL }),
      stored([record('kept')], { base: 2, attributes: TRANSACTION }),
    ];
    const aborted = [{ producerId: 7n, firstOffset: offset(0) }];
    const reading = fetched(batches, 0, aborted);
    expect(textsOf(reading.take(ALL))).toEqual(['kept']);
    expect(reading.next).toBe(3);
  });

  it('may be compressed with gzip, and is refused by name when it cannot be read', () => {
    const plain = stored([record('a'), record('b')]);
    const compressed = (attributes: number, body: Buffer): Buffer => {
      const batch = Buffer.concat([plain.subarray(0, 61), body]);
      batch.writeInt16BE(attributes, 21);
      return sealed(batch);
    };
    const zipped = compressed(1, gzipSync(plain.subarray(61)));
    expect(textsOf(fetched([zipped]).take(ALL))).toEqual(['a', 'b']);
    const unknown = compressed(6, Buffer.from('whatever'));
    expect(() => fetched([unknown]).take(ALL)).toThrow(
      'corrupt at 0: Expected a known compression',
    );
    const broken = compressed(1, Buffer.from('not gzip at all'));
    expect(() => fetched([broken]).take(ALL)).toThrow(/corrupt at 0/);
  });

  it('is refused when a bit of it has flipped, wherever that is', () => {
    const batch = stored([record('some value'), record('another')], { base: 9 });
    for (let at = 17; at < batch.length; at += 1) {
      const flipped = Buffer.from(batch);
      flipped[at]! ^= 0x04;
      expect(() => fetched([flipped], 9).take(ALL)).toThrow('corrupt at 9: another checksum');
    }
  });

  it('claims nothing that costs memory: a count beyond the bytes is an error', () => {
    const batch = stored([record('a')]);
    batch.writeInt32BE(2_000_000_000, 57);
    expect(() => fetched([sealed(batch)]).take(ALL)).toThrow(/corrupt at 0: Expected \d+ bytes/);
  });
});

const comparable = ({ key, value, timestamp }: AppendRecord) => ({
  key: key && Buffer.from(key).toString('hex'),
  value: value && Buffer.from(value).toString('hex'),
  timestamp,
});
