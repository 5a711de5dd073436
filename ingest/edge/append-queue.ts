/**
 * What stands between requests and the log: per partition one append outstanding, and everything that
 * arrives meanwhile goes into the next. So concurrent single-event requests share group commits, and
 * the order within a partition is the order of submission.
 *
 * The queue is bounded in bytes over all topics that share a budget; what does not fit is refused at
 * once, so that a slow disk shows as 503 with Retry-After and not as growing memory. Where a pace is
 * given, an append waits until the stream has followed, and who would wait too long is not let in
 * (`append-line.ts`). A log that does not answer at all is given up waiting for: those who wait are told
 * that nobody knows (a repetition with the same id is safe), and nothing else goes to that partition
 * before the append is settled.
 */
import type { Clock, CrashPoint } from '../../schemas/environment.ts';
import { FreshetError, isFreshetError } from '../../schemas/errors.ts';
import type { DurationMs, Offset, PartitionIndex } from '../../schemas/ids.ts';
import { isJourneyFollowed, passHop } from '../../schemas/journey.ts';
import type { AppendRecord, EventLog } from '../../storage/event-log/event-log.ts';
import { AppendLine } from './append-line.ts';
import type { StreamPace } from './stream-pace.ts';

/** Records for one partition that become durable together. */
export interface Submission {
  readonly records: readonly AppendRecord[];
  onDurable(firstOffset: Offset): void;
  onFailed(error: unknown): void;
}

const WATCH_EVERY = 1_000 as DurationMs;
/** Who would wait longer than this is better told to come again. */
const WAIT_MS_MAX = 500;
/** The same where nothing moves, so that nobody knows how long it will be. */
const STANDING_MS_MAX = 1_000;

/** One for all: thrown thousands of times a second, each with a stack of its own would cost as much as the rest. */
const TOO_FAST = new FreshetError('unavailable', {
  why: 'events come faster than they can be taken in',
  retryAfterSeconds: 1,
});

export type Seal = (topic: string, records: readonly AppendRecord[]) => readonly AppendRecord[];

interface Queued {
  readonly submission: Submission;
  readonly records: readonly AppendRecord[];
  readonly bytes: number;
  readonly sinceMs: number;
}

interface UnderWay {
  readonly group: readonly Queued[];
  readonly sinceMs: number;
  /** True once those who wait have been told that nobody knows. */
  isGivenUp: boolean;
}

/** Bytes that may wait, shared by all queues of an instance, and the word to stop. */
export class QueueBudget {
  readonly bytesMax: number;
  bytes = 0;
  #refusal: FreshetError | undefined;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Throws while nothing, or nothing more, can be taken in. */
  check(): void {
    if (this.#refusal) throw this.#refusal;
    if (this.bytes < this.bytesMax) return;
    throw new FreshetError('unavailable', {
      why: 'more waits for the disk than the queue holds',
      retryAfterSeconds: 1,
    });
  }

  /** From now on everything is refused with this error. */
  refuse(error: FreshetError): void {
    this.#refusal ??= error;
  }

  close(): void {
    this.refuse(new FreshetError('unavailable', { why: 'the server is stopping' }));
  }
}

export interface AppendQueueOptions {
  readonly log: EventLog;
  readonly topic: string;
  readonly partitionCount: number;
  readonly budget: QueueBudget;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** How long an append may take before those who wait for it are answered 503. */
  readonly appendWithin: DurationMs;
  readonly crashPoint: CrashPoint;
  /** Seals records at the moment of their submission, which is what the order of a person's keys goes by. */
  readonly seal?: Seal;
  /** Left out, nothing waits for the stream. */
  readonly pace?: StreamPace;
  /** The disk can no longer be trusted; may be called more than once. */
  readonly onStorageFailed: (error: FreshetError) => void;
}

export class AppendQueue {
  readonly #options: AppendQueueOptions;
  readonly #waiting: Queued[][];
  readonly #lines: readonly AppendLine[];
  readonly #isAppending: boolean[];
  readonly #underWay = new Map<PartitionIndex, UnderWay>();
  #isWatching = false;
  #drained: (() => void)[] = [];
  #outstanding = 0;

  constructor(options: AppendQueueOptions) {
    this.#options = options;
    this.#waiting = Array.from({ length: options.partitionCount }, () => []);
    this.#lines = this.#waiting.map(() => new AppendLine());
    this.#isAppending = Array.from({ length: options.partitionCount }, () => false);
  }

  get partitionCount(): number {
    return this.#options.partitionCount;
  }

  /** Throws while what comes now would wait too long for its turn. */
  checkWait(): void {
    const { pace, clock } = this.#options;
    if (pace === undefined) return;
    const nowMs = clock.monotonicMs();
    for (const [index, [first]] of this.#waiting.entries()) {
      if (first === undefined) continue;
      const isStanding = nowMs - first.sinceMs >= STANDING_MS_MAX;
      if (!isStanding && this.#lines[index]!.waitMs(nowMs) < WAIT_MS_MAX) continue;
      throw TOO_FAST;
    }
  }

  /** Takes over the records; exactly one of the submission's calls follows, later. */
  submit(partition: PartitionIndex, submission: Submission): void {
    const { topic, seal } = this.#options;
    const records = seal === undefined ? submission.records : seal(topic, submission.records);
    const bytes = bytesOf(records);
    this.#options.budget.bytes += bytes;
    this.#outstanding += 1;
    const sinceMs = this.#options.clock.monotonicMs();
    this.#waiting[partition]!.push({ submission, records, bytes, sinceMs });
    const line = this.#lines[partition]!;
    line.joined(records.length);
    if (this.#isAppending[partition]) return;
    this.#isAppending[partition] = true;
    line.begins(sinceMs);
    // What else arrives in this turn of the event loop goes along.
    setImmediate(() => void this.#appendAll(partition));
    if (!this.#isWatching) void this.#watch();
  }

  /** Resolves once everything submitted so far has been settled. */
  drain(): Promise<void> {
    if (this.#outstanding === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  async #appendAll(partition: PartitionIndex): Promise<void> {
    for (;;) {
      await this.#options.pace?.untilFollowed(partition);
      const group = this.#takeGroup(partition);
      if (group.length === 0) break;
      await this.#append(partition, group);
    }
    this.#isAppending[partition] = false;
  }

  #takeGroup(partition: PartitionIndex): readonly Queued[] {
    const { batchRecordsMax, batchBytesMax } = this.#options.log.limits;
    const waiting = this.#waiting[partition]!;
    let records = 0;
    let bytes = 0;
    let count = 0;
    for (; count < waiting.length; count += 1) {
      const next = waiting[count]!;
      records += next.records.length;
      bytes += next.bytes;
      if (count > 0 && (records > batchRecordsMax || bytes > batchBytesMax)) break;
    }
    if (count === waiting.length) {
      this.#waiting[partition] = [];
      return waiting;
    }
    return waiting.splice(0, count);
  }

  async #append(partition: PartitionIndex, group: readonly Queued[]): Promise<void> {
    const { log, topic, clock, crashPoint } = this.#options;
    const records =
      group.length === 1 ? group[0]!.records : group.flatMap((queued) => queued.records);
    const line = this.#lines[partition]!;
    line.moves(records.length);
    const underWay = { group, sinceMs: clock.monotonicMs(), isGivenUp: false };
    this.#underWay.set(partition, underWay);
    crashPoint('ingest.before-append');
    const outcome = await log.append(topic, partition, records).then(
      ({ firstOffset }) => ({ firstOffset }),
      (error: unknown) => ({ error }),
    );
    crashPoint('ingest.after-append');
    this.#underWay.delete(partition);
    line.moved(clock.monotonicMs());
    if ('error' in outcome && isFreshetError(outcome.error, 'storage_failed')) {
      this.#options.onStorageFailed(outcome.error);
    }
    if (underWay.isGivenUp) return;
    if ('error' in outcome) this.#fail(group, outcome.error);
    else {
      const last = (outcome.firstOffset + records.length - 1) as Offset;
      this.#options.pace?.appended(partition, { last, count: records.length });
      if (isJourneyFollowed()) this.#tellJourney(partition, underWay, outcome.firstOffset);
      this.#settle(group, outcome.firstOffset);
    }
  }

  #tellJourney(partition: PartitionIndex, { group, sinceMs }: UnderWay, first: Offset): void {
    const { topic } = this.#options;
    let offset = first - 1;
    for (const { submission, sinceMs: atMs } of group) {
      offset += submission.records.length;
      passHop({ hop: 'received', topic, partition, offset, atMs });
    }
    passHop({ hop: 'handed-to-log', topic, partition, offset, atMs: sinceMs });
    passHop({ hop: 'durable', topic, partition, offset });
  }

  /** Looks now and then, while anything is under way, whether the log still answers. */
  async #watch(): Promise<void> {
    const { clock, appendWithin } = this.#options;
    this.#isWatching = true;
    while (this.#outstanding > 0 || this.#underWay.size > 0) {
      await clock.sleep(WATCH_EVERY);
      await new Promise(setImmediate);
      for (const [partition, underWay] of this.#underWay) {
        if (clock.monotonicMs() - underWay.sinceMs > appendWithin)
          this.#giveUp(partition, underWay);
      }
    }
    this.#isWatching = false;
  }

  #giveUp(partition: PartitionIndex, underWay: UnderWay): void {
    const error = new FreshetError('unavailable', { why: 'the log does not answer' });
    if (!underWay.isGivenUp) this.#fail(underWay.group, error);
    underWay.isGivenUp = true;
    const waiting = this.#waiting[partition]!.splice(0);
    this.#lines[partition]!.left(recordsIn(waiting));
    this.#fail(waiting, error);
  }

  #settle(group: readonly Queued[], firstOffset: Offset): void {
    let next = firstOffset as number;
    for (const { submission, bytes } of group) {
      this.#release(bytes);
      submission.onDurable(next as Offset);
      next += submission.records.length;
    }
    this.#wakeDrained();
  }

  #fail(group: readonly Queued[], error: unknown): void {
    for (const { submission, bytes } of group) {
      this.#release(bytes);
      submission.onFailed(error);
    }
    this.#wakeDrained();
  }

  #release(bytes: number): void {
    this.#options.budget.bytes -= bytes;
    this.#outstanding -= 1;
  }

  #wakeDrained(): void {
    if (this.#outstanding > 0) return;
    for (const wake of this.#drained.splice(0)) wake();
  }
}

const recordsIn = (group: readonly Queued[]): number =>
  group.reduce((sum, { records }) => sum + records.length, 0);

const bytesOf = (records: readonly AppendRecord[]): number => {
  let bytes = 0;
  for (const { key, value } of records) bytes += (key?.length ?? 0) + (value?.length ?? 0) + 32;
  return bytes;
};

export const openAppendQueue = async (
  options: Omit<AppendQueueOptions, 'partitionCount'>,
): Promise<AppendQueue> => {
  const { partitionCount } = await options.log.topic(options.topic);
  return new AppendQueue({ ...options, partitionCount });
};
