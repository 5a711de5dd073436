/** The real clock: the one file that asks the machine what time it is, and how long it was idle. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Clock, IdleTime } from '../schemas/environment.ts';
import { epochMs } from '../schemas/ids.ts';

export const systemClock: Clock = {
  now: () => epochMs(Date.now()),
  monotonicMs: () => performance.now(),
  sleep: (duration, signal) => sleepFor(duration, undefined, signal ? { signal } : {}),
};

/** Of the thread that asks. */
export const threadIdleMs: IdleTime = () => performance.eventLoopUtilization().idle;
