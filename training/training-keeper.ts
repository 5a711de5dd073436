/** Starts trainings by themselves: looks now and then whether one is due (`schedule.ts`). */
import type { Clock, Logger } from '../schemas/environment.ts';
import type { DurationMs, EpochMs } from '../schemas/ids.ts';
import { dueTraining, nextDueAt, readTimeOfDay } from './schedule.ts';
import type { TrainingDesk } from './training-desk.ts';

/** Until the first training somebody is waiting for it. */
const LOOK_FIRST_MS = 500 as DurationMs;
const LOOK_MS = 30_000 as DurationMs;
/** What is fitted within seconds. */
const QUICK_KINDS = ['als', 'item2vec', 'blend'] as const;

export interface TrainingKeeperOptions {
  readonly desk: TrainingDesk;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `03:00`; empty for never. */
  readonly at: string;
  /** Whether the warehouse holds enough, and nearly all there is. */
  readonly isTrainable: () => Promise<boolean>;
  /** Whether starting trainings is for this process, of several that could. */
  readonly isElected?: () => boolean;
}

export interface TrainingKeeper {
  nextAt(): EpochMs | undefined;
  stop(): Promise<void>;
}

export const keepTraining = (options: TrainingKeeperOptions): TrainingKeeper => {
  const { desk, clock, logger } = options;
  const at = readTimeOfDay(options.at);
  const stop = new AbortController();
  let isTrainable = false;
  /** Of this life: after a restart the daily training completes what is missing. */
  let firstRunId: string | undefined;

  const look = async (): Promise<void> => {
    if (options.isElected?.() === false || desk.status().whyOff !== undefined) return;
    isTrainable ||= await options.isTrainable();
    const { promotion, running, runs } = desk.status();
    if (running) return;
    const [last] = runs;
    const due = dueTraining({
      now: clock.now(),
      at,
      hasRelease: promotion?.version != null,
      // A release that was put to use by hand, with no training on record, is renewed like any other.
      lastBeganAt: last?.startedAt ?? (promotion?.version != null ? promotion.at : undefined),
      isQuick:
        firstRunId !== undefined && last?.runId === firstRunId && last.outcome === 'promoted',
      isTrainable,
    });
    if (due === 'first') firstRunId = desk.train(QUICK_KINDS).runId;
    else if (due !== undefined) desk.train();
  };

  const isAwaited = (): boolean => {
    const { runs, whyOff } = desk.status();
    return whyOff === undefined && (runs.length === 0 || runs[0]?.runId === firstRunId);
  };

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await look().catch((error) =>
        logger.warn('Whether a training is due is not known', { error }),
      );
      await clock.sleep(isAwaited() ? LOOK_FIRST_MS : LOOK_MS, stop.signal).catch(() => undefined);
    }
  };
  const running = at === undefined ? undefined : run();
  return {
    nextAt: () =>
      at === undefined || desk.status().whyOff !== undefined
        ? undefined
        : nextDueAt(clock.now(), at),
    async stop() {
      stop.abort();
      await running;
    },
  };
};
