/**
 * The embedded EventLog: one LMDB environment a topic (`lmdb-topic.ts` says why that is durable),
 * opened by every thread that reads or writes it. A topic has one writing thread. A tail is woken
 * without polling: in its own thread by the commit itself, in another thread of the process by a
 * message on a broadcast channel named after the topic's directory. The message is a hint only; a
 * slow poll, one for all tails, repairs a lost one. Not for network file systems.
 */
import { realpathSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, RandomSource } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { DurationMs, EpochMs, Offset, PartitionIndex } from '../../schemas/ids.ts';
import { offset, partitionIndex } from '../../schemas/ids.ts';
import type { TopicSpec } from '../../schemas/topics.ts';
import { checkBatch, DEFAULT_EVENT_LOG_LIMITS } from './append-batch.ts';
import { Doorbell } from './doorbell.ts';
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
} from './event-log.ts';
import { type LmdbEventLogSeams, LmdbTopic } from './lmdb-topic.ts';
import { cleanTopic } from './topic-cleaning.ts';

export interface LmdbEventLogOptions {
  readonly directory: string;
  readonly topics: readonly { readonly spec: TopicSpec; readonly partitionCount: number }[];
  /** Names of the topics that this thread appends to; all when left out. */
  readonly writableTopics?: readonly string[];
  readonly clock: Pick<Clock, 'sleep'>;
  readonly random: RandomSource;
  readonly limits?: EventLogLimits;
  /** How long a tail at the end waits before it looks again although nobody called. */
  readonly tailPollMs?: DurationMs;
  /** How long a compacted topic remembers that a key was removed. */
  readonly tombstonesKeptMs?: DurationMs;
  readonly seams?: LmdbEventLogSeams;
}

export const DEFAULT_LMDB_EVENT_LOG_OPTIONS = {
  limits: DEFAULT_EVENT_LOG_LIMITS,
  tailPollMs: 250 as DurationMs,
  tombstonesKeptMs: 86_400_000 as DurationMs,
  seams: {},
} as const satisfies Partial<LmdbEventLogOptions>;

type ResolvedOptions = LmdbEventLogOptions & typeof DEFAULT_LMDB_EVENT_LOG_OPTIONS;

export const openLmdbEventLog = async (options: LmdbEventLogOptions): Promise<EventLog> => {
  await mkdir(options.directory, { recursive: true });
  return new LmdbEventLog({ ...DEFAULT_LMDB_EVENT_LOG_OPTIONS, ...options } as ResolvedOptions);
};

interface OpenTopic {
  readonly topic: LmdbTopic;
  readonly doorbell: Doorbell;
}

class LmdbEventLog implements EventLog {
  readonly limits: EventLogLimits;
  readonly #options: ResolvedOptions;
  readonly #topics = new Map<string, OpenTopic>();
  readonly #closing = new AbortController();
  #cleaning: Promise<unknown> = Promise.resolve();
  #patrolling: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.limits = options.limits;
    const { directory, random, seams, writableTopics } = options;
    for (const { spec, partitionCount } of options.topics) {
      const isWritable = writableTopics === undefined || writableTopics.includes(spec.name);
      const topic = new LmdbTopic({
        directory,
        spec,
        partitionCount,
        isWritable,
        random,
        seams,
        onCommit: (partitions) => doorbell.ring(partitions),
      });
      const doorbell = new Doorbell(realpathSync(join(directory, spec.name)), partitionCount);
      this.#topics.set(spec.name, { topic, doorbell });
    }
  }

  async topic(name: string): Promise<TopicInfo> {
    return this.#open(name).topic.info;
  }

  async append(
    name: string,
    partition: PartitionIndex,
    records: readonly AppendRecord[],
  ): Promise<AppendResult> {
    const { topic } = this.#open(name, partition);
    checkBatch(records, { limits: this.limits, cleanup: topic.info.cleanup });
    return topic.append(partition, records);
  }

  async read(
    name: string,
    partition: PartitionIndex,
    from: Offset,
    limits: ReadLimits,
  ): Promise<readonly LogRecord[]> {
    return this.#open(name, partition).topic.read(partition, from, limits);
  }

  async *tail(
    name: string,
    partition: PartitionIndex,
    from: Offset,
    { signal, ...limits }: ReadLimits & { readonly signal: AbortSignal },
  ): AsyncIterable<readonly LogRecord[]> {
    const { doorbell } = this.#open(name, partition);
    const wake = (): void => doorbell.wake(partition);
    signal.addEventListener('abort', wake);
    try {
      for (let next = from; !signal.aborted; ) {
        const { topic } = this.#open(name, partition);
        const rings = doorbell.rings(partition);
        const records = topic.read(partition, next, limits);
        if (records.length === 0) {
          this.#patrolling ??= this.#patrol();
          await doorbell.rungAfter(partition, rings);
          continue;
        }
        next = offset(records[records.length - 1]!.offset + 1);
        yield records;
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  async watermarks(name: string, partition: PartitionIndex): Promise<Watermarks> {
    return this.#open(name, partition).topic.watermarks(partition);
  }

  async sizeBytes(name: string, partition?: PartitionIndex): Promise<number> {
    const { topic } = this.#open(name, partition);
    if (partition !== undefined) return topic.state(partition).liveBytes;
    let bytes = 0;
    for (let index = 0; index < topic.info.partitionCount; index += 1) {
      bytes += topic.state(partitionIndex(index)).liveBytes;
    }
    return bytes;
  }

  async clean(name: string, retention: TopicRetention, now: EpochMs): Promise<number> {
    const { topic } = this.#open(name);
    const { tombstonesKeptMs } = this.#options;
    // One cleaning at a time: each counts on nobody else removing records.
    const cleaned = this.#cleaning.then(() =>
      cleanTopic(topic, { retention, now, tombstonesKeptMs }),
    );
    this.#cleaning = cleaned.catch(() => undefined);
    return cleaned;
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    this.#closing.abort();
    for (const { topic, doorbell } of this.#topics.values()) {
      topic.stop();
      doorbell.wakeAll();
    }
    await this.#patrolling;
    await this.#cleaning;
    for (const { topic, doorbell } of this.#topics.values()) {
      await topic.close();
      doorbell.close();
    }
  }

  /** As long as anybody waits, has all tails look again now and then: a ring may have been lost. */
  async #patrol(): Promise<void> {
    const { clock, tailPollMs } = this.#options;
    const doorbells = [...this.#topics.values()].map(({ doorbell }) => doorbell);
    do {
      await clock.sleep(tailPollMs, this.#closing.signal).catch(() => undefined);
      const awaited = doorbells.filter(({ isAwaited }) => isAwaited);
      if (awaited.length === 0) break;
      for (const doorbell of awaited) doorbell.wakeAll();
      // Those who found nothing wait again before the next look at who does.
      await new Promise(setImmediate);
    } while (!this.#closing.signal.aborted);
    this.#patrolling = undefined;
  }

  #open(name: string, partition?: PartitionIndex): OpenTopic {
    if (this.#closing.signal.aborted) throw new FreshetError('log_closed');
    const found = this.#topics.get(name);
    if (!found) throw new FreshetError('unknown_topic', { topic: name });
    if (
      partition !== undefined &&
      !(partition >= 0 && partition < found.topic.info.partitionCount)
    ) {
      throw new FreshetError('unknown_topic', { topic: `${name} partition ${partition}` });
    }
    return found;
  }
}
