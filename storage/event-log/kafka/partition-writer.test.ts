import { describe, expect, it } from 'vitest';
import { epochMs, offset } from '../../../schemas/ids.ts';
import type { AppendRecord, LogRecord } from '../event-log.ts';
import { failureOfCode, KafkaFailure } from './kafka-errors.ts';
import { PartitionWriter } from './partition-writer.ts';
import { FetchedRecords } from './record-batch.ts';

const record = (text: string): AppendRecord => ({
  key: null,
  value: new TextEncoder().encode(text),
  timestamp: epochMs(1),
});
const BYTES = 40;

const OUT_OF_ORDER = 45;
const NOT_ENOUGH_REPLICAS = 19;
const TOO_LARGE = 10;

interface Sent {
  readonly producerId: bigint;
  readonly sequence: number;
  readonly texts: readonly string[];
}

const sentOf = (batch: Buffer): Sent => {
  const found: readonly LogRecord[] = new FetchedRecords({
    bytes: batch,
    from: offset(0),
    aborted: [],
    corrupt: (_, problem) => new Error(problem),
  }).take({ recordsMax: 1e6, bytesMax: 1e9 });
  return {
    producerId: batch.readBigInt64BE(43),
    sequence: batch.readInt32BE(53),
    texts: found.map(({ value }) => new TextDecoder().decode(value!)),
  };
};

/** Time passes only in pauses. */
const writerOn = (
  broker: (sent: Sent, attempt: number) => number | KafkaFailure,
  { deliveryMsMax = 10_000 } = {},
) => {
  const sent: Sent[] = [];
  let now = 0;
  let producers = 0;
  const writer = new PartitionWriter({
    clock: {
      monotonicMs: () => now,
      sleep: async (ms) => {
        now += ms;
      },
    },
    newProducer: async () => {
      producers += 1;
      return { producerId: BigInt(producers), producerEpoch: 0 };
    },
    send: async (batch) => {
      sent.push(sentOf(batch));
      const answer = broker(sent.at(-1)!, sent.length);
      if (answer instanceof KafkaFailure) throw answer;
      return offset(answer);
    },
    mergedBytesMax: 10 * BYTES,
    deliveryMsMax,
  });
  return { writer, sent };
};

const lost = (): KafkaFailure =>
  new KafkaFailure('no answer', { remedy: 'reconnect', mayHaveAppended: true });

describe('PartitionWriter', () => {
  it('merges what waits into one batch and tells each append its own offsets', async () => {
    const { writer, sent } = writerOn(() => 100);
    const appended = await Promise.all([
      writer.append([record('a'), record('b')], 2 * BYTES),
      writer.append([record('c')], BYTES),
    ]);
    expect(sent.map(({ texts }) => texts)).toEqual([['a', 'b', 'c']]);
    expect(appended).toEqual([
      { firstOffset: 100, lastOffset: 101 },
      { firstOffset: 102, lastOffset: 102 },
    ]);
  });

  it('never splits an append, and merges no more than fits', async () => {
    const { writer, sent } = writerOn((_, attempt) => attempt * 100);
    const nine = Array.from({ length: 9 }, (_, at) => record(`${at}`));
    await Promise.all([
      writer.append(nine, 9 * BYTES),
      writer.append(nine, 9 * BYTES),
      writer.append(nine.slice(0, 1), BYTES),
    ]);
    expect(sent.map(({ texts }) => texts.length)).toEqual([9, 10]);
  });

  it('sends the same again, in the same place of the sequence, when the answer was lost', async () => {
    const { writer, sent } = writerOn((_, attempt) => (attempt === 2 ? lost() : attempt));
    await writer.append([record('a'), record('b')], BYTES);
    await writer.append([record('c')], BYTES);
    await writer.append([record('d')], BYTES);
    expect(sent.map(({ sequence, texts }) => [sequence, ...texts])).toEqual([
      [0, 'a', 'b'],
      [2, 'c'],
      [2, 'c'],
      [3, 'd'],
    ]);
    expect(new Set(sent.map(({ producerId }) => producerId)).size).toBe(1);
  });

  it('says that nobody knows when it gives up what was sent, and goes on as a new producer', async () => {
    const { writer, sent } = writerOn(({ texts }) => (texts[0] === 'a' ? lost() : 5), {
      deliveryMsMax: 100,
    });
    await expect(writer.append([record('a')], BYTES)).rejects.toMatchObject({
      code: 'log_unacknowledged',
      details: { limitMs: 100, problem: 'no answer' },
    });
    await writer.append([record('b')], BYTES);
    expect(sent.at(-1)).toEqual({ producerId: 2n, sequence: 0, texts: ['b'] });
  });

  it('says that nothing was stored when every attempt was refused before that', async () => {
    const { writer } = writerOn(() => failureOfCode(NOT_ENOUGH_REPLICAS), { deliveryMsMax: 100 });
    await expect(writer.append([record('a')], BYTES)).rejects.toMatchObject({
      code: 'log_unavailable',
    });
  });

  it('fails what waits behind a failure, so that the partition holds a beginning', async () => {
    const { writer, sent } = writerOn(({ texts }) =>
      texts[0] === 'a' ? failureOfCode(TOO_LARGE) : 5,
    );
    const first = writer.append([record('a')], 10 * BYTES);
    const behind = writer.append([record('b')], BYTES);
    await expect(first).rejects.toMatchObject({ code: 'log_refused' });
    await expect(behind).rejects.toMatchObject({ code: 'log_unavailable' });
    await writer.append([record('c')], BYTES);
    expect(sent.map(({ texts }) => texts)).toEqual([['a'], ['c']]);
  });

  it('writes as a new producer when the broker forgot the old one', async () => {
    const { writer, sent } = writerOn((_, attempt) =>
      attempt === 2 ? failureOfCode(OUT_OF_ORDER) : attempt,
    );
    await writer.append([record('a')], BYTES);
    await writer.append([record('b')], BYTES);
    expect(sent.map(({ producerId, sequence }) => [producerId, sequence])).toEqual([
      [1n, 0],
      [1n, 1],
      [2n, 0],
    ]);
  });

  it('does not write as a new producer what may be there already', async () => {
    const { writer, sent } = writerOn((_, attempt) =>
      attempt === 1 ? lost() : failureOfCode(OUT_OF_ORDER),
    );
    await expect(writer.append([record('a')], BYTES)).rejects.toMatchObject({
      code: 'log_unacknowledged',
    });
    expect(sent).toHaveLength(2);
  });
});
