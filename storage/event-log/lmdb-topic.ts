/**
 * One topic of the embedded log: an LMDB environment with a sub-database per partition.
 *
 * Durable means visible. The environment is opened without lmdb-js's overlapping sync, so a commit
 * first flushes its pages, then writes and flushes the page that makes it current, and only then can
 * any reader see it, in whatever thread. So nobody, here or in another thread, can be handed a record
 * that a power cut could still take away, and no durable mark has to be kept beside the records.
 *
 * Group commit: one commit is under way at a time, on a thread of libuv's pool; what is appended
 * meanwhile goes into the next. Between two commits the event loop has a turn: those who were just
 * answered append again in it, and share the next commit, where they would else miss it and wait for two.
 * Every commit compares and sets a commit number, so that a second
 * writer, which must not exist, is noticed by the first commit that it spoils instead of overwriting.
 *
 * lmdb-js does not roll back when a callback throws: everything is checked and laid out before the
 * first put. After a failed commit nothing more is written (its write thread may be left locked),
 * unless the failure was a full disk, which LMDB survives.
 */
import { join } from 'node:path';
import { type Database, open, type RootDatabase, type RootDatabaseOptions } from 'lmdb';
import type { RandomSource } from '../../schemas/environment.ts';
import { type ErrorDetails, FreshetError } from '../../schemas/errors.ts';
import { type LogId, type Offset, offset, type PartitionIndex } from '../../schemas/ids.ts';
import type { TopicSpec } from '../../schemas/topics.ts';
import { commitFailure } from '../lmdb/disk-failure.ts';
import { hasLmdbHeader } from '../lmdb/lmdb-header.ts';
import type {
  AppendRecord,
  AppendResult,
  LogRecord,
  ReadLimits,
  TopicInfo,
  Watermarks,
} from './event-log.ts';
import { FileRoom } from './file-room.ts';
import {
  decodePartitionState,
  EMPTY_PARTITION,
  encodePartitionState,
  type PartitionState,
} from './partition-state.ts';
import {
  frameRecord,
  openFrame,
  outlineOf,
  type RecordOutline,
  sealFrame,
} from './record-frame.ts';

/** Bounds of one commit, so that a flood does not make a single one slow. */
const GROUP_BYTES_MAX = 4 * 1_048_576;
const GROUP_RECORDS_MAX = 20_000;
const READ_BYTES_MAX = 1_048_576;
/** Also the most records that cleaning removes in one commit. */
const OUTLINE_RECORDS_MAX = 1_000;
const FORMAT = 1;
/** How often it is looked how much of the file is used: a look costs some microseconds. */
const COMMITS_BETWEEN_LOOKS = 16;
const BYTES_BETWEEN_LOOKS = 131_072;
/** The commit number is the entry's version; its value says nothing. */
const COMMIT_VALUE = Buffer.from([1]);

/** Protections that a test switches off to show that another test notices. Never set elsewhere. */
export interface LmdbEventLogSeams {
  /** Resolve an append before its commit is on the disk. */
  readonly acknowledgeBeforeFlush?: boolean;
  /** Called with each group when it has been committed, while nothing else is under way. */
  readonly committed?: (topic: string) => void;
}

export interface LmdbTopicOptions {
  readonly directory: string;
  readonly spec: TopicSpec;
  readonly partitionCount: number;
  readonly isWritable: boolean;
  readonly random: RandomSource;
  readonly seams: LmdbEventLogSeams;
  /** Called in this thread after every commit of this instance, with the partitions written. */
  readonly onCommit: (partitions: readonly PartitionIndex[]) => void;
}

/** What is stored under 'topic'. */
interface TopicDescription {
  readonly format: number;
  readonly logId: LogId;
  readonly partitionCount: number;
}

/** One put (value) or removal (null) of a record. */
interface RecordWrite {
  readonly offset: Offset;
  readonly frame: Buffer | null;
}

/** What wants to be in the next commit: lays itself out against the partition's state. */
export interface PartitionJob {
  readonly partition: PartitionIndex;
  readonly bytes: number;
  readonly records: number;
  /** Pure: says what to write and what the partition's state becomes. */
  readonly plan: (state: PartitionState) => {
    writes: readonly RecordWrite[];
    state: PartitionState;
  };
}

interface QueuedJob extends PartitionJob {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class LmdbTopic {
  readonly info: TopicInfo;
  readonly #options: LmdbTopicOptions;
  readonly #root: RootDatabase<Buffer, string>;
  readonly #meta: Database<Buffer, string>;
  readonly #partitions: readonly Database<Buffer, number>[];
  /** As of the last commit of this instance; only the writer's are kept. */
  readonly #states: PartitionState[] = [];
  #commitNumber = 0;
  #queue: QueuedJob[] = [];
  #isCommitting = false;
  #failure: FreshetError | undefined;
  #isClosed = false;
  readonly #room: FileRoom;
  #commitsSinceLook = 0;
  #bytesSinceLook = 0;
  #idle: Promise<void> = Promise.resolve();

  constructor(options: LmdbTopicOptions) {
    this.#options = options;
    const { spec, partitionCount } = options;
    const path = join(options.directory, spec.name);
    if (!hasLmdbHeader(join(path, 'data.mdb'))) {
      const problem = `the log of topic ${spec.name} does not begin as LMDB’s files do`;
      throw new FreshetError('storage_failed', { problem });
    }
    this.#root = openEnvironment(path, partitionCount);
    this.#room = new FileRoom(join(path, 'data.mdb'));
    // One transaction: each would cost a flush of its own when the topic is new.
    const { meta, partitions, logId } = this.#root.transactionSync(() => this.#openDatabases());
    this.#meta = meta;
    this.#partitions = partitions;
    this.info = { name: spec.name, logId, partitionCount, cleanup: spec.cleanup };
    if (options.isWritable) this.#loadWriterState();
  }

  /** Writes the batch and resolves once it is durable. The records are copied before this returns. */
  append(partition: PartitionIndex, records: readonly AppendRecord[]): Promise<AppendResult> {
    const frames = records.map(frameRecord);
    const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
    let firstOffset = offset(0);
    return this.enqueue({
      partition,
      bytes,
      records: frames.length,
      plan: (state) => {
        firstOffset = state.next;
        const writes = frames.map((frame, index) => {
          const at = offset(firstOffset + index);
          sealFrame(frame, at);
          return { offset: at, frame };
        });
        return {
          writes,
          state: {
            ...state,
            next: offset(firstOffset + frames.length),
            liveBytes: state.liveBytes + bytes,
            liveRecords: state.liveRecords + frames.length,
          },
        };
      },
    }).then(() => ({ firstOffset, lastOffset: offset(firstOffset + frames.length - 1) }));
  }

  /** Puts a job into the next commit; jobs of one partition are planned in the order of the calls. */
  enqueue(job: PartitionJob): Promise<void> {
    if (!this.#options.isWritable) {
      throw new Error(`Expected topic ${this.info.name} to be opened for writing here.`);
    }
    if (this.#isClosed) return Promise.reject(new FreshetError('log_closed'));
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...job, resolve, reject });
      if (this.#isCommitting) return;
      this.#isCommitting = true;
      // After the sockets of this turn have been read: their requests share the commit.
      this.#idle = new Promise((done) => {
        setImmediate(() => void this.#commitQueue().then(done));
      });
    });
  }

  /** The durable records from `from` on, as copies; one read transaction, ended before returning. */
  read(partition: PartitionIndex, from: Offset, limits: ReadLimits): readonly LogRecord[] {
    return this.#inSnapshot(() => {
      const { low, next } = this.#storedState(partition);
      if (!(from >= low && from <= next))
        this.#throwOutOfRange(partition, from, { low, end: next });
      return from === next ? [] : this.#readRange(partition, { from, end: next }, limits);
    });
  }

  /** Outlines of the records from `from` to before `end`: a slice that is cheap to hold. */
  outline(
    partition: PartitionIndex,
    { from, end }: { from: Offset; end: Offset },
  ): readonly RecordOutline[] {
    return this.#inSnapshot(() => {
      const range = { start: from, end, limit: OUTLINE_RECORDS_MAX };
      const outlines: RecordOutline[] = [];
      let bytes = 0;
      for (const { key, value } of this.#partitions[partition]!.getRange(range)) {
        outlines.push(outlineOf(value, offset(key)));
        bytes += value.length;
        if (bytes >= READ_BYTES_MAX) break;
      }
      return outlines;
    });
  }

  watermarks(partition: PartitionIndex): Watermarks {
    const { low, next } = this.state(partition);
    return { low, end: next };
  }

  state(partition: PartitionIndex): PartitionState {
    return this.#inSnapshot(() => this.#storedState(partition));
  }

  /** Refuses what is asked for from now on. */
  stop(): void {
    this.#isClosed = true;
  }

  /** Lets what was asked for before finish. */
  async close(): Promise<void> {
    this.stop();
    await this.#idle;
    // After a failure lmdb-js would wait for a flush that never comes.
    if (!this.#failure) await this.#root.close();
  }

  #openDatabases() {
    const { partitionCount } = this.#options;
    const meta = this.#root.openDB<Buffer, string>('meta', {
      encoding: 'binary',
      useVersions: true,
    });
    const logId = this.#describedIn(meta);
    const partitions = Array.from({ length: partitionCount }, (_, index) =>
      this.#root.openDB<Buffer, number>(`partition.${index}`, { encoding: 'binary' }),
    );
    return { meta, partitions, logId };
  }

  /** The id of the log that is stored here; a new topic is given one. */
  #describedIn(meta: Database<Buffer, string>): LogId {
    const { spec, partitionCount, random } = this.#options;
    const stored = meta.get('topic');
    if (!stored) {
      const logId = makeLogId(random);
      const description: TopicDescription = { format: FORMAT, logId, partitionCount };
      meta.putSync('topic', Buffer.from(JSON.stringify(description)), 0);
      meta.putSync('commit', COMMIT_VALUE, 0);
      return logId;
    }
    const description = JSON.parse(stored.toString()) as TopicDescription;
    if (description.format > FORMAT) {
      const directory = join(this.#options.directory, spec.name);
      const details = { supported: FORMAT, found: description.format, directory };
      throw new FreshetError('data_newer', details);
    }
    if (description.partitionCount !== partitionCount) {
      throw new FreshetError('bad_settings', {
        problem: `Expected topic ${spec.name} to be opened with its ${description.partitionCount} partitions, got ${partitionCount}.`,
      });
    }
    return description.logId;
  }

  #loadWriterState(): void {
    this.#inSnapshot(() => {
      this.#commitNumber = this.#meta.getEntry('commit')?.version ?? 0;
      for (let index = 0; index < this.info.partitionCount; index += 1) {
        this.#states.push(this.#storedState(index as PartitionIndex));
      }
    });
  }

  async #commitQueue(): Promise<void> {
    while (this.#queue.length > 0 && !this.#failure) {
      await this.#commitGroup(this.#takeGroup());
      await this.#keepRoom();
      await new Promise(setImmediate);
    }
    this.#isCommitting = false;
    const rest = this.#queue;
    this.#queue = [];
    for (const job of rest) job.reject(this.#failure);
  }

  async #keepRoom(): Promise<void> {
    this.#commitsSinceLook += 1;
    const isDue =
      this.#commitsSinceLook >= COMMITS_BETWEEN_LOOKS ||
      this.#bytesSinceLook >= BYTES_BETWEEN_LOOKS;
    if (!isDue || this.#failure) return;
    this.#commitsSinceLook = 0;
    this.#bytesSinceLook = 0;
    await this.#room.keepAhead(this.#inSnapshot(() => usedBytesOf(this.#root)));
  }

  #takeGroup(): readonly QueuedJob[] {
    let bytes = 0;
    let records = 0;
    let count = 0;
    while (count < this.#queue.length && bytes < GROUP_BYTES_MAX && records < GROUP_RECORDS_MAX) {
      const job = this.#queue[count]!;
      bytes += job.bytes;
      records += job.records;
      count += 1;
    }
    this.#bytesSinceLook += bytes;
    return this.#queue.splice(0, count);
  }

  async #commitGroup(group: readonly QueuedJob[]): Promise<void> {
    const states = new Map<PartitionIndex, PartitionState>();
    const plans = group.map((job) => {
      const plan = job.plan(states.get(job.partition) ?? this.#states[job.partition]!);
      states.set(job.partition, plan.state);
      return { partition: job.partition, writes: plan.writes };
    });
    const committed = this.#write(plans, states);
    if (this.#options.seams.acknowledgeBeforeFlush) for (const job of group) job.resolve();
    const failure = await committed;
    if (failure) {
      if (failure.code !== 'disk_full') this.#failure = failure;
      for (const job of group) job.reject(failure);
      return;
    }
    this.#commitNumber += 1;
    for (const [partition, state] of states) this.#states[partition] = state;
    this.#options.seams.committed?.(this.info.name);
    for (const job of group) job.resolve();
    this.#options.onCommit([...states.keys()]);
  }

  /** Hands the puts to lmdb's write thread as one transaction; undefined once it is durable. */
  async #write(
    plans: readonly { partition: PartitionIndex; writes: readonly RecordWrite[] }[],
    states: ReadonlyMap<PartitionIndex, PartitionState>,
  ): Promise<FreshetError | undefined> {
    try {
      const isCommitted = await this.#meta.ifVersion('commit', this.#commitNumber, () => {
        for (const { partition, writes } of plans) {
          const records = this.#partitions[partition]!;
          for (const write of writes) {
            if (write.frame) records.put(write.offset, write.frame);
            else records.remove(write.offset);
          }
        }
        for (const [partition, state] of states) {
          this.#meta.put(stateKey(partition), encodePartitionState(state), 0);
        }
        this.#meta.put('commit', COMMIT_VALUE, this.#commitNumber + 1);
      });
      if (isCommitted) return undefined;
      const problem = `another writer has written to topic ${this.info.name}`;
      return new FreshetError('storage_failed', { problem });
    } catch (rejected) {
      return commitFailure(rejected, this.#options.directory);
    }
  }

  #readRange(
    partition: PartitionIndex,
    { from, end }: { from: Offset; end: Offset },
    limits: ReadLimits,
  ): readonly LogRecord[] {
    const bytesMax = Math.min(limits.bytesMax, READ_BYTES_MAX);
    const range = this.#partitions[partition]!.getRange({
      start: from,
      end,
      limit: limits.recordsMax,
    });
    const records: LogRecord[] = [];
    let bytes = 0;
    for (const { key, value } of range) {
      const record = openFrame(value, offset(key));
      if (!record) {
        // What stands before the damage can still be delivered; the next read starts at it.
        if (records.length > 0) break;
        const details: ErrorDetails = { topic: this.info.name, partition, offset: key };
        throw new FreshetError('record_corrupt', details);
      }
      records.push(record);
      bytes += value.length;
      if (bytes >= bytesMax) break;
    }
    return records;
  }

  #storedState(partition: PartitionIndex): PartitionState {
    const stored = this.#meta.get(stateKey(partition));
    if (!stored) return EMPTY_PARTITION;
    const state = decodePartitionState(stored);
    if (state) return state;
    const details: ErrorDetails = { topic: this.info.name, partition, offset: 'of its end' };
    throw new FreshetError('record_corrupt', details);
  }

  /** Runs with a view of the newest commit, and lets go of it: a held one keeps old pages alive. */
  #inSnapshot<Result>(read: () => Result): Result {
    this.#root.resetReadTxn();
    try {
      return read();
    } finally {
      this.#root.resetReadTxn();
    }
  }

  #throwOutOfRange(partition: PartitionIndex, from: Offset, { low, end }: Watermarks): never {
    const details: ErrorDetails = { low, end, topic: this.info.name, partition, offset: from };
    throw new FreshetError('offset_out_of_range', details);
  }
}

const stateKey = (partition: PartitionIndex): string => `partition.${partition}`;

/** Up to the last page that the newest commit uses. */
const usedBytesOf = (root: RootDatabase<Buffer, string>): number => {
  const stats = root.getStats() as { readonly pageSize: number; readonly lastPageNumber: number };
  return (stats.lastPageNumber + 1) * stats.pageSize;
};

const openEnvironment = (path: string, partitionCount: number): RootDatabase<Buffer, string> => {
  const options: RootDatabaseOptions & { safeRestore: boolean; txnStartThreshold: number } = {
    noSubdir: false,
    maxDbs: partitionCount + 2,
    encoding: 'binary',
    overlappingSync: false,
    safeRestore: true,
    eventTurnBatching: false,
    txnStartThreshold: 1,
    maxReaders: 512,
  };
  return open<Buffer, string>(path, options);
};

/** 20 letters and digits: about 100 bits. */
const makeLogId = (random: RandomSource): LogId =>
  Array.from({ length: 20 }, () => Math.floor(random() * 36).toString(36)).join('') as LogId;
