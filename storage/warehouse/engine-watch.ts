/** Watches a running engine: whether it still answers, and whether it has met damaged files. */
import type { Clock } from '../../schemas/environment.ts';
import type { DurationMs } from '../../schemas/ids.ts';
import type { ClickHouseConnection } from '../clickhouse/clickhouse-connection.ts';
import { damageSeen } from './engine-damage.ts';
import { answersPing } from './engine-process.ts';

export interface EngineWatch {
  readonly clock: Clock;
  readonly connection: ClickHouseConnection;
  readonly pingUrl: string;
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
  /** So many unanswered pings in a row mean that it hangs. */
  readonly pingsMissedMax: number;
  /** Told once: what it says of damaged files stays said until the next start. */
  readonly onDamage: (problem: string) => void;
}

const PINGS_PER_DAMAGE_CHECK = 15;

/** Resolves with what is wrong once the engine hangs, or when the signal is aborted. */
export const untilSilent = async (watch: EngineWatch, signal: AbortSignal): Promise<string> => {
  let missed = 0;
  let isDamaged = false;
  for (let pings = 1; missed < watch.pingsMissedMax; pings += 1) {
    try {
      await watch.clock.sleep(watch.pingIntervalMs as DurationMs, signal);
    } catch {
      // Aborted: what became of the engine was decided elsewhere.
      return 'it is not watched any more';
    }
    missed = (await answersInTime(watch, signal)) ? 0 : missed + 1;
    if (missed > 0 || isDamaged || pings % PINGS_PER_DAMAGE_CHECK !== 0) continue;
    const damage = await inTime(watch, signal, (within) => damageSeen(watch.connection, within));
    isDamaged = damage !== undefined;
    if (damage !== undefined) watch.onDamage(damage);
  }
  return `it did not answer ${missed} times in a row`;
};

export const answersInTime = (watch: EngineWatch, signal: AbortSignal): Promise<boolean> =>
  inTime(watch, signal, (within) => answersPing(watch.pingUrl, within));

/** Whatever it is asked: an engine that hangs answers nothing any more, and says so to nobody. */
const inTime = async <Answer>(
  { clock, pingTimeoutMs }: EngineWatch,
  signal: AbortSignal,
  ask: (within: AbortSignal) => Promise<Answer>,
): Promise<Answer> => {
  const done = new AbortController();
  const tooLate = new AbortController();
  void clock.sleep(pingTimeoutMs as DurationMs, AbortSignal.any([done.signal, signal])).then(
    () => tooLate.abort(),
    () => {},
  );
  const answer = await ask(AbortSignal.any([tooLate.signal, signal]));
  done.abort();
  return answer;
};
