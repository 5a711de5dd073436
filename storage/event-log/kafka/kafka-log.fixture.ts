/** Kafka logs for tests, each in a namespace of its own on a broker that is there. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { silentLogger } from '../../../schemas/silent-logger.fixture.ts';
import { CONTRACT_TOPICS } from '../contract-topics.fixture.ts';
import type { EventLog } from '../event-log.ts';
import { type KafkaEventLogOptions, openKafkaEventLog } from './kafka-event-log.ts';

export const testClock: KafkaEventLogOptions['clock'] = {
  monotonicMs: () => Number(process.hrtime.bigint() / 1_000n) / 1_000,
  sleep: (duration, signal) => sleepFor(duration, undefined, signal ? { signal } : {}),
};

/** What one broker can promise. Records of tests are from 1970, and the brokers keep them. */
export const SINGLE_BROKER = { replicationFactor: 1, minInsyncReplicas: 1, retentionMs: -1 };

let namespaces = 0;
export const newNamespace = (): string => {
  namespaces += 1;
  return `test-${process.pid}-${namespaces}`;
};

export const openTestLog = (
  options: Partial<KafkaEventLogOptions> & Pick<KafkaEventLogOptions, 'brokers'>,
): Promise<EventLog> =>
  openKafkaEventLog({
    topics: CONTRACT_TOPICS,
    clock: testClock,
    logger: silentLogger,
    rules: SINGLE_BROKER,
    // A test that ends does not wait long for tails.
    tailWaitMsMax: 50,
    ...options,
  });

/** The client's own doors, for what an outsider or an operator does. */
export const outsideClient = (brokers: readonly string[]): Kafka =>
  new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });

export const deleteNamespace = async (
  brokers: readonly string[],
  namespace: string,
): Promise<void> => {
  const admin = outsideClient(brokers).admin();
  await admin.connect();
  try {
    const topics = (await admin.listTopics()).filter((name) => name.startsWith(`${namespace}.`));
    if (topics.length > 0) await admin.deleteTopics({ topics });
  } finally {
    await admin.disconnect();
  }
};
