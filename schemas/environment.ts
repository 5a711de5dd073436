/**
 * What a part of Freshet may want from the world besides its ports. Each is injected, so that a
 * test or the deterministic simulation can stand in for it; only `runtime/` owns the real ones.
 */
import type { DurationMs, EpochMs } from './ids.ts';

export interface Clock {
  /** Wall-clock time, for stamps. */
  now(): EpochMs;
  /** Monotonic time, for measuring how long something took. Fractions of a millisecond. */
  monotonicMs(): number;
  /** Resolves after the given time, or rejects with the signal's reason once it is aborted. */
  sleep(duration: DurationMs, signal?: AbortSignal): Promise<void>;
}

/** How long the thread has had nothing to do, in milliseconds from some beginning on. */
export type IdleTime = () => number;

/** Uniform numbers in [0, 1). */
export type RandomSource = () => number;

export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/**
 * Named points at step boundaries where the fault harness may kill the process. In production it
 * is a function that does nothing.
 */
export type CrashPoint = (name: string) => void;
