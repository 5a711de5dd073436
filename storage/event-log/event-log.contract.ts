/**
 * The rules of the EventLog, run against every adapter. An adapter says how it is created, reopened and
 * re-created, which rules do not hold for it and why; it opens the topics of
 * `contract-topics.fixture.ts`, and its limits are read from the log itself.
 *
 * Rules beyond the port's own: L11 what is unknown is refused by name; L12 what is handed over or handed
 * out is a copy; L13 sizeBytes follows what is stored.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  epochMs,
  type Offset,
  offset,
  type PartitionIndex,
  partitionIndex,
} from '../../schemas/ids.ts';
import type { AppendRecord, EventLog, LogRecord } from './event-log.ts';

export interface EventLogFixture {
  readonly log: EventLog;
  /** Closes the log and opens it again on what it stored. */
  reopen(): Promise<EventLog>;
  /** Throws everything away and opens the same topics anew. */
  recreate(): Promise<EventLog>;
  remove(): Promise<void>;
}

/** Parts of the contract that an adapter may be unable to show, each with the reason. */
export type LogCapability =
  | 'reopen'
  | 'recreate'
  | 'contiguous offsets'
  | 'expire by age on demand'
  | 'expire by bytes on demand'
  | 'compact on demand'
  | 'exact sizes';

export interface EventLogUnderTest {
  readonly name: string;
  readonly create: () => Promise<EventLogFixture>;
  readonly lacks?: Partial<Record<LogCapability, string>>;
}

const DELETE = 'contract-delete';
const COMPACT = 'contract-compact';
const P0 = partitionIndex(0);
const P1 = partitionIndex(1);
const ALL = { recordsMax: 1_000_000, bytesMax: 1_000_000_000 };
const DAY_MS = 86_400_000;

export const eventLogContract = (adapter: EventLogUnderTest): void => {
  const rule = (
    needs: LogCapability | undefined,
    name: string,
    test: () => Promise<void>,
  ): void => {
    const reason = needs && adapter.lacks?.[needs];
    if (reason === undefined) it(name, test);
    else it.skip(`${name} (skipped: ${reason})`, test);
  };

  describe(`${adapter.name} keeps the rules of the EventLog`, () => {
    let fixture: EventLogFixture;
    let log: EventLog;
    beforeEach(async () => {
      fixture = await adapter.create();
      log = fixture.log;
    });
    afterEach(() => fixture.remove());

    const append = (topic: string, partition: PartitionIndex, ...values: string[]) =>
      log.append(
        topic,
        partition,
        values.map((value) => record({ value })),
      );
    const endOf = async (topic: string, partition: PartitionIndex): Promise<Offset> =>
      (await log.watermarks(topic, partition)).end;

    it('[L1] offsets strictly increase in the order of the calls, also of calls under way at once', async () => {
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, call) => append(DELETE, P0, `${call}a`, `${call}b`)),
      );
      for (let call = 0; call < results.length; call += 1) {
        const { firstOffset, lastOffset } = results[call]!;
        expect(lastOffset).toBeGreaterThan(firstOffset);
        if (call > 0) expect(firstOffset).toBeGreaterThan(results[call - 1]!.lastOffset);
      }
      const expected = results.flatMap((_, call) => [`${call}a`, `${call}b`]);
      expect(textsOf(await readAll(log, DELETE, P0))).toEqual(expected);
    });

    rule('contiguous offsets', '[L1] offsets start at 0 and leave no gap', async () => {
      expect(await append(DELETE, P0, 'a', 'b', 'c')).toEqual({ firstOffset: 0, lastOffset: 2 });
      expect(await append(DELETE, P0, 'd')).toEqual({ firstOffset: 3, lastOffset: 3 });
      expect(await log.watermarks(DELETE, P0)).toEqual({ low: 0, end: 4 });
    });

    it('[L2] keys, values and timestamps come back unchanged, empty and missing told apart', async () => {
      const records: readonly AppendRecord[] = [
        { key: null, value: null, timestamp: epochMs(0) },
        { key: new Uint8Array(0), value: new Uint8Array(0), timestamp: epochMs(-5) },
        { key: bytes('__proto__'), value: bytes('constructor'), timestamp: epochMs(1.7e12) },
        { key: bytes('../x'), value: bytes('☃ 😀'), timestamp: epochMs(4e15) },
        { key: everyByte(), value: everyByte(), timestamp: epochMs(1) },
        { key: null, value: new Uint8Array(300_000).fill(0xab), timestamp: epochMs(2) },
      ];
      const { firstOffset } = await log.append(DELETE, P0, records);
      const found = await readAll(log, DELETE, P0, firstOffset);
      expect(found.map(comparable)).toEqual(records.map(comparable));
    });

    it('[L2] reading from any offset yields every record from there once and in order', async () => {
      for (let batch = 0; batch < 5; batch += 1) {
        await append(DELETE, P0, ...Array.from({ length: 4 }, (_, at) => `${batch}.${at}`));
      }
      const all = await readAll(log, DELETE, P0);
      expect(all).toHaveLength(20);
      for (const [index, { offset: from }] of all.entries()) {
        expect(textsOf(await readAll(log, DELETE, P0, from))).toEqual(textsOf(all).slice(index));
      }
    });

    it('[L2] slices keep to the limits and lose nothing between them', async () => {
      const values = Array.from({ length: 40 }, (_, at) => `${at}`.padEnd(1_000, '.'));
      await append(DELETE, P0, ...values);
      const slices: (readonly LogRecord[])[] = [];
      for (let from = offset(0); ; ) {
        const slice = await log.read(DELETE, P0, from, { recordsMax: 7, bytesMax: 3_500 });
        if (slice.length === 0) break;
        slices.push(slice);
        from = offset(slice[slice.length - 1]!.offset + 1);
      }
      expect(slices.flatMap(textsOf)).toEqual(values);
      for (const slice of slices) expect(slice.length).toBeLessThanOrEqual(5);
    });

    it('[L2] a record larger than the byte limit of a slice can still be read', async () => {
      await append(DELETE, P0, 'x'.repeat(5_000), 'y');
      const slice = await log.read(DELETE, P0, offset(0), { recordsMax: 10, bytesMax: 100 });
      expect(slice).toHaveLength(1);
      expect(slice[0]!.value).toHaveLength(5_000);
    });

    it('[L3] partitions are apart', async () => {
      await append(DELETE, P0, 'zero');
      await append(DELETE, P1, 'one');
      expect(textsOf(await readAll(log, DELETE, P0))).toEqual(['zero']);
      expect(textsOf(await readAll(log, DELETE, P1))).toEqual(['one']);
    });

    it('[L4] a tail sees what was there and what is appended later, in order and once', async () => {
      await append(DELETE, P0, 'before');
      const stop = new AbortController();
      const seen: (string | null)[] = [];
      const tailing = follow(log, { signal: stop.signal }, (slice) => {
        seen.push(...textsOf(slice));
        if (seen.length === 31) stop.abort();
      });
      for (let at = 0; at < 30; at += 1) await append(DELETE, P0, `after ${at}`);
      await tailing;
      expect(seen).toEqual(['before', ...Array.from({ length: 30 }, (_, at) => `after ${at}`)]);
    });

    it('[L4] a tail at the end wakes for an append, and several tails see the same', async () => {
      const stop = new AbortController();
      const seen: (string | null)[][] = [[], [], []];
      const tails = seen.map((texts) =>
        follow(log, { signal: stop.signal }, (slice) => {
          texts.push(...textsOf(slice));
          if (seen.every((each) => each.length === 2)) stop.abort();
        }),
      );
      await turn();
      await append(DELETE, P0, 'a');
      await turn();
      await append(DELETE, P0, 'b');
      await Promise.all(tails);
      expect(seen).toEqual([
        ['a', 'b'],
        ['a', 'b'],
        ['a', 'b'],
      ]);
    });

    it('[L4] abort ends a tail, whether it waits or has not begun', async () => {
      const stop = new AbortController();
      const waiting = follow(log, { signal: stop.signal }, () => undefined);
      await turn();
      stop.abort();
      await waiting;
      await follow(log, { signal: stop.signal }, () => undefined);
    });

    it('[L5] a batch lies together in the order given, also beside others under way', async () => {
      const batches = Array.from({ length: 20 }, (_, batch) =>
        Array.from({ length: 1 + (batch % 7) }, (_, at) => `${batch}.${at}`),
      );
      await Promise.all(batches.map((batch) => append(DELETE, P0, ...batch)));
      expect(textsOf(await readAll(log, DELETE, P0))).toEqual(batches.flat());
    });

    rule('reopen', '[L5] what was acknowledged is there after reopening', async () => {
      await append(DELETE, P0, 'a', 'b');
      await append(COMPACT, P1, 'c');
      log = await fixture.reopen();
      expect(textsOf(await readAll(log, DELETE, P0))).toEqual(['a', 'b']);
      expect(textsOf(await readAll(log, COMPACT, P1))).toEqual(['c']);
    });

    it('[L6] a record over the limit is refused by code, and nothing of its batch is written', async () => {
      await append(DELETE, P0, 'first');
      const tooLarge = new Uint8Array(log.limits.recordBytesMax + 1);
      const batch = [record({ value: 'small' }), { ...record({}), value: tooLarge }];
      await expect(log.append(DELETE, P0, batch)).rejects.toMatchObject({
        code: 'record_too_large',
        details: { limitBytes: log.limits.recordBytesMax, gotBytes: expect.any(Number) },
      });
      await append(DELETE, P0, 'second');
      expect(textsOf(await readAll(log, DELETE, P0))).toEqual(['first', 'second']);
    });

    it('[L6] a record of exactly the limit fits', async () => {
      const key = bytes('key');
      const value = new Uint8Array(log.limits.recordBytesMax - key.length).fill(7);
      await log.append(DELETE, P0, [{ key, value, timestamp: epochMs(1) }]);
      const [found] = await log.read(DELETE, P0, offset(0), ALL);
      expect(Buffer.compare(found!.value!, value)).toBe(0);
    });

    it('[L6] a batch of too many records or bytes is refused whole', async () => {
      const { batchRecordsMax, batchBytesMax, recordBytesMax } = log.limits;
      const many = Array.from({ length: batchRecordsMax + 1 }, () => record({ value: 'x' }));
      await expect(log.append(DELETE, P0, many)).rejects.toMatchObject({ code: 'batch_too_large' });
      const large = { ...record({}), value: new Uint8Array(recordBytesMax - 100) };
      const count = Math.ceil(batchBytesMax / (recordBytesMax - 100)) + 1;
      const heavy = Array.from({ length: count }, () => large);
      await expect(log.append(DELETE, P0, heavy)).rejects.toMatchObject({
        code: 'batch_too_large',
      });
      expect(await readAll(log, DELETE, P0)).toEqual([]);
    });

    it('[L7] reading at the end yields nothing; beyond it is an error with both numbers', async () => {
      await append(DELETE, P0, 'a', 'b');
      const end = await endOf(DELETE, P0);
      expect(await log.read(DELETE, P0, end, ALL)).toEqual([]);
      for (const from of [offset(end + 1), offset(-1)]) {
        const refused = { code: 'offset_out_of_range', details: { low: 0, end, offset: from } };
        await expect(log.read(DELETE, P0, from, ALL)).rejects.toMatchObject(refused);
        const { signal } = new AbortController();
        await expect(follow(log, { signal, from }, () => undefined)).rejects.toMatchObject(refused);
      }
    });

    rule(
      'expire by age on demand',
      '[L7] reading below the low watermark is an error, never a jump',
      async () => {
        await log.append(DELETE, P0, [
          record({ value: 'old', timestamp: 0 }),
          record({ value: 'new', timestamp: DAY_MS }),
        ]);
        expect(await log.clean(DELETE, { ageMs: 1_000 }, epochMs(DAY_MS))).toBe(1);
        const { low, end } = await log.watermarks(DELETE, P0);
        expect(low).toBeGreaterThan(0);
        await expect(log.read(DELETE, P0, offset(0), ALL)).rejects.toMatchObject({
          code: 'offset_out_of_range',
          details: { low, end, offset: 0 },
        });
        expect(textsOf(await log.read(DELETE, P0, low, ALL))).toEqual(['new']);
      },
    );

    it('[L8] after close every call rejects with its code, and closing again does nothing', async () => {
      await append(DELETE, P0, 'a');
      const { signal } = new AbortController();
      const waiting = follow(log, { signal }, () => undefined);
      const refused = { code: 'log_closed' };
      const waitingEnds = expect(waiting).rejects.toMatchObject(refused);
      await turn();
      await log.close();
      await log.close();
      await waitingEnds;
      const calls: readonly (() => Promise<unknown>)[] = [
        () => log.topic(DELETE),
        () => append(DELETE, P0, 'b'),
        () => log.read(DELETE, P0, offset(0), ALL),
        () => log.watermarks(DELETE, P0),
        () => log.sizeBytes(DELETE),
        () => log.clean(DELETE, {}, epochMs(0)),
        () => follow(log, { signal }, () => undefined),
      ];
      for (const call of calls) await expect(call()).rejects.toMatchObject(refused);
    });

    rule(
      'reopen',
      '[L8] what was appended before close is kept even when nobody waited',
      async () => {
        const appended = append(DELETE, P0, 'in a hurry');
        const closed = log.close();
        await expect(appended).resolves.toBeDefined();
        await closed;
        log = await fixture.reopen();
        expect(textsOf(await readAll(log, DELETE, P0))).toEqual(['in a hurry']);
      },
    );

    rule(
      'expire by age on demand',
      '[L9] retention by age removes the oldest, up to the first that may stay',
      async () => {
        await log.append(DELETE, P0, [
          record({ value: 'expired', timestamp: 0 }),
          record({ value: 'young', timestamp: 9_000 }),
          record({ value: 'old but behind a young one', timestamp: 0 }),
        ]);
        expect(await log.clean(DELETE, { ageMs: 5_000 }, epochMs(10_000))).toBe(1);
        const { low } = await log.watermarks(DELETE, P0);
        expect(textsOf(await readAll(log, DELETE, P0, low))).toEqual([
          'young',
          'old but behind a young one',
        ]);
        expect(await log.clean(DELETE, { ageMs: 5_000 }, epochMs(10_000))).toBe(0);
      },
    );

    rule(
      'expire by bytes on demand',
      '[L9] retention by bytes keeps the newest that fit, in each partition',
      async () => {
        const values = Array.from({ length: 3_000 }, (_, at) => `${at}`.padEnd(200, '.'));
        await append(DELETE, P0, ...values);
        await append(DELETE, P1, ...values.slice(0, 10));
        const removed = await log.clean(DELETE, { bytesMax: 100_000 }, epochMs(0));
        expect(removed).toBeGreaterThan(2_000);
        const { low, end } = await log.watermarks(DELETE, P0);
        const kept = await readAll(log, DELETE, P0, low);
        expect(textsOf(kept)).toEqual(values.slice(-kept.length));
        expect(kept).toHaveLength(3_000 - removed);
        expect(end).toBe(3_000);
        expect(await readAll(log, DELETE, P1)).toHaveLength(10);
      },
    );

    rule(
      'expire by age on demand',
      '[L9] what somebody has yet to read is not expired, in its own partition',
      async () => {
        await append(DELETE, P0, 'a', 'b', 'c');
        await append(DELETE, P1, 'a', 'b', 'c');
        const keepFrom = [offset(1), offset(9)];
        expect(await log.clean(DELETE, { ageMs: 1, keepFrom }, epochMs(DAY_MS))).toBe(4);
        expect(await log.watermarks(DELETE, P0)).toEqual({ low: 1, end: 3 });
        expect(await log.watermarks(DELETE, P1)).toEqual({ low: 3, end: 3 });
      },
    );

    rule('compact on demand', '[L9] what somebody has yet to read is not compacted', async () => {
      const keyed = ['a1', 'a2', 'a3', 'a4'].map((text) => record({ key: 'a', value: text }));
      await log.append(COMPACT, P0, keyed);
      expect(await log.clean(COMPACT, { keepFrom: [offset(2)] }, epochMs(0))).toBe(1);
      expect(textsOf(await readAll(log, COMPACT, P0))).toEqual(['a2', 'a3', 'a4']);
      expect(await log.clean(COMPACT, { keepFrom: [offset(0)] }, epochMs(0))).toBe(0);
      expect(await log.clean(COMPACT, {}, epochMs(0))).toBe(2);
    });

    rule(
      'expire by age on demand',
      '[L9] the next offset goes on when every record has expired, also after reopening',
      async () => {
        const { lastOffset } = await append(DELETE, P0, 'a', 'b', 'c');
        await log.clean(DELETE, { ageMs: 1 }, epochMs(DAY_MS));
        const end = offset(lastOffset + 1);
        expect(await log.watermarks(DELETE, P0)).toEqual({ low: end, end });
        if (!adapter.lacks?.reopen) log = await fixture.reopen();
        expect(await log.watermarks(DELETE, P0)).toEqual({ low: end, end });
        expect((await append(DELETE, P0, 'd')).firstOffset).toBe(end);
      },
    );

    rule(
      'compact on demand',
      '[L9] a compacted topic keeps the last record of each key and never expires',
      async () => {
        const written = ['a1', 'b1', 'a2', 'c1', 'a3', 'b2'];
        await log.append(
          COMPACT,
          P0,
          written.map((text) => record({ key: text[0]!, value: text })),
        );
        expect(await log.clean(COMPACT, { ageMs: 1, bytesMax: 1 }, epochMs(DAY_MS))).toBe(3);
        expect(textsOf(await readAll(log, COMPACT, P0))).toEqual(['c1', 'a3', 'b2']);
        await log.append(COMPACT, P0, [record({ key: 'c', value: 'c2' })]);
        expect(await log.clean(COMPACT, {}, epochMs(DAY_MS))).toBe(1);
        expect(textsOf(await readAll(log, COMPACT, P0))).toEqual(['a3', 'b2', 'c2']);
        expect(await log.watermarks(COMPACT, P0)).toMatchObject({ end: 7 });
      },
    );

    rule(
      'compact on demand',
      '[L9] a tombstone removes its key at once and itself after a day',
      async () => {
        await log.append(COMPACT, P0, [
          record({ key: 'a', value: 'a1' }),
          record({ key: 'b', value: 'b1' }),
          { key: bytes('a'), value: null, timestamp: epochMs(1_000) },
        ]);
        await log.clean(COMPACT, {}, epochMs(1_000));
        expect(textsOf(await readAll(log, COMPACT, P0))).toEqual(['b1', null]);
        expect(await log.clean(COMPACT, {}, epochMs(DAY_MS))).toBe(0);
        expect(await log.clean(COMPACT, {}, epochMs(1_001 + DAY_MS))).toBe(1);
        expect(textsOf(await readAll(log, COMPACT, P0))).toEqual(['b1']);
      },
    );

    it('[L9] a compacted topic refuses a record without a key', async () => {
      const keyless = { ...record({ value: 'x' }), key: null };
      await expect(log.append(COMPACT, P0, [keyless])).rejects.toMatchObject({
        code: 'bad_record',
      });
      expect(await readAll(log, COMPACT, P0)).toEqual([]);
    });

    rule('reopen', '[L10] a log keeps its id when it is reopened', async () => {
      const { logId } = await log.topic(DELETE);
      expect(logId.length).toBeGreaterThan(0);
      log = await fixture.reopen();
      expect((await log.topic(DELETE)).logId).toBe(logId);
    });

    rule('recreate', '[L10] a re-created log has another id and is empty', async () => {
      await append(DELETE, P0, 'a');
      const { logId } = await log.topic(DELETE);
      log = await fixture.recreate();
      expect((await log.topic(DELETE)).logId).not.toBe(logId);
      expect(await log.watermarks(DELETE, P0)).toEqual({ low: 0, end: 0 });
    });

    it('[L11] an unknown topic or partition is refused, and the known one described', async () => {
      const refused = { code: 'unknown_topic' };
      await expect(log.topic('__proto__')).rejects.toMatchObject(refused);
      await expect(append('nowhere', P0, 'a')).rejects.toMatchObject(refused);
      await expect(append(DELETE, partitionIndex(3), 'a')).rejects.toMatchObject(refused);
      await expect(log.read(DELETE, partitionIndex(-1), offset(0), ALL)).rejects.toMatchObject(
        refused,
      );
      expect(await log.topic(COMPACT)).toMatchObject({
        name: COMPACT,
        partitionCount: 2,
        cleanup: 'compact',
      });
    });

    it('[L12] bytes handed over may be changed at once, bytes handed out at will', async () => {
      const value = bytes('original');
      const appended = log.append(DELETE, P0, [{ key: null, value, timestamp: epochMs(1) }]);
      value.fill(0);
      await appended;
      const [first] = await log.read(DELETE, P0, offset(0), ALL);
      expect(textsOf([first!])).toEqual(['original']);
      first!.value!.fill(0);
      expect(textsOf(await log.read(DELETE, P0, offset(0), ALL))).toEqual(['original']);
    });

    rule(
      'exact sizes',
      '[L13] sizeBytes grows with what is appended and shrinks with what is removed',
      async () => {
        const empty = await log.sizeBytes(DELETE);
        await append(DELETE, P0, 'x'.repeat(10_000), 'y'.repeat(10_000));
        const full = await log.sizeBytes(DELETE);
        expect(full - empty).toBeGreaterThanOrEqual(20_000);
        await log.clean(DELETE, { ageMs: 1 }, epochMs(DAY_MS));
        expect(await log.sizeBytes(DELETE)).toBe(empty);
      },
    );

    rule('exact sizes', '[L13] partitions are counted apart, and together', async () => {
      await append(DELETE, P0, 'a', 'b', 'c');
      await append(DELETE, P1, 'a', 'b', 'c');
      const keepFrom = [offset(1), offset(9)];
      await log.clean(DELETE, { ageMs: 1, keepFrom }, epochMs(DAY_MS));
      expect(await log.sizeBytes(DELETE, P1)).toBe(0);
      expect(await log.sizeBytes(DELETE, P0)).toBeGreaterThan(0);
      expect(await log.sizeBytes(DELETE, P0)).toBe(await log.sizeBytes(DELETE));
    });
  });
};

interface RecordParts {
  readonly key?: string;
  readonly value?: string;
  readonly timestamp?: number;
}

const record = ({ key = 'key', value = '', timestamp = 1_000 }: RecordParts): AppendRecord => ({
  key: bytes(key),
  value: bytes(value),
  timestamp: epochMs(timestamp),
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const everyByte = (): Uint8Array => Uint8Array.from({ length: 256 }, (_, at) => at);

const comparable = ({ key, value, timestamp }: AppendRecord) => ({
  key: key && Buffer.from(key).toString('hex'),
  value: value && Buffer.from(value).toString('hex'),
  timestamp,
});

const textsOf = (records: readonly LogRecord[]): (string | null)[] =>
  records.map(({ value }) => value && new TextDecoder().decode(value));

/** Everything from the offset to the end, in however many slices that takes. */
export const readAll = async (
  log: EventLog,
  topic: string,
  partition: PartitionIndex,
  from: Offset = offset(0),
): Promise<readonly LogRecord[]> => {
  const records: LogRecord[] = [];
  for (let at = from; ; ) {
    const slice = await log.read(topic, partition, at, ALL);
    if (slice.length === 0) return records;
    records.push(...slice);
    at = offset(slice[slice.length - 1]!.offset + 1);
  }
};

const follow = async (
  log: EventLog,
  { signal, from = offset(0) }: { signal: AbortSignal; from?: Offset },
  visit: (slice: readonly LogRecord[]) => void,
): Promise<void> => {
  for await (const slice of log.tail(DELETE, P0, from, { ...ALL, signal })) visit(slice);
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
