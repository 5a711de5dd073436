/**
 * What comes between two pieces of work that nobody waits for. After so much of it the thread is left to
 * others for several times as long, and for longer where they need it: until it has idled as much, of which
 * the work takes its part. So requests queue behind a fraction of what the thread has to spare, whether it
 * has much or little of that, and not behind a fraction of all.
 *
 * Where it never idles the work goes on all the same, slowly: a release must come into use some time.
 */
import { nextTurn } from '../../algorithms/model/pieces.ts';
import type { Clock, IdleTime } from '../../schemas/environment.ts';
import type { DurationMs } from '../../schemas/ids.ts';

/** Of what is to spare, three quarters are left to it. */
const IDLE_PER_WORK = 3;
/** So much longer than the work a rest is at most. */
const REST_PER_WORK_MAX = 50;
/** A timer is no finer than this. */
const WORK_MS_MIN = 1;

export interface LeisureOptions {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** Left out, the thread is taken to idle all the time. */
  readonly idleMs?: IdleTime | undefined;
  /** Ends a rest. */
  readonly signal?: AbortSignal;
}

export const leisurely = ({ clock, idleMs, signal }: LeisureOptions): (() => Promise<void>) => {
  let workedMs = 0;
  let sinceMs = clock.monotonicMs();
  return async () => {
    workedMs += clock.monotonicMs() - sinceMs;
    if (workedMs < WORK_MS_MIN) {
      await nextTurn();
    } else {
      await rest(workedMs, { clock, idleMs, ...(signal ? { signal } : {}) });
      workedMs = 0;
    }
    sinceMs = clock.monotonicMs();
  };
};

const rest = async (workedMs: number, { clock, idleMs, signal }: LeisureOptions): Promise<void> => {
  const wantedMs = IDLE_PER_WORK * workedMs;
  const untilMs = clock.monotonicMs() + REST_PER_WORK_MAX * workedMs;
  const idleBeforeMs = idleMs?.() ?? 0;
  let missingMs = wantedMs;
  do {
    await clock.sleep(Math.max(WORK_MS_MIN, missingMs) as DurationMs, signal);
    missingMs = idleMs === undefined ? 0 : wantedMs - (idleMs() - idleBeforeMs);
  } while (missingMs > 0 && clock.monotonicMs() < untilMs);
  // Timers come before what has arrived meanwhile.
  await nextTurn();
};
