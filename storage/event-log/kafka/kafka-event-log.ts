/**
 * The distributed EventLog: one Kafka topic for each of ours, under a namespace. What the rules L1–L13
 * mean here, and why the client's producer and consumer are not used, is in `docs/decisions/`.
 *
 * An append goes to its partition's writer (`partition-writer.ts`), whose batches share requests with
 * those of other partitions of the same broker (`produce-line.ts`). Reads fetch by offset and tails wait
 * at the broker (`record-reader.ts`). Keys and values that are handed out are views of a fetched answer of
 * up to 4 MiB, which lives as long as any of them: whoever keeps one small value for long copies it.
 */
import { setMaxListeners } from 'node:events';
import type { Clock, Logger } from '../../../schemas/environment.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import {
  type EpochMs,
  epochMs,
  type LogId,
  type Offset,
  type PartitionIndex,
  partitionIndex,
} from '../../../schemas/ids.ts';
import type { TopicSpec } from '../../../schemas/topics.ts';
import { checkBatch, DEFAULT_EVENT_LOG_LIMITS, recordBytes } from '../append-batch.ts';
import type {
  AppendRecord,
  AppendResult,
  EventLog,
  EventLogLimits,
  LogRecord,
  ReadLimits,
  TopicInfo,
  TopicRetention,
  Watermarks,
} from '../event-log.ts';
import { withAdmin } from './kafka-admin.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import type { KafkaAccess, KafkaNode } from './kafka-connection.ts';
import { failureOf, logError } from './kafka-errors.ts';
import { logSizesCall } from './log-sizes-call.ts';
import { PartitionWriter } from './partition-writer.ts';
import { persist } from './persistence.ts';
import { ProduceLine } from './produce-line.ts';
import { type ProducerStamp, RECORD_OVERHEAD_BYTES_MAX } from './record-batch.ts';
import { RecordReader } from './record-reader.ts';
import { isNamespace, type KafkaTopic, kafkaNameOf, type Place } from './topic-place.ts';
import { checkTopics, makeMissingTopics, type TopicRules } from './topic-settings.ts';

export interface KafkaEventLogOptions {
  readonly brokers: readonly string[];
  readonly tls?: KafkaAccess['tls'];
  readonly sasl?: KafkaAccess['sasl'];
  /** Stands before each topic's name, so that several sites may share a cluster. */
  readonly namespace?: string;
  readonly topics: readonly { readonly spec: TopicSpec; readonly partitionCount: number }[];
  readonly rules?: Partial<TopicRules>;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly logger: Logger;
  readonly limits?: EventLogLimits;
  readonly clientId?: string;
  readonly connectMsMax?: number;
  /** A request without an answer for so long counts as lost. */
  readonly requestMsMax?: number;
  /** How long an append is tried before it is given up. */
  readonly deliveryMsMax?: number;
  readonly readMsMax?: number;
  /** How long a tail's request waits at the broker. Closing takes up to this. */
  readonly tailWaitMsMax?: number;
  /** Bytes of records that may wait for their acknowledgement. */
  readonly waitingBytesMax?: number;
  readonly seams?: KafkaEventLogSeams;
}

/** Protections that a test switches off to show that another test notices. Never set elsewhere. */
export interface KafkaEventLogSeams {
  /** Send batches that a broker cannot recognise when they come again. */
  readonly writeAnonymously?: boolean;
}

export const DEFAULT_KAFKA_EVENT_LOG_OPTIONS = {
  namespace: 'freshet',
  clientId: 'freshet',
  connectMsMax: 3_000,
  requestMsMax: 5_000,
  deliveryMsMax: 15_000,
  readMsMax: 10_000,
  tailWaitMsMax: 500,
  waitingBytesMax: 64 * 1_048_576,
  /** A managed Kafka may allow no batch beyond 8 MB; half of it leaves room. */
  limits: { ...DEFAULT_EVENT_LOG_LIMITS, batchBytesMax: 4 * 1_048_576 },
} as const satisfies Partial<KafkaEventLogOptions>;

/** For a cluster of three or more; a single broker needs 1 and 1. */
export const DEFAULT_TOPIC_RULES: TopicRules = {
  replicationFactor: 3,
  minInsyncReplicas: 2,
  retentionMs: 7 * 86_400_000,
  retentionBytes: -1,
  tombstonesKeptMs: 86_400_000,
};

type ResolvedOptions = KafkaEventLogOptions & typeof DEFAULT_KAFKA_EVENT_LOG_OPTIONS;

/** Small appends of a partition are merged up to this. */
const MERGED_BYTES_MAX = 1_048_576;
/** The leader answers before the request counts as lost. */
const REPLICATION_SHARE = 0.8;
const PRODUCER_TIMEOUT_MS = 60_000;
const ANONYMOUS = { producerId: -1n, producerEpoch: -1 };

/** Makes the topics that are missing and checks the others. */
export const openKafkaEventLog = async (given: KafkaEventLogOptions): Promise<EventLog> => {
  const options = { ...DEFAULT_KAFKA_EVENT_LOG_OPTIONS, ...given } as ResolvedOptions;
  if (!isNamespace(options.namespace)) {
    throw new FreshetError('bad_settings', {
      problem: `Expected a namespace of letters, digits, _ and -, got ${JSON.stringify(options.namespace)}.`,
    });
  }
  const log = new KafkaEventLog(options);
  try {
    await log.open();
    return log;
  } catch (error) {
    await log.close();
    throw logError(failureOf(error));
  }
};

class KafkaEventLog implements EventLog {
  readonly limits: EventLogLimits;
  readonly #options: ResolvedOptions;
  readonly #access: KafkaAccess;
  readonly #topics = new Map<string, KafkaTopic>();
  readonly #topicIds = new Map<string, string>();
  readonly #writing: KafkaCluster;
  readonly #writers = new Map<string, PartitionWriter>();
  readonly #lines = new WeakMap<KafkaNode, ProduceLine>();
  readonly #asking: KafkaCluster;
  readonly #reader: RecordReader;
  readonly #closing = new AbortController();
  #waitingBytes = 0;
  #closed: Promise<void> | undefined;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.limits = options.limits;
    this.#access = { ...options };
    // Every tail listens.
    setMaxListeners(0, this.#closing.signal);
    this.#writing = this.#openCluster();
    this.#asking = this.#openCluster();
    this.#reader = new RecordReader({
      clock: options.clock,
      logger: options.logger,
      cluster: this.#asking,
      openCluster: () => this.#openCluster(),
      readMsMax: options.readMsMax,
      waitMsMax: options.tailWaitMsMax,
      closing: this.#closing.signal,
    });
  }

  async open(): Promise<void> {
    const { namespace, topics, limits, rules, requestMsMax } = this.#options;
    const wanted = topics.map(({ spec, partitionCount }) => ({
      kafkaName: kafkaNameOf(namespace, spec.name),
      spec,
      partitionCount,
    }));
    await this.#patiently(() =>
      withAdmin(this.#access, async (admin) => {
        const check = {
          admin,
          topics: wanted,
          rules: { ...DEFAULT_TOPIC_RULES, ...rules },
          limits,
        };
        await makeMissingTopics(check, requestMsMax);
        await checkTopics(check);
      }),
    );
    for (const { kafkaName, spec, partitionCount } of wanted) {
      const { clusterId, topic } = await this.#patiently(() => this.#asking.metadata(kafkaName));
      const logId = `${clusterId}.${topic.topicId}` as LogId;
      const info = { name: spec.name, logId, partitionCount, cleanup: spec.cleanup };
      this.#topics.set(spec.name, { kafkaName, info });
      this.#topicIds.set(kafkaName, topic.topicId);
    }
  }

  async topic(name: string): Promise<TopicInfo> {
    return this.#topic(name).info;
  }

  async append(
    name: string,
    partition: PartitionIndex,
    records: readonly AppendRecord[],
  ): Promise<AppendResult> {
    const place = this.#place(name, partition);
    checkBatch(records, { limits: this.limits, cleanup: place.info.cleanup });
    const bytes = records.reduce(
      (sum, record) => sum + recordBytes(record) + RECORD_OVERHEAD_BYTES_MAX,
      0,
    );
    if (this.#waitingBytes + bytes > this.#options.waitingBytesMax) {
      throw new FreshetError('log_unavailable', {
        problem: `${this.#waitingBytes} bytes waiting for it`,
      });
    }
    this.#waitingBytes += bytes;
    try {
      return await this.#writer(place).append(records.map(copyRecord), bytes);
    } finally {
      this.#waitingBytes -= bytes;
    }
  }

  async read(
    name: string,
    partition: PartitionIndex,
    from: Offset,
    limits: ReadLimits,
  ): Promise<readonly LogRecord[]> {
    return this.#reader.read(this.#place(name, partition), from, limits);
  }

  async *tail(
    name: string,
    partition: PartitionIndex,
    from: Offset,
    options: ReadLimits & { readonly signal: AbortSignal },
  ): AsyncIterable<readonly LogRecord[]> {
    yield* this.#reader.tail(this.#place(name, partition), from, options);
  }

  async watermarks(name: string, partition: PartitionIndex): Promise<Watermarks> {
    return this.#reader.watermarks(this.#place(name, partition));
  }

  /** On the leaders' disks, framing included. What was expired counts until its file is gone. */
  async sizeBytes(name: string, partition?: PartitionIndex): Promise<number> {
    const topic = this.#topic(name);
    const wanted =
      partition === undefined ? partitionsOf(topic.info) : [this.#place(name, partition).partition];
    const sizes = await Promise.all(
      wanted.map((index) =>
        this.#patiently(() =>
          this.#asking.onLeader(topic.kafkaName, index, async (leader) => {
            const found = await leader.send(logSizesCall(topic.kafkaName, [index]));
            return found.get(index) ?? 0;
          }),
        ),
      ),
    );
    return sizes.reduce((sum, bytes) => sum + bytes, 0);
  }

  /**
   * Expires by age, up to what is still needed. Expiry by bytes and compaction are the brokers' own, by
   * the topic's settings and in their time.
   */
  async clean(name: string, { ageMs, keepFrom }: TopicRetention, now: EpochMs): Promise<number> {
    const { info } = this.#topic(name);
    if (info.cleanup === 'compact' || ageMs === undefined || now < ageMs) return 0;
    const removed = await Promise.all(
      partitionsOf(info).map(async (partition) => {
        const place = this.#place(name, partition);
        const { low, end } = await this.#reader.watermarks(place);
        const kept = await this.#reader.offsetSince(place, epochMs(now - ageMs));
        const newLow = Math.min(kept ?? end, keepFrom?.[partition] ?? end, end);
        if (newLow <= low) return 0;
        await this.#patiently(() => this.#removeBefore(place, newLow));
        return newLow - low;
      }),
    );
    return removed.reduce((sum, count) => sum + count, 0);
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#writers.values()].map((writer) => writer.idle()));
    await this.#reader.close();
    await Promise.all([this.#writing.close(), this.#asking.close()]);
  }

  #openCluster(): KafkaCluster {
    return new KafkaCluster(this.#access, this.#topicIds);
  }

  #writer(place: Place): PartitionWriter {
    const { kafkaName, partition } = place;
    const key = `${kafkaName}/${partition}`;
    const known = this.#writers.get(key);
    if (known) return known;
    const writer = new PartitionWriter({
      clock: this.#options.clock,
      newProducer: () => this.#newProducer(),
      send: (batch) =>
        this.#writing.onLeader(kafkaName, partition, (leader) =>
          this.#lineTo(leader).send({ topic: kafkaName, partition, batch }),
        ),
      mergedBytesMax: MERGED_BYTES_MAX,
      deliveryMsMax: this.#options.deliveryMsMax,
    });
    this.#writers.set(key, writer);
    return writer;
  }

  async #newProducer(): Promise<Omit<ProducerStamp, 'firstSequence'>> {
    if (this.#options.seams?.writeAnonymously) return ANONYMOUS;
    return this.#writing.onAnyNode(async ({ broker }) => {
      const { producerId, producerEpoch } = await broker.initProducerId({
        transactionalId: null,
        transactionTimeout: PRODUCER_TIMEOUT_MS,
      });
      return { producerId: BigInt(producerId), producerEpoch };
    });
  }

  #lineTo(node: KafkaNode): ProduceLine {
    const known = this.#lines.get(node);
    if (known) return known;
    const replicationMsMax = Math.floor(this.#options.requestMsMax * REPLICATION_SHARE);
    const line = new ProduceLine(node, replicationMsMax);
    this.#lines.set(node, line);
    return line;
  }

  #removeBefore({ kafkaName, partition }: Place, before: number): Promise<unknown> {
    return this.#asking.onLeader(kafkaName, partition, ({ broker }) =>
      broker.deleteRecords({
        topics: [{ topic: kafkaName, partitions: [{ partition, offset: `${before}` }] }],
      }),
    );
  }

  async #patiently<Result>(ask: () => Promise<Result>): Promise<Result> {
    const { clock, readMsMax } = this.#options;
    try {
      return await persist(ask, { clock, msMax: readMsMax, signal: this.#closing.signal });
    } catch (error) {
      throw logError(failureOf(error));
    }
  }

  #topic(name: string): KafkaTopic {
    if (this.#closing.signal.aborted) throw new FreshetError('log_closed');
    const topic = this.#topics.get(name);
    if (!topic) throw new FreshetError('unknown_topic', { topic: name });
    return topic;
  }

  #place(name: string, partition: PartitionIndex): Place {
    const topic = this.#topic(name);
    if (!(partition >= 0 && partition < topic.info.partitionCount)) {
      throw new FreshetError('unknown_topic', { topic: `${name} partition ${partition}` });
    }
    return { ...topic, partition };
  }
}

const partitionsOf = ({ partitionCount }: TopicInfo): readonly PartitionIndex[] =>
  Array.from({ length: partitionCount }, (_, index) => partitionIndex(index));

/** Whoever appended may change the bytes at once. */
const copyRecord = ({ key, value, timestamp }: AppendRecord): AppendRecord => ({
  key: key && Uint8Array.prototype.slice.call(key),
  value: value && Uint8Array.prototype.slice.call(value),
  timestamp,
});
