/**
 * When a partition flushes although more may come: after a flush it rests, in proportion to the work
 * that the flush was for this thread. What it waited for the disk is no work, and is no reason to let the
 * next events wait. An idle partition has rested already.
 */
import type { Clock } from '../schemas/environment.ts';

export interface PaceOptions {
  /** Longest rest, and longest time between two flushes while events keep coming. */
  readonly applyEveryMs: number;
  /** How many times as long as its work took a flush is rested from. */
  readonly restPerWork: number;
}

/** Less than this is not worth a timer. */
const REST_MS_MIN = 0.5;

export class FlushPace {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly #options: PaceOptions;
  #restUntilMs = Number.NEGATIVE_INFINITY;
  /** Ends with the rest; one for all arrivals within it. */
  #rest: Promise<void> | undefined;

  constructor(clock: Pick<Clock, 'monotonicMs' | 'sleep'>, options: PaceOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  worked(workMs: number): void {
    const { restPerWork, applyEveryMs } = this.#options;
    this.#restUntilMs = this.#clock.monotonicMs() + Math.min(restPerWork * workMs, applyEveryMs);
  }

  get hasRested(): boolean {
    return this.#restUntilMs - this.#clock.monotonicMs() < REST_MS_MIN;
  }

  /** Too short to be cut off when it is over early: nothing waits for it then. */
  rest(): Promise<void> {
    const restMs = this.#restUntilMs - this.#clock.monotonicMs();
    this.#rest ??= this.#clock.sleep(Math.max(0, restMs) as never).finally(() => {
      this.#rest = undefined;
    });
    return this.#rest;
  }
}
