/**
 * What lies between a process and the services, or between a client and the edge. On one machine:
 * nothing, a call is a call. Between machines requests and replies travel: either may be lost or late,
 * a request may be carried out twice, and the caller gives up after a while without knowing.
 */
import { FreshetError } from '../../schemas/errors.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimProcess } from './sim-process.ts';

/** How often, of all calls. */
export interface NetworkFaults {
  readonly requestLost: number;
  readonly replyLost: number;
  readonly late: number;
  readonly doubled: number;
}

export const PERFECT: NetworkFaults = { requestLost: 0, replyLost: 0, late: 0, doubled: 0 };

const TRAVEL_MS = 0.6;
export const GIVE_UP_MS = 1_500;
export const LATE_MS = 4_000;

export type CallKind =
  /** What the caller has given up is still carried out when it arrives. */
  | 'ordinary'
  /** A connection that was given up carries nothing out any more. */
  | 'never late';

type Fate = 'fine' | 'request lost' | 'reply lost' | 'late' | 'doubled';

export class Network {
  readonly #scheduler: Scheduler;
  readonly #isOneMachine: boolean;
  faults: NetworkFaults;

  constructor(
    scheduler: Scheduler,
    given: { readonly isOneMachine: boolean; readonly faults: NetworkFaults },
  ) {
    this.#scheduler = scheduler;
    this.#isOneMachine = given.isOneMachine;
    this.faults = given.faults;
  }

  /** Asks a service for something on behalf of a process; rejects with `unavailable` when nobody answers. */
  call<Result>(
    by: SimProcess,
    what: string,
    execute: () => Promise<Result>,
    kind: CallKind = 'ordinary',
  ): Promise<Result> {
    if (by.isDead) return new Promise(() => undefined);
    if (this.#isOneMachine) return by.waitFor(execute());
    return this.#travel(by, what, execute, kind);
  }

  #travel<Result>(
    by: SimProcess,
    what: string,
    execute: () => Promise<Result>,
    kind: CallKind,
  ): Promise<Result> {
    const scheduler = this.#scheduler;
    return new Promise((resolve, reject) => {
      let isSettled = false;
      const fate = this.#fate();
      const settle = (finish: () => void): void => {
        if (isSettled) return;
        isSettled = true;
        timeout.isCancelled = true;
        finish();
      };
      const giveUp = (): void =>
        settle(() => reject(new FreshetError('unavailable', { why: `no answer to ${what}` })));
      const timeout = scheduler.after(GIVE_UP_MS, `gives up ${what}`, giveUp, by);
      const reply = (finish: () => void): void => {
        const travelMs = scheduler.latency(TRAVEL_MS);
        scheduler.after(travelMs, `answer to ${what}`, () => settle(finish), by);
      };
      const arrive = (isAnswered: boolean) => (): void => {
        if (isSettled && kind === 'never late') return;
        execute().then(
          (result) => isAnswered && reply(() => resolve(result)),
          (error: unknown) => isAnswered && reply(() => reject(error)),
        );
      };
      const travelMs = fate === 'late' ? scheduler.draw() * LATE_MS : scheduler.latency(TRAVEL_MS);
      if (fate === 'request lost') return;
      scheduler.after(travelMs, what, arrive(fate !== 'reply lost' && fate !== 'doubled'));
      if (fate === 'doubled') scheduler.after(travelMs * 3, `${what} again`, arrive(true));
    });
  }

  #fate(): Fate {
    const { requestLost, replyLost, late, doubled } = this.faults;
    const chances: readonly (readonly [Fate, number])[] = [
      ['request lost', requestLost],
      ['reply lost', replyLost],
      ['late', late],
      ['doubled', doubled],
    ];
    let draw = this.#scheduler.draw();
    for (const [fate, chance] of chances) {
      if (draw < chance) return fate;
      draw -= chance;
    }
    return 'fine';
  }
}
