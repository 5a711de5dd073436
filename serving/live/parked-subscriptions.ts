/**
 * Subscriptions whose socket closed, for as long as a client may take to come back. The number of a
 * message is the proof: it is looked for under the same list and name, and found only where this
 * process sent it.
 */
import type { Clock } from '../../schemas/environment.ts';
import type { LiveOptions } from '../options.ts';
import type { LiveSubscription } from './live-subscription.ts';

type Sent = NonNullable<ReturnType<LiveSubscription['after']>>;

interface Parked {
  readonly key: string;
  readonly subscription: LiveSubscription;
  readonly untilMs: number;
}

export class ParkedSubscriptions {
  readonly #options: LiveOptions;
  readonly #clock: Clock;
  /** Oldest first. */
  #parked: Parked[] = [];

  constructor(options: LiveOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  get count(): number {
    return this.#parked.length;
  }

  park(subscription: LiveSubscription): void {
    const untilMs = this.#clock.monotonicMs() + this.#options.parkedMs;
    const key = keyOf(subscription.list.key, subscription.id);
    this.#parked.push({ key, subscription, untilMs });
    this.#sweep();
  }

  /** The lists that were sent up to the message `seq`; undefined where that is not known. */
  take(listKey: string, id: string, seq: number): Sent | undefined {
    this.#sweep();
    const key = keyOf(listKey, id);
    for (const parked of this.#parked) {
      const sent = parked.key === key ? parked.subscription.after(seq) : undefined;
      if (sent === undefined) continue;
      this.#parked = this.#parked.filter((other) => other !== parked);
      return sent;
    }
    return undefined;
  }

  /** Whoever watched the list of somebody who was forgotten begins anew. */
  letGoOf(subjectKey: string): void {
    this.#parked = this.#parked.filter(
      ({ subscription }) => subscription.list.subjectKey !== subjectKey,
    );
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#parked = this.#parked
      .filter(({ untilMs }) => untilMs > nowMs)
      .slice(-this.#options.parkedMax);
  }
}

const keyOf = (listKey: string, id: string): string => JSON.stringify([listKey, id]);
