import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { epochMs, partitionIndex } from '../../../schemas/ids.ts';
import { consumeByConsole, produceByConsole } from '../../../test/services/kafka-console.ts';
import { readAll } from '../event-log.contract.ts';
import type { EventLog } from '../event-log.ts';
import { partitionOf } from '../partitioner.ts';
import { deleteNamespace, newNamespace, openTestLog } from './kafka-log.fixture.ts';

const brokers = inject('kafka').addresses.plain;
const bootstrap = brokers[0]!;
const namespace = newNamespace();
const TOPIC = 'contract-delete';
const KAFKA_NAME = `${namespace}.${TOPIC}`;
const PARTITIONS = [0, 1, 2].map(partitionIndex);

let log: EventLog;
beforeAll(async () => {
  log = await openTestLog({ brokers, namespace });
});
afterAll(async () => {
  await log.close();
  await deleteNamespace(brokers, namespace);
});

const textOf = (bytes: Uint8Array | null): string => new TextDecoder().decode(bytes ?? undefined);

/** Text that compresses, and is longer than a distance in one byte. */
const longText = (word: string): string => `${word} ☃ `.repeat(400).trim();

describe('KafkaEventLog beside a client that knows nothing of ours', () => {
  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
    it(`[L3] reads what a Java producer wrote with ${compression}, keys where they belong`, async () => {
      const before = await Promise.all(PARTITIONS.map((p) => log.watermarks(TOPIC, p)));
      const keys = Array.from({ length: 12 }, (_, at) => `u:${compression}-${at}`);
      const lines = keys.map((key) => `${key}\t${longText(key)}`);
      await produceByConsole(bootstrap, KAFKA_NAME, { lines, compression });
      const found = await Promise.all(
        PARTITIONS.map((partition, at) => readAll(log, TOPIC, partition, before[at]!.end)),
      );
      for (const partition of PARTITIONS) {
        const expected = keys.filter((key) => partitionOf(key, PARTITIONS.length) === partition);
        expect(found[partition]!.map(({ key }) => textOf(key))).toEqual(expected);
        expect(found[partition]!.map(({ value }) => textOf(value))).toEqual(expected.map(longText));
      }
    });
  }

  it('writes what a Java consumer reads, checksums and all', async () => {
    const [partition] = PARTITIONS as [(typeof PARTITIONS)[0]];
    const { end } = await log.watermarks(TOPIC, partition);
    const texts = Array.from({ length: 300 }, (_, at) => `${at} ☃`);
    for (let from = 0; from < texts.length; from += 100) {
      await log.append(
        TOPIC,
        partition,
        texts.slice(from, from + 100).map((text, at) => ({
          key: Buffer.from(`k${from + at}`),
          value: Buffer.from(text),
          timestamp: epochMs(1_700_000_000_000 + (at % 7) * 1_000_000_000),
        })),
      );
    }
    const count = end + texts.length;
    const lines = await consumeByConsole(bootstrap, KAFKA_NAME, { partition, count });
    expect(lines.slice(-texts.length)).toEqual(texts.map((text, at) => `k${at}\t${text}`));
  });
});
