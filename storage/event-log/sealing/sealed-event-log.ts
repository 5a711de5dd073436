/**
 * A log around another one that keeps what people did unreadable to whoever has not their keys: records
 * of the topics that say so are sealed on their way in, under the key of the subject that they are keyed
 * by, and opened on their way out. To everybody above it is the log that they know, bytes unchanged;
 * below, in LMDB or Kafka, no record of these topics has a key, nor its person's id in it.
 *
 * Once a person's key is destroyed, their records come out with nothing but their place and time
 * (`isErased`). What was written unsealed, by an older program or without a subject, comes out as it is.
 */
import type { Offset, PartitionIndex } from '../../../schemas/ids.ts';
import { TOPICS, type TopicSpec } from '../../../schemas/topics.ts';
import { checkBatch } from '../append-batch.ts';
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
import type { PersonKeys } from './person-keys.ts';
import { SEAL_BYTES } from './sealed-record.ts';

const SEALED_TOPICS: readonly string[] = Object.values<TopicSpec>(TOPICS)
  .filter(({ isSealed }) => isSealed === true)
  .map(({ name }) => name);

const COLON = ':'.charCodeAt(0);
const SUBJECT_LETTERS = [...'us'].map((letter) => letter.charCodeAt(0));

export interface SealedEventLogOptions {
  readonly log: EventLog;
  readonly keys: PersonKeys;
  readonly topics?: readonly string[];
  /** Which keys name somebody. */
  readonly isPersonal?: (key: Uint8Array) => boolean;
  /** Resolves once what was appended of these topics may be acknowledged; without it, at once. */
  readonly untilCertain?: (sealed: readonly AppendRecord[]) => Promise<void>;
}

export class SealedEventLog implements EventLog {
  readonly limits: EventLogLimits;
  readonly #log: EventLog;
  readonly #keys: PersonKeys;
  readonly #topics: ReadonlySet<string>;
  readonly #isPersonal: (key: Uint8Array) => boolean;
  readonly #untilCertain: SealedEventLogOptions['untilCertain'];

  constructor(options: SealedEventLogOptions) {
    const { log, keys, topics = SEALED_TOPICS, isPersonal = isSubject } = options;
    this.#isPersonal = isPersonal;
    this.#untilCertain = options.untilCertain;
    this.#log = log;
    this.#keys = keys;
    this.#topics = new Set(topics);
    const { recordBytesMax, batchRecordsMax, batchBytesMax } = log.limits;
    this.limits = {
      recordBytesMax: recordBytesMax - SEAL_BYTES,
      batchRecordsMax,
      // A batch at both limits must still fit once it is sealed.
      batchBytesMax: Math.max(
        recordBytesMax - SEAL_BYTES,
        batchBytesMax - batchRecordsMax * SEAL_BYTES,
      ),
    };
  }

  /** What is to be appended, sealed; appending it later seals nothing again. */
  seal(topic: string, records: readonly AppendRecord[]): readonly AppendRecord[] {
    if (!this.#topics.has(topic)) return records;
    return records.map((record) => {
      const { key, value, timestamp } = record;
      if (key === null || value === null || !this.#isPersonal(key)) return record;
      return { key: null, value: this.#keys.seal({ key, value }), timestamp };
    });
  }

  async append(
    topic: string,
    partition: PartitionIndex,
    records: readonly AppendRecord[],
  ): Promise<AppendResult> {
    checkBatch(records, { limits: this.limits, cleanup: 'delete' });
    const sealed = this.seal(topic, records);
    const appended = await this.#log.append(topic, partition, sealed);
    if (this.#topics.has(topic)) await this.#untilCertain?.(sealed);
    return appended;
  }

  async read(
    topic: string,
    partition: PartitionIndex,
    from: Offset,
    limits: ReadLimits,
  ): Promise<readonly LogRecord[]> {
    return this.#open(topic, await this.#log.read(topic, partition, from, limits));
  }

  async *tail(
    topic: string,
    partition: PartitionIndex,
    from: Offset,
    options: ReadLimits & { readonly signal: AbortSignal },
  ): AsyncIterable<readonly LogRecord[]> {
    for await (const slice of this.#log.tail(topic, partition, from, options)) {
      yield this.#open(topic, slice);
    }
  }

  topic(name: string): Promise<TopicInfo> {
    return this.#log.topic(name);
  }

  watermarks(topic: string, partition: PartitionIndex): Promise<Watermarks> {
    return this.#log.watermarks(topic, partition);
  }

  sizeBytes(topic: string, partition?: PartitionIndex): Promise<number> {
    return this.#log.sizeBytes(topic, partition);
  }

  clean(
    topic: string,
    retention: TopicRetention,
    now: Parameters<EventLog['clean']>[2],
  ): Promise<number> {
    return this.#log.clean(topic, retention, now);
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  #open(topic: string, records: readonly LogRecord[]): readonly LogRecord[] {
    return this.#topics.has(topic) ? records.map((record) => this.#keys.open(record)) : records;
  }
}

/** `u:` or `s:` and an id. */
const isSubject = (key: Uint8Array): boolean =>
  key.length > 2 && key[1] === COLON && SUBJECT_LETTERS.includes(key[0]!);
