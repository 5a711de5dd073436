/**
 * Drives one state partition: read → decode → prefetch → operators → append outputs, await them →
 * apply state and offset in one step → hint (invariants I2 and I4); readers in this process may be told
 * of people's changes before the append. What goes wrong in between is repaired by starting over from
 * the stored offset: the operators are deterministic, and consumers drop by their marks what was
 * appended before.
 *
 * On an idle system an event is applied at once. Under load, batches grow by themselves while a
 * flush is under way and while the partition rests from one. Far behind, flushes wait until they are
 * full, which is what makes a replay fast.
 */

import type { Clock, CrashPoint, Logger } from '../schemas/environment.ts';
import { FreshetError, isFreshetError } from '../schemas/errors.ts';
import {
  NO_OFFSET,
  type Offset,
  type PartitionIndex,
  type StatePartition,
  statePartition,
} from '../schemas/ids.ts';
import { type Hop, passHop } from '../schemas/journey.ts';
import type { EventLog, LogRecord, TopicInfo } from '../storage/event-log/event-log.ts';
import { firstRecord } from '../storage/event-log/partition-slices.ts';
import {
  type LiveBus,
  STATE_AHEAD,
  STATE_HINTS,
  type StateAhead,
  type StateHint,
} from '../storage/live-bus/live-bus.ts';
import type { StateChange, StatePosition, StateStore } from '../storage/state-store/state-store.ts';
import { isBacklog } from './backlog.ts';
import type { StreamCrashPoint } from './crash-points.ts';
import { FlushPace, type PaceOptions } from './flush-pace.ts';
import { LogFollower } from './log-follower.ts';
import type { RunnerOptions } from './options.ts';
import { appendDeadLetters, appendEnvelopes } from './outgoing-records.ts';
import type { Pipeline, PreparedRecord } from './pipeline.ts';
import { hashOf } from './record-hash.ts';
import { partsOf } from './record-parts.ts';
import type { StreamSeams } from './seams.ts';
import { foretoldChangesOf, hintedKeysOf } from './told-changes.ts';

export interface RunnerDependencies {
  readonly eventLog: EventLog;
  readonly stateStore: StateStore;
  readonly liveBus: LiveBus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly crashPoint: CrashPoint;
  readonly seams?: StreamSeams;
}

export interface PartitionPlan {
  readonly topic: string;
  readonly index: PartitionIndex;
  readonly pace: PaceOptions;
  /** Whether readers may be told of changes before they are stored. */
  readonly isForetold: boolean;
  /** Made anew at every opening; reads what it needs to know of its targets. */
  createPipeline(log: TopicInfo): Promise<Pipeline>;
}

export type RunnerState = 'opening' | 'running' | 'halted' | 'stopped';

export interface RunnerStatus {
  readonly partition: StatePartition;
  readonly state: RunnerState;
  readonly coveredOffset: Offset;
  /** Why it halted, or what it is trying to get over. */
  readonly problem: { readonly code: string; readonly message: string } | null;
  readonly applies: number;
  readonly restarts: number;
}

/** After these a partition stops: going on would make it worse. */
const HALTING: ReadonlySet<string> = new Set([
  'gap_detected',
  'log_regressed',
  'log_diverged',
  'fenced',
  'state_corrupt',
  'record_corrupt',
  'apply_too_large',
  'storage_failed',
]);
const CATCH_UP_APPLY_MS = 2_000;
/** What a record may change beside its entities: a chunk of ids, categories. */
const KEYS_BESIDE = 8;
const ENTITY_BYTES = 2_600;

export class PartitionRunner {
  readonly partition: StatePartition;
  readonly #deps: RunnerDependencies;
  readonly #plan: PartitionPlan;
  readonly #options: RunnerOptions;
  readonly #pace: FlushPace;
  readonly #stop = new AbortController();
  readonly #waiters = new Set<{
    readonly offset: Offset;
    resolve(): void;
    reject(e: unknown): void;
  }>();
  #pipeline: Pipeline | undefined;
  #state: RunnerState = 'opening';
  #problem: RunnerStatus['problem'] = null;
  #position = NO_POSITION;
  #logInfo: TopicInfo | undefined;
  #lastTaken: LogRecord | undefined;
  #pendingSinceMs = 0;
  #isBehind = false;
  #applies = 0;
  #restarts = 0;
  #done: Promise<void> | undefined;

  constructor(deps: RunnerDependencies, plan: PartitionPlan, options: RunnerOptions) {
    this.#deps = deps;
    this.#plan = plan;
    this.#options = options;
    this.#pace = new FlushPace(deps.clock, plan.pace);
    this.partition = statePartition(plan.topic, plan.index);
  }

  start(): void {
    this.#done ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    if (this.#done === undefined) this.#end();
    await this.#done;
  }

  get place(): { readonly topic: string; readonly index: PartitionIndex } {
    return this.#plan;
  }

  get pipeline(): Pipeline | undefined {
    return this.#pipeline;
  }

  status(): RunnerStatus {
    return {
      partition: this.partition,
      state: this.#state,
      coveredOffset: this.#position.coveredOffset,
      problem: this.#problem,
      applies: this.#applies,
      restarts: this.#restarts,
    };
  }

  /** Resolves once the partition was opened for the first time; rejects if it halts instead. */
  async opened(): Promise<void> {
    await this.covered(NO_OFFSET);
  }

  /** Resolves once the offset is covered; rejects if the partition halts before that. */
  async covered(offset: Offset): Promise<void> {
    if (this.#pipeline !== undefined && this.#position.coveredOffset >= offset) return;
    if (this.#state === 'halted' || this.#state === 'stopped') throw this.#notRunning();
    await new Promise<void>((resolve, reject) => {
      this.#waiters.add({ offset, resolve, reject });
    });
  }

  #notRunning(): FreshetError {
    const why = `${this.partition} ${this.#problem?.message ?? 'was stopped'}`;
    return new FreshetError('unavailable', { why });
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted && this.#state !== 'halted') {
      try {
        await this.#openAndFollow();
      } catch (error) {
        if (!this.#stop.signal.aborted) await this.#recover(error);
      }
    }
    this.#end();
  }

  #end(): void {
    if (this.#state !== 'halted') this.#state = 'stopped';
    for (const waiter of this.#waiters) waiter.reject(this.#notRunning());
    this.#waiters.clear();
  }

  async #recover(error: unknown): Promise<void> {
    const code = isFreshetError(error) ? error.code : 'internal';
    this.#problem = { code, message: error instanceof Error ? error.message : String(error) };
    const isHalting = HALTING.has(code) || !isFreshetError(error);
    const fields = { partition: this.partition, code, error };
    if (isHalting) {
      this.#state = 'halted';
      this.#end();
      this.#deps.logger.error('a partition of the stream halts', fields);
      return;
    }
    this.#state = 'opening';
    this.#restarts++;
    this.#deps.logger.warn('a partition of the stream starts over', fields);
    await this.#deps.clock
      .sleep(this.#options.retryMs as never, this.#stop.signal)
      .catch(() => undefined);
  }

  async #openAndFollow(): Promise<void> {
    await this.#open();
    const from = (this.#position.coveredOffset + 1) as Offset;
    const { topic, index: partition } = this.#plan;
    const low = (await this.#deps.eventLog.watermarks(topic, partition)).low;
    const follower = new LogFollower(
      this.#deps.eventLog,
      { topic, partition, from: Math.max(from, low) as Offset },
      { recordsMax: this.#options.readRecordsMax, bytesMax: this.#options.readBytesMax },
    );
    const onStop = (): void => void follower.close();
    this.#stop.signal.addEventListener('abort', onStop);
    try {
      this.#state = 'running';
      this.#problem = null;
      while (!this.#stop.signal.aborted && !follower.isOver) await this.#step(follower);
    } finally {
      this.#stop.signal.removeEventListener('abort', onStop);
      await follower.close();
    }
  }

  async #open(): Promise<void> {
    const { eventLog, stateStore } = this.#deps;
    this.#logInfo = await eventLog.topic(this.#plan.topic);
    this.#position = await stateStore.claim(this.partition);
    await this.#checkLog();
    this.#pipeline = await this.#plan.createPipeline(this.#logInfo);
    await this.#pipeline.open({ store: stateStore, partition: this.partition });
    this.#lastTaken = undefined;
    this.#crash('stream.opened');
    this.#wake();
  }

  /** The log must still be the one that the state was made from. */
  async #checkLog(): Promise<void> {
    const { coveredOffset, logId, recordHash } = this.#position;
    const { topic, index: partition } = this.#plan;
    const { low, end } = await this.#deps.eventLog.watermarks(topic, partition);
    const expected = (coveredOffset + 1) as Offset;
    const isCompacted = this.#logInfo!.cleanup === 'compact';
    if (logId !== null && logId !== this.#logInfo!.logId) {
      throw new FreshetError('log_diverged', { topic, partition, offset: coveredOffset });
    }
    if (low > expected && !isCompacted) {
      throw new FreshetError('gap_detected', { topic, partition, expected, low });
    }
    if (end < expected) {
      throw new FreshetError('log_regressed', { topic, partition, expected, end });
    }
    if (coveredOffset < low || coveredOffset === NO_OFFSET) return;
    const record = await firstRecord(this.#deps.eventLog, topic, partition, coveredOffset);
    // A compacted topic may have let go of the very record.
    if (record === undefined || record.offset !== coveredOffset) return;
    // Nobody can read any more what was hashed.
    if (record.isErased) return;
    if (hashOf(record) !== recordHash) {
      throw new FreshetError('log_diverged', { topic, partition, offset: coveredOffset });
    }
  }

  async #step(follower: LogFollower): Promise<void> {
    const slice = follower.take();
    if (slice !== undefined) {
      this.#crash('stream.batch-read');
      this.#pass('read', slice.at(-1)!.offset);
      await this.#takeSlice(slice);
      if (this.#isDue()) await this.#flush();
      return;
    }
    if (this.#lastTaken === undefined) {
      await this.#untilMore(follower);
      return;
    }
    if (this.#pace.hasRested) await this.#flush();
    else await Promise.race([follower.arrival, this.#pace.rest()]);
  }

  /** A state store that lost writes is noticed here, where no apply would be refused for long. */
  async #untilMore(follower: LogFollower): Promise<void> {
    const { positionCheckMs } = this.#options;
    if (positionCheckMs === 0) {
      await follower.arrival;
      return;
    }
    if (!(await this.#arrivalWithin(follower, positionCheckMs))) await this.#checkPosition();
  }

  /** False where the time passed before anything arrived. */
  async #arrivalWithin(follower: LogFollower, ms: number): Promise<boolean> {
    const pause = new AbortController();
    const sleep = this.#deps.clock.sleep(ms as never, pause.signal).then(
      () => false,
      () => false,
    );
    const hasArrived = await Promise.race([follower.arrival.then(() => true), sleep]);
    pause.abort();
    return hasArrived;
  }

  /** Whether to flush although more records are at hand. */
  #isDue(): boolean {
    if (this.#lastTaken === undefined) return false;
    const sinceMs = this.#deps.clock.monotonicMs() - this.#pendingSinceMs;
    return sinceMs >= (this.#isBehind ? CATCH_UP_APPLY_MS : this.#plan.pace.applyEveryMs);
  }

  async #takeSlice(slice: readonly LogRecord[]): Promise<void> {
    this.#isBehind = isBacklog(slice, this.#options.readBytesMax);
    const { keysPerApply } = this.#deps.stateStore.limits;
    for (const part of partsOf(slice, this.#pipeline!, keysPerApply)) {
      await this.#prefetch(part);
      for (const [at, record] of part.entries()) {
        if (this.#isFull(record)) {
          await this.#flush();
          await this.#prefetch(part.slice(at));
        }
        if (this.#lastTaken === undefined) this.#pendingSinceMs = this.#deps.clock.monotonicMs();
        this.#pipeline!.take(record);
        this.#lastTaken = record.log;
      }
      if (this.#isBehind) await turn();
    }
  }

  async #prefetch(records: readonly PreparedRecord[]): Promise<void> {
    const pipeline = this.#pipeline!;
    const wanted = new Set<string>();
    for (const record of records) pipeline.prefetch(record, wanted);
    const missing = [...wanted];
    if (missing.length === 0) return;
    const values = await this.#deps.stateStore.getMany(this.partition, missing);
    for (let index = 0; index < missing.length; index++) {
      pipeline.load(missing[index]!, values[index]);
    }
  }

  /** Whether what is pending fills an apply; the one record that goes beyond is never split. */
  #isFull(record: PreparedRecord): boolean {
    if (this.#lastTaken === undefined) return false;
    const pipeline = this.#pipeline!;
    const { keysPerApply, bytesPerApply } = this.#deps.stateStore.limits;
    const more = pipeline.keyCountOf(record);
    return (
      pipeline.pendingKeys + more + KEYS_BESIDE > keysPerApply ||
      pipeline.pendingBytes + more * ENTITY_BYTES > bytesPerApply
    );
  }

  async #flush(): Promise<void> {
    const { clock } = this.#deps;
    const startMs = clock.monotonicMs();
    const pipeline = this.#pipeline!;
    const last = this.#lastTaken!;
    this.#pass('flushing', last.offset);
    const envelopes = pipeline.envelopes();
    if (envelopes.length > 0) await this.#checkPosition();
    this.#crash('stream.before-append');
    // Where many changed, whoever waits for something else on this thread has its turn in between.
    while (!this.#isBehind && pipeline.encodeAhead?.()) await turn();
    const step = this.#stepTo(last, pipeline.changes());
    const isTurnedRound = this.#deps.seams?.applyBeforeAppend === true;
    if (isTurnedRound) await this.#apply(step);
    else if (envelopes.length > 0) this.#foretell(step);
    const { eventLog } = this.#deps;
    const sentMs = clock.monotonicMs();
    await appendEnvelopes(eventLog, { envelopes, timestamp: last.timestamp }, () =>
      this.#crash('stream.between-target-appends'),
    );
    await appendDeadLetters(eventLog, pipeline.deadLetters());
    const appendedMs = clock.monotonicMs();
    this.#pass('signalled', last.offset);
    this.#crash('stream.between-append-and-apply');
    if (!isTurnedRound) await this.#apply(step);
    pipeline.applied();
    this.#lastTaken = undefined;
    this.#pace.worked(clock.monotonicMs() - appendedMs + (sentMs - startMs));
  }

  /**
   * What these changes make of the state follows from a durable log, whatever becomes of this flush: so
   * readers in this process may go by it while the signals are on their way to the disk.
   */
  #foretell({ changes, after, hint }: Step): void {
    const { foretoldKeysMax } = this.#options;
    if (!this.#plan.isForetold || this.#isBehind || changes.length > foretoldKeysMax) return;
    const { epoch: _, ...position } = after;
    const ahead: StateAhead = { hint, position, changes: foretoldChangesOf(changes) };
    this.#deps.liveBus.publish(STATE_AHEAD, ahead);
  }

  #stepTo(last: LogRecord, changes: readonly StateChange[]): Step {
    const { epoch, coveredOffset: from } = this.#position;
    const to = last.offset;
    const { logId } = this.#logInfo!;
    return {
      changes,
      after: { epoch, coveredOffset: to, logId, recordHash: hashOf(last) },
      hint: { partition: this.partition, from, to, keys: hintedKeysOf(changes) },
    };
  }

  async #apply({ changes, after, hint }: Step): Promise<void> {
    const before = this.#position;
    const result = await this.#deps.stateStore.apply(this.partition, {
      epoch: before.epoch,
      expectedOffset: before.coveredOffset,
      coveredOffset: after.coveredOffset,
      logId: after.logId!,
      recordHash: after.recordHash,
      changes,
    });
    if (result.outcome === 'mismatch') throw this.#mismatch(result.stored);
    this.#position = after;
    this.#applies++;
    this.#pass('applied', after.coveredOffset);
    this.#crash('stream.between-apply-and-hint');
    this.#hint(hint);
    this.#crash('stream.after-hint');
    this.#wake();
  }

  /**
   * What was read of the store since the last apply belongs to our own position only if the store
   * still stands there. One that was succeeded without knowing has read what its successor wrote,
   * and one whose store went back has read too old values: what follows from those must not reach
   * the log, where it would be taken for the truth about these offsets.
   */
  async #checkPosition(): Promise<void> {
    const { epoch, coveredOffset } = this.#position;
    const stored = (await this.#deps.stateStore.position(this.partition)) ?? NO_POSITION;
    if (stored.epoch === epoch && stored.coveredOffset === coveredOffset) return;
    throw this.#mismatch(stored);
  }

  #mismatch(stored: StatePosition): FreshetError {
    const { epoch, coveredOffset } = this.#position;
    if (stored.epoch > epoch) {
      return new FreshetError('fenced', { partition: this.partition, epoch, stored: stored.epoch });
    }
    const why = `${this.partition} stands at ${stored.coveredOffset}, not ${coveredOffset}`;
    return new FreshetError('unavailable', { why });
  }

  #hint(hint: StateHint): void {
    // Readers notice the gap and ask `changesSince`.
    if (hint.keys.length > this.#options.hintKeysMax) return;
    this.#deps.liveBus.publish(STATE_HINTS, hint);
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      if (waiter.offset > this.#position.coveredOffset) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  #pass(hop: Hop, offset: Offset): void {
    const { topic, index: partition } = this.#plan;
    passHop({ hop, topic, partition, offset });
  }

  #crash(name: StreamCrashPoint): void {
    this.#deps.crashPoint(name);
  }
}

/** What a flush makes of the state. */
interface Step {
  readonly changes: readonly StateChange[];
  readonly after: StatePosition;
  readonly hint: StateHint;
}

const NO_POSITION: StatePosition = {
  epoch: 0,
  coveredOffset: NO_OFFSET,
  logId: null,
  recordHash: 0,
};

/** Lets the other partitions of this thread, its timers and its sockets have their turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
