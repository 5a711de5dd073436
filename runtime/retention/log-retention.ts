/**
 * Keeps the log within its limits of age and bytes, a pass every five seconds. The main thread decides, since
 * every thread may read every topic; the thread that writes a topic cleans it.
 *
 * What is never passed: the newest flushed snapshot of the state that reads a partition, because a
 * power cut goes back to it (I1). Where that is what holds a full partition up, a snapshot is asked for.
 *
 * What is passed in the end: a warehouse sink that is behind. It is waited for while the log is at most
 * a quarter over its limit; beyond that the oldest records go without it, and the sink counts them as
 * lost when it comes to them. So a warehouse that is away for long costs rows for training, never the
 * events that are arriving now. A state partition that has halted holds its records for as long as it
 * does: the instance is not ready meanwhile, and says why.
 *
 * Compacted topics are compacted once an hour, up to where everybody has read, and never expire.
 */
import type { Clock, Logger } from '../../schemas/environment.ts';
import {
  type DurationMs,
  type EpochMs,
  NO_OFFSET,
  type Offset,
  offset,
  type PartitionIndex,
  partitionIndex,
  type StatePartition,
  statePartition,
} from '../../schemas/ids.ts';
import { TOPICS, type TopicSpec } from '../../schemas/topics.ts';
import type { EventLog, TopicRetention } from '../../storage/event-log/event-log.ts';
import { firstRecord } from '../../storage/event-log/partition-slices.ts';
import type { EmbeddedStateStore } from '../../storage/state-store/lmdb-state-store.ts';
import type { SinkStatus } from '../../stream/warehouse-sink.ts';
import { bytesLevel } from './retention-plan.ts';

export interface LogRetentionOptions {
  readonly ageMs: number;
  readonly bytesMax: number;
}

export interface LogRetentionParts {
  readonly log: Pick<EventLog, 'topic' | 'watermarks' | 'sizeBytes' | 'read' | 'clean'>;
  readonly state: Pick<EmbeddedStateStore, 'recoverableFrom'>;
  readonly topics: readonly TopicSpec[];
  /** Topics that the stream's thread cleans. */
  readonly streamTopics: readonly string[];
  readonly stream: {
    status(): Promise<{ readonly sinks: readonly SinkStatus[] }>;
    clean(call: {
      readonly topic: string;
      readonly retention: TopicRetention;
      readonly now: EpochMs;
    }): Promise<number>;
    snapshot(partitions: readonly StatePartition[]): Promise<void>;
  };
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface RetentionStatus {
  readonly liveBytes: number;
  readonly removedRecords: number;
  /** Bytes over the limit that wait for a snapshot or a sink. */
  readonly heldBytes: number;
  readonly problem: string | null;
}

export interface LogRetention {
  /** One pass, at once; also what the schedule does. */
  pass(): Promise<void>;
  status(): RetentionStatus;
  stop(): Promise<void>;
}

/** An import writes hundreds of megabytes a minute; a pass that finds nothing to do costs next to nothing. */
const LOOK_EVERY_MS = 5_000 as DurationMs;
/** Snapshots cost more than the rest of a pass. */
const SNAPSHOT_EVERY_MS = 15_000;
const COMPACT_EVERY_MS = 3_600_000;
/** How far over its limit the log may grow while it waits for a sink. */
const SINK_GRACE = 1.25;
/** Topics that a state partition of the same name and number takes in. */
const STATE_TOPICS: ReadonlySet<string> = new Set(
  [TOPICS.interactions, TOPICS.itemSignals, TOPICS.catalogue, TOPICS.control].map(
    ({ name }) => name,
  ),
);

interface Place {
  readonly topic: string;
  readonly partition: PartitionIndex;
}

interface Measured extends Place {
  readonly bytes: number;
}

export const keepLogWithinLimits = (
  parts: LogRetentionParts,
  options: LogRetentionOptions,
): LogRetention => {
  const retention = new Retention(parts, options);
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await parts.clock.sleep(LOOK_EVERY_MS, stopping.signal).catch(() => undefined);
      if (!stopping.signal.aborted) await retention.pass();
    }
  };
  const running = run();
  return {
    pass: () => retention.pass(),
    status: () => retention.status,
    async stop() {
      stopping.abort();
      await running;
    },
  };
};

class Retention {
  readonly #parts: LogRetentionParts;
  readonly #options: LogRetentionOptions;
  #compactedMs = Number.NEGATIVE_INFINITY;
  #snapshotMs = Number.NEGATIVE_INFINITY;
  status: RetentionStatus = { liveBytes: 0, removedRecords: 0, heldBytes: 0, problem: null };

  constructor(parts: LogRetentionParts, options: LogRetentionOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  async pass(): Promise<void> {
    try {
      await this.#expire();
      await this.#compactWhereDue();
      this.status = { ...this.status, problem: null };
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      // Said once, not at every pass.
      if (this.status.problem === null) this.#parts.logger.warn('retention waits', { error });
      this.status = { ...this.status, problem };
    }
  }

  async #expire(): Promise<void> {
    const before = await this.#measure();
    const { bytesMax } = this.#options;
    const level = bytesLevel(
      before.map(({ bytes }) => bytes),
      bytesMax,
    );
    const full = before.filter(({ bytes }) => level !== undefined && bytes > level);
    const aged: Place[] = [];
    for (const place of before) if (await this.#isAged(place)) aged.push(place);
    if (full.length === 0 && aged.length === 0) {
      const liveBytes = sumOf(before);
      this.status = { ...this.status, liveBytes, heldBytes: 0 };
      return;
    }
    await this.#snapshotFor([...full, ...aged]);
    const ageMs = this.#options.ageMs;
    await this.#clean('delete', {
      ageMs,
      ...(level === undefined ? {} : { bytesMax: level }),
    });
    const left = sumOf(await this.#measure());
    if (left > bytesMax * SINK_GRACE && level !== undefined) {
      await this.#clean(
        'delete',
        { bytesMax: Math.floor(level * SINK_GRACE) },
        { passSinks: true },
      );
    }
    const liveBytes = sumOf(await this.#measure());
    this.status = { ...this.status, liveBytes, heldBytes: Math.max(0, liveBytes - bytesMax) };
  }

  async #compactWhereDue(): Promise<void> {
    const now = this.#parts.clock.monotonicMs();
    if (now - this.#compactedMs < COMPACT_EVERY_MS) return;
    await this.#clean('compact', {});
    this.#compactedMs = now;
  }

  async #clean(
    cleanup: TopicSpec['cleanup'],
    limits: TopicRetention,
    { passSinks } = { passSinks: false },
  ): Promise<void> {
    const { topics, streamTopics, log, stream, clock } = this.#parts;
    const { sinks } = await stream.status();
    for (const { name } of topics.filter((topic) => topic.cleanup === cleanup)) {
      const keepFrom = await this.#keepFrom(name, passSinks ? [] : sinks);
      const retention = { ...limits, keepFrom };
      const now = clock.now();
      const removed = streamTopics.includes(name)
        ? await stream.clean({ topic: name, retention, now })
        : await log.clean(name, retention, now);
      this.status = { ...this.status, removedRecords: this.status.removedRecords + removed };
    }
  }

  /** By partition, the first offset that a snapshot or a sink still needs. */
  async #keepFrom(topic: string, sinks: readonly SinkStatus[]): Promise<readonly Offset[]> {
    const floors: Offset[] = [];
    for (const partition of await this.#partitionsOf(topic)) {
      const needed: number[] = [Number.MAX_SAFE_INTEGER];
      if (STATE_TOPICS.has(topic)) {
        needed.push(await this.#parts.state.recoverableFrom(statePartition(topic, partition)));
      }
      for (const sink of sinks) {
        if (sink.topic !== topic || sink.partition !== partition) continue;
        needed.push(sink.coveredOffset === NO_OFFSET ? 0 : sink.coveredOffset + 1);
      }
      floors.push(offset(Math.min(...needed)));
    }
    return floors;
  }

  async #snapshotFor(places: readonly Place[]): Promise<void> {
    const states = places
      .filter(({ topic }) => STATE_TOPICS.has(topic))
      .map(({ topic, partition }) => statePartition(topic, partition));
    const now = this.#parts.clock.monotonicMs();
    if (states.length === 0 || now - this.#snapshotMs < SNAPSHOT_EVERY_MS) return;
    this.#snapshotMs = now;
    await this.#parts.stream.snapshot([...new Set(states)]);
  }

  async #isAged({ topic, partition }: Place): Promise<boolean> {
    const { log, clock } = this.#parts;
    const { low, end } = await log.watermarks(topic, partition);
    if (low >= end) return false;
    const oldest = await firstRecord(log, topic, partition, low);
    return oldest !== undefined && clock.now() - oldest.timestamp > this.#options.ageMs;
  }

  /** Every partition whose records expire. */
  async #measure(): Promise<readonly Measured[]> {
    const measured: Measured[] = [];
    for (const { name, cleanup } of this.#parts.topics) {
      if (cleanup !== 'delete') continue;
      for (const partition of await this.#partitionsOf(name)) {
        const bytes = await this.#parts.log.sizeBytes(name, partition);
        measured.push({ topic: name, partition, bytes });
      }
    }
    return measured;
  }

  async #partitionsOf(topic: string): Promise<readonly PartitionIndex[]> {
    const { partitionCount } = await this.#parts.log.topic(topic);
    return Array.from({ length: partitionCount }, (_, index) => partitionIndex(index));
  }
}

const sumOf = (places: readonly Measured[]): number =>
  places.reduce((sum, { bytes }) => sum + bytes, 0);
