/**
 * An LMDB environment has one writing thread, and `item-signals` and `dead-letters` are one each. With
 * several stream workers the first writes both, and the others hand it their batches through a port.
 * An append resolves, here as there, once it is durable, so the protocol of the stream is the same:
 * append, await, then apply. Everything is read from the own view of the log.
 */
import type { MessagePort } from 'node:worker_threads';
import type { EpochMs, PartitionIndex } from '../../schemas/ids.ts';
import type { AppendRecord, AppendResult, EventLog } from '../../storage/event-log/event-log.ts';
import { callPort, serveCalls } from '../thread-call.ts';

interface Batch {
  readonly topic: string;
  readonly partition: PartitionIndex;
  readonly records: readonly SentRecord[];
}

interface SentRecord {
  readonly key: Uint8Array<ArrayBuffer> | null;
  readonly value: Uint8Array<ArrayBuffer> | null;
  readonly timestamp: EpochMs;
}

/** The log that writes, for whoever is at the other end. */
export const serveAppends = (port: MessagePort, log: EventLog): void =>
  serveCalls(port, {
    append: (argument) => {
      const { topic, partition, records } = argument as Batch;
      return log.append(topic, partition, records);
    },
  });

/** The log as `log` reads it, with appends done by whoever serves them. Closes both. */
export const appendThrough = (port: MessagePort, log: EventLog): EventLog => {
  const writer = callPort(port);
  return {
    limits: log.limits,
    topic: (name) => log.topic(name),
    append: (topic, partition, records) => {
      const sent = records.map(sentRecord);
      const batch: Batch = { topic, partition, records: sent };
      return writer.call<AppendResult>('append', batch, sent.flatMap(buffersOf));
    },
    read: (topic, partition, from, limits) => log.read(topic, partition, from, limits),
    tail: (topic, partition, from, options) => log.tail(topic, partition, from, options),
    watermarks: (topic, partition) => log.watermarks(topic, partition),
    sizeBytes: (topic, partition) => log.sizeBytes(topic, partition),
    clean: (topic, retention, now) => log.clean(topic, retention, now),
    close: async () => {
      await log.close();
      port.close();
    },
  };
};

/** Copied: small buffers share a pool, which would travel whole, and what travels is gone here. */
const sentRecord = ({ key, value, timestamp }: AppendRecord): SentRecord => ({
  key: key && new Uint8Array(key),
  value: value && new Uint8Array(value),
  timestamp,
});

const buffersOf = ({ key, value }: SentRecord): ArrayBuffer[] =>
  [key, value].flatMap((bytes) => (bytes === null ? [] : [bytes.buffer]));
