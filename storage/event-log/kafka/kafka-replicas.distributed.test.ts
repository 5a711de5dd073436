/** Three brokers, of which two must have a record before it is acknowledged; each is killed in turn. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { epochMs, partitionIndex } from '../../../schemas/ids.ts';
import { type KafkaServers, startKafka } from '../../../test/services/kafka-server.ts';
import { readAll } from '../event-log.contract.ts';
import type { EventLog } from '../event-log.ts';
import { newNamespace, openTestLog } from './kafka-log.fixture.ts';

const TOPIC = 'contract-delete';
const NOW = epochMs(Date.now());
/** Load enough, and time for the brokers beside it. */
const PACE_MS = 2;
const PARTITIONS = [0, 1, 2].map(partitionIndex);

let kafka: KafkaServers;
let log: EventLog;

beforeAll(async () => {
  kafka = await startKafka({ brokers: 3 });
  log = await openTestLog({
    brokers: kafka.addresses('plain'),
    namespace: newNamespace(),
    rules: { replicationFactor: 3, minInsyncReplicas: 2, retentionMs: -1 },
    requestMsMax: 3_000,
    deliveryMsMax: 60_000,
    readMsMax: 60_000,
  });
});

afterAll(async () => {
  await log.close();
  await kafka.stop();
});

describe('KafkaEventLog on three brokers', () => {
  it('[fault 8] loses nothing and doubles nothing while each broker is killed in turn and one sleeps', async () => {
    let isOver = false;
    const acknowledged: string[][] = [[], [], []];
    const appending = PARTITIONS.map(async (partition) => {
      for (let at = 0; !isOver; at += 1) {
        const text = `${partition}/${at}`;
        const value = new TextEncoder().encode(text);
        await log.append(TOPIC, partition, [{ key: null, value, timestamp: NOW }]);
        acknowledged[partition]!.push(text);
        await sleep(PACE_MS);
      }
    });
    const moreThan = async (more: number): Promise<void> => {
      const before = acknowledged.map(({ length }) => length);
      const isMore = () => acknowledged.every(({ length }, at) => length > before[at]! + more);
      await expect.poll(isMore, { timeout: 60_000 }).toBe(true);
    };
    /** [L2] A new leader does not show at once what it has: no end may be seen before that. */
    const expectAllShown = async (): Promise<void> => {
      for (const partition of PARTITIONS) {
        const known = acknowledged[partition]!.length;
        const found = await readAll(log, TOPIC, partition);
        expect(found.length).toBeGreaterThanOrEqual(known);
      }
    };
    for (const broker of kafka.brokers) {
      await moreThan(20);
      await broker.kill('SIGKILL');
      await expectAllShown();
      await moreThan(20);
      await broker.restart();
    }
    await moreThan(20);
    // One that is there and does not answer is led around, too.
    const [paused] = kafka.brokers;
    paused!.pause();
    await expectAllShown();
    await moreThan(20);
    paused!.resume();
    await moreThan(20);
    isOver = true;
    await Promise.all(appending);
    for (const partition of PARTITIONS) {
      const found = await readAll(log, TOPIC, partition);
      expect(found.map(({ value }) => new TextDecoder().decode(value!))).toEqual(
        acknowledged[partition],
      );
    }
  }, 300_000);
});
