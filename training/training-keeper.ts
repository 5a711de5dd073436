/** Starts trainings by themselves: looks now and then whether one is due (`schedule.ts`). */
import type { Clock, Logger } from '../schemas/environment.ts';
import type { DurationMs, EpochMs } from '../schemas/ids.ts';
import { dueTraining, nextDueAt, readTimeOfDay } from './schedule.ts';
import type { TrainingDesk } from './training-desk.ts';

/** Until the first training somebody is waiting for it. */
const LOOK_FIRST_MS = 500 as DurationMs;
const LOOK_MS = 30_000 as DurationMs;

export interface TrainingKeeperOptions {
  readonly desk: TrainingDesk;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `03:00`; empty for never. */
  readonly at: string;
  /** Whether the warehouse holds enough, and nearly all there is. */
  readonly isTrainable: () => Promise<boolean>;
}

export interface TrainingKeeper {
  nextAt(): EpochMs | undefined;
  stop(): Promise<void>;
}

export const keepTraining = (options: TrainingKeeperOptions): TrainingKeeper => {
  const { desk, clock, logger } = options;
  const at = readTimeOfDay(options.at);
  const stop = new AbortController();
  let trainableSince: EpochMs | undefined;

  const look = async (): Promise<void> => {
    if (trainableSince === undefined && (await options.isTrainable())) trainableSince = clock.now();
    const { promotion, running, runs, whyOff } = desk.status();
    if (running || whyOff !== undefined) return;
    const due = dueTraining({
      now: clock.now(),
      at,
      hasRelease: promotion?.version != null,
      lastBeganAt: runs[0]?.startedAt,
      trainableSince,
    });
    if (due !== undefined) desk.train();
  };

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await look().catch((error) =>
        logger.warn('Whether a training is due is not known', { error }),
      );
      const pause = trainableSince === undefined ? LOOK_FIRST_MS : LOOK_MS;
      await clock.sleep(pause, stop.signal).catch(() => undefined);
    }
  };
  const running = at === undefined || desk.status().whyOff !== undefined ? undefined : run();
  return {
    nextAt: () => (at === undefined || !running ? undefined : nextDueAt(clock.now(), at)),
    async stop() {
      stop.abort();
      await running;
    },
  };
};
