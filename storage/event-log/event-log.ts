/**
 * The port of the log: partitioned, append-only, durable. It is the truth (I1); everything else
 * can be rebuilt from it. The rules L1–L10 stand in `event-log.contract.ts` and every adapter
 * passes them.
 */
import type { EpochMs, LogId, Offset, PartitionIndex } from '../../schemas/ids.ts';
import type { CleanupPolicy } from '../../schemas/topics.ts';

export interface AppendRecord {
  readonly key: Uint8Array | null;
  /** null is a tombstone: in a compacted topic it removes the key. */
  readonly value: Uint8Array | null;
  /** When the record was received; retention by time goes by it. */
  readonly timestamp: EpochMs;
}

export interface LogRecord extends AppendRecord {
  readonly offset: Offset;
  /** Its person was forgotten: that there was a record is all that can be known. Key and value are null. */
  readonly isErased?: boolean;
}

export interface TopicInfo {
  readonly name: string;
  readonly logId: LogId;
  readonly partitionCount: number;
  readonly cleanup: CleanupPolicy;
}

export interface Watermarks {
  /** The oldest offset that can be read. */
  readonly low: Offset;
  /** The offset that the next durable record will get: reading from here waits. */
  readonly end: Offset;
}

export interface AppendResult {
  readonly firstOffset: Offset;
  readonly lastOffset: Offset;
}

export interface ReadLimits {
  readonly recordsMax: number;
  /** A slice may exceed it by one record, so that a large record can be read at all. */
  readonly bytesMax: number;
}

export interface EventLogLimits {
  readonly recordBytesMax: number;
  readonly batchRecordsMax: number;
  readonly batchBytesMax: number;
}

export interface TopicRetention {
  /** Records older than this, by timestamp and the given now, may go. */
  readonly ageMs?: number;
  /** The oldest records go while a partition is larger than this. */
  readonly bytesMax?: number;
  /** By partition, the first offset that somebody still needs: it and what follows stay. */
  readonly keepFrom?: readonly Offset[];
}

export interface EventLog {
  readonly limits: EventLogLimits;

  topic(name: string): Promise<TopicInfo>;

  /**
   * Appends a batch to one partition, whole or not at all, and resolves once it would survive a
   * crash of the machine (L5). Batches handed over in the same turn of the event loop and later
   * share a group commit; those to one partition are appended in the order of the calls.
   */
  append(
    topic: string,
    partition: PartitionIndex,
    records: readonly AppendRecord[],
  ): Promise<AppendResult>;

  /** The durable records from `from` on, up to the limits; empty at the end. */
  read(
    topic: string,
    partition: PartitionIndex,
    from: Offset,
    limits: ReadLimits,
  ): Promise<readonly LogRecord[]>;

  /** Slices of durable records for ever, waiting at the end, until the signal is aborted. */
  tail(
    topic: string,
    partition: PartitionIndex,
    from: Offset,
    options: ReadLimits & { readonly signal: AbortSignal },
  ): AsyncIterable<readonly LogRecord[]>;

  watermarks(topic: string, partition: PartitionIndex): Promise<Watermarks>;

  /** Bytes of live records, for disk accounting: of one partition, or of them all. */
  sizeBytes(topic: string, partition?: PartitionIndex): Promise<number>;

  /** Expires or compacts what may go; `now` comes from the caller's clock. Returns records removed. */
  clean(topic: string, retention: TopicRetention, now: EpochMs): Promise<number>;

  close(): Promise<void>;
}
