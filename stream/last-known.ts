/**
 * Asks servers that may be away how things stand: who wants to know gets an answer within a second, the
 * last one there was where there is no newer, and is told what is wrong. The first answer is waited for.
 * Who asks again meanwhile does not add to what already waits for an answer.
 */
import type { Clock } from '../schemas/environment.ts';
import type { DurationMs } from '../schemas/ids.ts';

export interface Told<Answer> {
  /** undefined before the first. */
  readonly answer: Answer | undefined;
  /** Why there is no newer one. */
  readonly problem: string | null;
}

const PATIENCE_MS = 1_000 as DurationMs;
const SILENCE = `no answer within ${PATIENCE_MS} ms`;

export class LastKnown<Answer> {
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #ask: () => Promise<Answer>;
  #told: Told<Answer> = { answer: undefined, problem: null };
  #wasAnswered = false;
  /** Asked longer ago than anybody waits. */
  #overdue: Promise<void> | undefined;

  constructor(clock: Pick<Clock, 'sleep'>, ask: () => Promise<Answer>) {
    this.#clock = clock;
    this.#ask = ask;
  }

  async tell(): Promise<Told<Answer>> {
    const asking = this.#overdue ?? this.#askOnce();
    if (!this.#wasAnswered) await asking;
    else if (!(await this.#isAnsweredInTime(asking))) return this.#late(asking);
    return this.#told;
  }

  #late(asking: Promise<void>): Told<Answer> {
    this.#overdue ??= asking.finally(() => {
      this.#overdue = undefined;
    });
    return { answer: this.#told.answer, problem: SILENCE };
  }

  async #askOnce(): Promise<void> {
    try {
      this.#told = { answer: await this.#ask(), problem: null };
      this.#wasAnswered = true;
    } catch (error) {
      this.#told = { answer: this.#told.answer, problem: problemOf(error) };
    }
  }

  async #isAnsweredInTime(asking: Promise<void>): Promise<boolean> {
    const answered = new AbortController();
    const late = this.#clock.sleep(PATIENCE_MS, answered.signal).then(
      () => false,
      () => true,
    );
    const isInTime = await Promise.race([asking.then(() => true), late]);
    answered.abort();
    return isInTime;
  }
}

const problemOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
