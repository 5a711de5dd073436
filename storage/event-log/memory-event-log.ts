/**
 * The EventLog in memory: the model that the other adapters are compared with, and the log of the
 * deterministic simulation. What survives a crash lives in a MemoryLogDisk, which outlives the log
 * that is opened on it.
 *
 * Nothing completes by itself: every completion is handed to `schedule`, so that a simulation decides
 * when each happens and in which order. An append is first taken into its partition's unflushed tail
 * (in the order of the calls), and becomes durable, and visible, when its completion runs; a completion
 * that runs early takes along what was appended to the partition before it, as a flush does.
 */
import type { RandomSource } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { DurationMs, EpochMs, LogId, Offset, PartitionIndex } from '../../schemas/ids.ts';
import { offset } from '../../schemas/ids.ts';
import type { TopicSpec } from '../../schemas/topics.ts';
import { checkBatch, DEFAULT_EVENT_LOG_LIMITS, recordBytes } from './append-batch.ts';
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

/** Runs `complete` once, now or later; `what` says what is completed, for traces. */
export type Schedule = (complete: () => void, what: string) => void;

/** Protections that a test switches off to show that another test notices. Never set elsewhere. */
export interface MemoryEventLogSeams {
  /** Resolve an append before its records are durable. */
  readonly acknowledgeBeforeFlush?: boolean;
}

export interface MemoryEventLogOptions {
  readonly topics: readonly { readonly spec: TopicSpec; readonly partitionCount: number }[];
  readonly random: RandomSource;
  /** What an earlier log left behind; a new, empty one when left out. */
  readonly disk?: MemoryLogDisk;
  readonly schedule?: Schedule;
  readonly limits?: EventLogLimits;
  readonly tombstonesKeptMs?: DurationMs;
  readonly seams?: MemoryEventLogSeams;
}

export const DEFAULT_MEMORY_EVENT_LOG_OPTIONS = {
  schedule: (complete: () => void) => queueMicrotask(complete),
  limits: DEFAULT_EVENT_LOG_LIMITS,
  tombstonesKeptMs: 86_400_000 as DurationMs,
} as const satisfies Partial<MemoryEventLogOptions>;

interface MemoryPartition {
  low: Offset;
  /** The end as readers see it. */
  end: Offset;
  durable: LogRecord[];
  unflushed: LogRecord[];
  wake: Set<() => void>;
  /** Below it, one record per key is kept of a compacted topic. */
  compactedTo: Offset;
}

interface MemoryTopic {
  readonly info: TopicInfo;
  readonly partitions: readonly MemoryPartition[];
}

/** What survives a crash. */
export class MemoryLogDisk {
  readonly topics = new Map<string, MemoryTopic>();
}

type ResolvedOptions = MemoryEventLogOptions & typeof DEFAULT_MEMORY_EVENT_LOG_OPTIONS;

export const openMemoryEventLog = (options: MemoryEventLogOptions): MemoryEventLog =>
  new MemoryEventLog(options);

export class MemoryEventLog implements EventLog {
  readonly limits: EventLogLimits;
  readonly #options: ResolvedOptions;
  readonly disk: MemoryLogDisk;
  readonly #ending = new AbortController();
  #state: 'open' | 'closed' | 'crashed' = 'open';

  constructor(options: MemoryEventLogOptions) {
    this.#options = { ...DEFAULT_MEMORY_EVENT_LOG_OPTIONS, ...options } as ResolvedOptions;
    this.limits = this.#options.limits;
    this.disk = options.disk ?? new MemoryLogDisk();
    for (const { spec, partitionCount } of options.topics) {
      const { topics } = this.disk;
      if (!topics.has(spec.name)) {
        topics.set(spec.name, emptyTopic(spec, partitionCount, options.random));
      }
    }
  }

  /**
   * The process dies: what this log was asked for never completes. Unflushed appends survive (the page
   * cache outlives a killed process, their replies do not) or are lost (the power failed).
   */
  crash({ keepUnflushed }: { keepUnflushed: boolean }): MemoryLogDisk {
    this.#state = 'crashed';
    this.#ending.abort();
    for (const topic of this.disk.topics.values()) {
      for (const partition of topic.partitions) {
        if (keepUnflushed) flush(partition, partition.unflushed.length);
        partition.unflushed = [];
      }
    }
    return this.disk;
  }

  async topic(name: string): Promise<TopicInfo> {
    return this.#complete('topic', () => this.#topic(name).info);
  }

  async append(
    name: string,
    index: PartitionIndex,
    records: readonly AppendRecord[],
  ): Promise<AppendResult> {
    if (this.#state === 'crashed') return never();
    const { info } = this.#topic(name);
    const partition = this.#partition(name, index);
    checkBatch(records, { limits: this.limits, cleanup: info.cleanup });
    const firstOffset = offset(partition.end + partition.unflushed.length);
    records.forEach((record, position) => {
      partition.unflushed.push(copyRecord(record, offset(firstOffset + position)));
    });
    const lastOffset = offset(firstOffset + records.length - 1);
    const durable = this.#complete(`append ${name}.${index}`, () => {
      flush(partition, Math.max(0, lastOffset + 1 - partition.end));
      return { firstOffset, lastOffset };
    });
    return this.#options.seams?.acknowledgeBeforeFlush ? { firstOffset, lastOffset } : durable;
  }

  async read(
    name: string,
    index: PartitionIndex,
    from: Offset,
    limits: ReadLimits,
  ): Promise<readonly LogRecord[]> {
    return this.#complete(`read ${name}.${index}`, () => this.#readNow(name, index, from, limits));
  }

  async *tail(
    name: string,
    index: PartitionIndex,
    from: Offset,
    { signal, ...limits }: ReadLimits & { readonly signal: AbortSignal },
  ): AsyncIterable<readonly LogRecord[]> {
    for (let next = from; !signal.aborted; ) {
      const records = await this.read(name, index, next, limits);
      if (signal.aborted) return;
      if (records.length > 0) {
        next = offset(records[records.length - 1]!.offset + 1);
        yield records;
      } else {
        await this.#waitForMore(this.#partition(name, index), { seen: next, signal });
      }
    }
  }

  async watermarks(name: string, index: PartitionIndex): Promise<Watermarks> {
    return this.#complete('watermarks', () => {
      const { low, end } = this.#partition(name, index);
      return { low, end };
    });
  }

  async sizeBytes(name: string, index?: PartitionIndex): Promise<number> {
    return this.#complete('size', () =>
      index === undefined
        ? this.#topic(name).partitions.reduce((sum, { durable }) => sum + bytesOf(durable), 0)
        : bytesOf(this.#partition(name, index).durable),
    );
  }

  async clean(name: string, retention: TopicRetention, now: EpochMs): Promise<number> {
    return this.#complete(`clean ${name}`, () => {
      const { info, partitions } = this.#topic(name);
      const { tombstonesKeptMs } = this.#options;
      return partitions.reduce((removed, partition, index) => {
        const needed = retention.keepFrom?.[index] ?? Number.POSITIVE_INFINITY;
        return (
          removed +
          (info.cleanup === 'compact'
            ? compact(partition, { now, tombstonesKeptMs, needed })
            : expire(partition, retention, { now, needed }))
        );
      }, 0);
    });
  }

  async close(): Promise<void> {
    if (this.#state === 'crashed') return never();
    this.#state = 'closed';
    this.#ending.abort();
  }

  #readNow(
    name: string,
    index: PartitionIndex,
    from: Offset,
    { recordsMax, bytesMax }: ReadLimits,
  ): readonly LogRecord[] {
    const { low, end, durable } = this.#partition(name, index);
    if (!(from >= low && from <= end)) {
      const details = { low, end, topic: name, partition: index, offset: from };
      throw new FreshetError('offset_out_of_range', details);
    }
    const slice: LogRecord[] = [];
    let bytes = 0;
    for (let at = firstFrom(durable, from); at < durable.length; at += 1) {
      if (slice.length >= recordsMax || bytes >= bytesMax) break;
      const record = durable[at]!;
      slice.push(copyRecord(record, record.offset));
      bytes += recordBytes(record);
    }
    return slice;
  }

  async #waitForMore(
    partition: MemoryPartition,
    { seen, signal }: { seen: Offset; signal: AbortSignal },
  ): Promise<void> {
    if (partition.end > seen) return;
    const either = AbortSignal.any([signal, this.#ending.signal]);
    await new Promise<void>((resolve) => {
      const wake = () => {
        partition.wake.delete(wake);
        either.removeEventListener('abort', wake);
        resolve();
      };
      partition.wake.add(wake);
      either.addEventListener('abort', wake);
      if (either.aborted) wake();
    });
  }

  #complete<Result>(what: string, finish: () => Result): Promise<Result> {
    if (this.#state === 'crashed') return never();
    if (this.#state === 'closed') return Promise.reject(new FreshetError('log_closed'));
    return new Promise((resolve, reject) => {
      this.#options.schedule(() => {
        if (this.#state === 'crashed') return;
        try {
          resolve(finish());
        } catch (error) {
          reject(error);
        }
      }, what);
    });
  }

  #topic(name: string): MemoryTopic {
    if (this.#state === 'closed') throw new FreshetError('log_closed');
    const topic = this.disk.topics.get(name);
    const isOpened = this.#options.topics.some(({ spec }) => spec.name === name);
    if (!topic || !isOpened) throw new FreshetError('unknown_topic', { topic: name });
    return topic;
  }

  #partition(name: string, index: PartitionIndex): MemoryPartition {
    const partition = this.#topic(name).partitions[index];
    if (!partition)
      throw new FreshetError('unknown_topic', { topic: `${name} partition ${index}` });
    return partition;
  }
}

const never = (): Promise<never> => new Promise(() => undefined);

const emptyTopic = (
  spec: TopicSpec,
  partitionCount: number,
  random: RandomSource,
): MemoryTopic => ({
  info: {
    name: spec.name,
    logId: Math.floor(random() * 2 ** 48).toString(36) as LogId,
    partitionCount,
    cleanup: spec.cleanup,
  },
  partitions: Array.from({ length: partitionCount }, () => ({
    low: offset(0),
    end: offset(0),
    durable: [],
    unflushed: [],
    wake: new Set<() => void>(),
    compactedTo: offset(0),
  })),
});

const flush = (partition: MemoryPartition, count: number): void => {
  partition.durable.push(...partition.unflushed.splice(0, count));
  partition.end = offset(partition.end + count);
  for (const wake of [...partition.wake]) wake();
};

const copyRecord = (record: AppendRecord, at: Offset): LogRecord => ({
  offset: at,
  key: record.key === null ? null : Uint8Array.from(record.key),
  value: record.value === null ? null : Uint8Array.from(record.value),
  timestamp: record.timestamp,
});

const bytesOf = (records: readonly LogRecord[]): number =>
  records.reduce((sum, record) => sum + recordBytes(record), 0);

/** Index of the first record at or after the offset. */
const firstFrom = (records: readonly LogRecord[], from: Offset): number => {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (records[middle]!.offset < from) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** Removes the oldest records while the first is too old or the partition too large. */
const expire = (
  partition: MemoryPartition,
  { ageMs = Number.POSITIVE_INFINITY, bytesMax = Number.POSITIVE_INFINITY }: TopicRetention,
  { now, needed }: { now: EpochMs; needed: number },
): number => {
  let bytes = bytesOf(partition.durable);
  let count = 0;
  for (const record of partition.durable) {
    if (record.offset >= needed || (now - record.timestamp <= ageMs && bytes <= bytesMax)) break;
    bytes -= recordBytes(record);
    count += 1;
  }
  partition.durable.splice(0, count);
  partition.low = partition.durable[0]?.offset ?? partition.end;
  return count;
};

/** Keeps the last record of each key, and no tombstone that is older than tombstones are kept. */
const compact = (
  partition: MemoryPartition,
  { now, tombstonesKeptMs, needed }: { now: EpochMs; tombstonesKeptMs: DurationMs; needed: number },
): number => {
  const lastOf = new Map<string, Offset>();
  // What was compacted once stays so, also where a reader begins anew.
  partition.compactedTo = offset(Math.max(partition.compactedTo, Math.min(partition.end, needed)));
  const { compactedTo } = partition;
  for (const { key, offset: at } of partition.durable) {
    if (at < compactedTo) lastOf.set(keyText(key), at);
  }
  const kept = partition.durable.filter(
    (record) =>
      record.offset >= compactedTo ||
      (lastOf.get(keyText(record.key)) === record.offset &&
        (record.value !== null || now - record.timestamp <= tombstonesKeptMs)),
  );
  const removed = partition.durable.length - kept.length;
  partition.durable = kept;
  return removed;
};

const keyText = (key: Uint8Array | null): string => Buffer.from(key ?? []).toString('latin1');
