/** Trying again what a broker could not do now, with growing pauses, until it works or time is up. */
import type { Clock } from '../../../schemas/environment.ts';
import type { FreshetError } from '../../../schemas/errors.ts';
import type { DurationMs } from '../../../schemas/ids.ts';
import { failureOf, KafkaFailure } from './kafka-errors.ts';

export interface Persistence {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** From the first attempt; Infinity where it is never given up. */
  readonly msMax: number;
  /** Ends the pauses: the failure that there was stands. */
  readonly signal: AbortSignal;
  /** May say that trying again is of no use after all. */
  readonly onFailure?: (failure: KafkaFailure) => 'go on' | 'give up';
}

const FIRST_PAUSE_MS = 20;
const PAUSE_MS_MAX = 1_000;

/** Throws what the last attempt failed with. */
export const persist = async <Result>(
  attempt: () => Promise<Result>,
  { clock, msMax, signal, onFailure }: Persistence,
): Promise<Result> => {
  const until = clock.monotonicMs() + msMax;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, PAUSE_MS_MAX)) {
    try {
      return await attempt();
    } catch (error) {
      const failure: KafkaFailure | FreshetError = failureOf(error);
      const isFinal = !(failure instanceof KafkaFailure) || failure.remedy === 'none';
      if (isFinal || onFailure?.(failure) === 'give up') throw failure;
      if (signal.aborted || clock.monotonicMs() + pause > until) throw failure;
    }
    await clock.sleep(pause as DurationMs, signal).catch(() => undefined);
  }
};
