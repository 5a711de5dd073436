/**
 * A process of the simulation: everything that is asked for on its behalf stops with it. It can be
 * killed at any point of its code, and paused for as long as it takes others to believe it dead.
 */
import type { Clock } from '../../schemas/environment.ts';
import type { DurationMs, EpochMs } from '../../schemas/ids.ts';
import type { Entry, Owner, Scheduler } from './scheduler.ts';

/** When every simulation begins, by clocks that are right. */
export const BEGIN = Date.UTC(2026, 0, 31, 12) as EpochMs;

const RESUME_SPREAD_MS = 40;

export class SimProcess implements Owner {
  readonly name: string;
  readonly clock: Clock;
  readonly #scheduler: Scheduler;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #held: Entry[] = [];
  #die: () => void = () => undefined;
  /** Resolves when it is killed. */
  readonly death: Promise<void>;
  /** How far its wall clock is off. */
  skewMs = 0;

  constructor(name: string, scheduler: Scheduler) {
    this.name = name;
    this.#scheduler = scheduler;
    this.death = new Promise((resolve) => {
      this.#die = resolve;
    });
    this.clock = {
      now: () => Math.max(0, Math.round(BEGIN + scheduler.nowMs + this.skewMs)) as EpochMs,
      monotonicMs: () => scheduler.nowMs,
      sleep: (duration, signal) => this.#sleep(duration, signal),
    };
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  kill(): void {
    this.#state = 'dead';
    this.#held = [];
    this.#die();
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  /** Goes on: what was kept back comes in any order. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    const held = this.#held;
    this.#held = [];
    for (const entry of held) {
      this.#scheduler.resume(entry, this.#scheduler.draw() * RESUME_SPREAD_MS);
    }
  }

  holdsBack(entry: Entry): boolean {
    if (this.#state !== 'paused') return false;
    this.#held.push(entry);
    return true;
  }

  /** The outcome of something that this process waits for; never, once it is dead. */
  waitFor<Result>(promise: Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      promise.then(
        (value) => this.isDead || resolve(value),
        (error: unknown) => this.isDead || reject(error),
      );
    });
  }

  #sleep(duration: DurationMs, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        entry.isCancelled = true;
        if (!this.isDead) reject(signal?.reason);
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const entry = this.#scheduler.after(Math.max(0, duration), 'wakes', wake, this);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}
