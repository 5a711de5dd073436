/**
 * What comes between two pieces of work that nobody waits for: after so much of it the thread is left
 * to others for several times as long, so that requests beside it queue behind a fraction of its time
 * and not behind half of it.
 */
import { nextTurn } from '../../algorithms/model/pieces.ts';
import type { Clock } from '../../schemas/environment.ts';
import type { DurationMs } from '../../schemas/ids.ts';

/** Three quarters of the thread are for everything else. */
const REST_PER_WORK = 3;
/** A timer is no finer than this. */
const WORK_MS_MIN = 1;

export const leisurely = (clock: Pick<Clock, 'monotonicMs' | 'sleep'>): (() => Promise<void>) => {
  let workedMs = 0;
  let sinceMs = clock.monotonicMs();
  return async () => {
    workedMs += clock.monotonicMs() - sinceMs;
    if (workedMs < WORK_MS_MIN) {
      await nextTurn();
    } else {
      await clock.sleep((REST_PER_WORK * workedMs) as DurationMs);
      workedMs = 0;
    }
    sinceMs = clock.monotonicMs();
  };
};
