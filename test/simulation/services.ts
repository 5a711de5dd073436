/**
 * Log, state and warehouse of a simulation: the memory adapters over disks that outlive them. Each
 * completion waits for a latency; a service can be slow, and it can crash with or without what it had
 * not flushed. Whoever tails the log is called by the append itself, as in the embedded log.
 */
import type { Offset, PartitionIndex, StatePartition } from '../../schemas/ids.ts';
import type { AppendRecord, AppendResult } from '../../storage/event-log/event-log.ts';
import {
  MemoryEventLog,
  type MemoryEventLogOptions,
  MemoryLogDisk,
} from '../../storage/event-log/memory-event-log.ts';
import {
  MemoryStateDisk,
  MemoryStateStore,
  type MemoryStateStoreOptions,
} from '../../storage/state-store/memory-state-store.ts';
import type {
  ApplyRequest,
  ApplyResult,
  StatePosition,
} from '../../storage/state-store/state-store.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimProcess } from './sim-process.ts';
import type { Watch } from './watch.ts';

const APPEND_MS = 3;
const APPLY_MS = 2;
const READ_MS = 0.3;
const RESTART_MS = 300;

/** How many times slower than usual a service is now. */
class Pace {
  factor = 1;
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  readonly schedule = (complete: () => void, what: string): void => {
    const typical = what.startsWith('append')
      ? APPEND_MS
      : what.startsWith('apply')
        ? APPLY_MS
        : READ_MS;
    this.#scheduler.after(this.#scheduler.latency(typical) * this.factor, what, complete);
  };
}

export class LogService {
  readonly disk = new MemoryLogDisk();
  readonly pace: Pace;
  readonly #scheduler: Scheduler;
  readonly #options: MemoryEventLogOptions;
  readonly #waiting = new Map<string, Set<() => void>>();
  #isDown = false;
  log: MemoryEventLog;

  constructor(scheduler: Scheduler, options: Omit<MemoryEventLogOptions, 'disk' | 'schedule'>) {
    this.#scheduler = scheduler;
    this.pace = new Pace(scheduler);
    this.#options = { ...options, disk: this.disk, schedule: this.pace.schedule };
    this.log = new MemoryEventLog(this.#options);
  }

  async append(
    topic: string,
    partition: PartitionIndex,
    records: readonly AppendRecord[],
  ): Promise<AppendResult> {
    const result = await this.log.append(topic, partition, records);
    this.#ring(`${topic}.${partition}`);
    return result;
  }

  /** Calls once when something has been appended; the answer takes the call back. */
  onAppend(topic: string, partition: PartitionIndex, call: () => void): () => void {
    const name = `${topic}.${partition}`;
    const calls = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, calls);
    calls.add(call);
    return () => void calls.delete(call);
  }

  /** What was under way never answers; afterwards it runs again. */
  crash(how: { readonly keepUnflushed: boolean }): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.log.crash(how);
    this.#scheduler.after(RESTART_MS, 'the log is back', () => this.#open());
  }

  #open(): void {
    this.#isDown = false;
    this.log = new MemoryEventLog(this.#options);
  }

  #ring(name: string): void {
    const calls = this.#waiting.get(name);
    if (calls === undefined || calls.size === 0) return;
    this.#waiting.delete(name);
    for (const call of calls) call();
  }
}

export class StateService {
  readonly disk = new MemoryStateDisk();
  readonly pace: Pace;
  readonly #scheduler: Scheduler;
  readonly #options: MemoryStateStoreOptions;
  #watch: Watch | undefined;
  #isDown = false;
  store: MemoryStateStore;

  constructor(scheduler: Scheduler, options: Omit<MemoryStateStoreOptions, 'disk' | 'schedule'>) {
    this.#scheduler = scheduler;
    this.pace = new Pace(scheduler);
    this.#options = { ...options, disk: this.disk, schedule: this.pace.schedule };
    this.store = new MemoryStateStore(this.#options);
  }

  watchedBy(watch: Watch): void {
    this.#watch = watch;
  }

  async claim(partition: StatePartition, by: SimProcess): Promise<StatePosition> {
    const position = await this.store.claim(partition);
    this.#watch?.claimed(partition, by, position.epoch);
    return position;
  }

  async apply(
    partition: StatePartition,
    request: ApplyRequest,
    by: SimProcess,
  ): Promise<ApplyResult> {
    const result = await this.store.apply(partition, request);
    if (result.outcome === 'applied') this.#watch?.applied(partition, by, request);
    return result;
  }

  positionOf(partition: StatePartition): {
    readonly epoch: number;
    readonly coveredOffset: Offset;
  } {
    const { epoch = 0, coveredOffset = -1 as Offset } =
      this.disk.current.get(partition)?.position ?? {};
    return { epoch, coveredOffset };
  }

  crash(how: { readonly keepUnflushed: boolean }): void {
    if (this.#isDown) return;
    this.#isDown = true;
    this.store.crash(how);
    if (!how.keepUnflushed) this.#watch?.stateWentBack();
    this.#scheduler.after(RESTART_MS, 'the state is back', () => this.#open());
  }

  #open(): void {
    this.#isDown = false;
    this.store = new MemoryStateStore(this.#options);
  }
}
