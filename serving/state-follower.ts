/**
 * Follows what the stream writes into state partitions: hints say at once which keys changed; a look
 * at the positions once a second finds what lost hints would have said. With every hint dropped, what
 * follows is right within one poll.
 *
 * Work on one partition is done one step after another, so a listener never sees two at a time. A
 * listener for which a change is much work rests from it: what hints tell meanwhile is taken over in one.
 */
import type { Clock, Logger } from '../schemas/environment.ts';
import type { DurationMs, LogId, Offset, StatePartition } from '../schemas/ids.ts';
import { NO_OFFSET } from '../schemas/ids.ts';
import { type LiveBus, STATE_HINTS, type StateHint } from '../storage/live-bus/live-bus.ts';
import type { StatePosition, StateStore } from '../storage/state-store/state-store.ts';
import type { FollowOptions, RestOptions } from './options.ts';

export interface StateChangeNotice {
  readonly partition: StatePartition;
  readonly from: Offset;
  readonly to: Offset;
  readonly keys: readonly string[];
}

export interface StateListener {
  /** These keys changed. What is read from now on covers at least `to`. */
  changed(notice: StateChangeNotice): Promise<void> | void;
  /** Anything may have changed: read it all again. */
  reset(partition: StatePartition): Promise<void> | void;
}

export interface FollowedHow {
  readonly takesHints?: boolean;
  readonly rest?: RestOptions;
}

interface FollowedPartition {
  readonly name: StatePartition;
  readonly listener: StateListener;
  readonly takesHints: boolean;
  readonly rest: RestOptions | undefined;
  restsUntilMs: number;
  /** What hints told that is to be taken over after the rest. */
  told: StateHint | undefined;
  covered: Offset;
  /** The store knows less than that: it lost writes, and they are being made again from the log. */
  isBehind: boolean;
  logId: LogId | null;
  epoch: number;
  work: Promise<void>;
}

interface Waiter {
  readonly partition: StatePartition;
  readonly wanted: Offset;
  readonly done: () => void;
}

export interface StateFollowerOptions {
  readonly stateStore: StateStore;
  readonly liveBus: LiveBus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: FollowOptions;
  /** Called after each look at the positions. */
  readonly onPoll: () => Promise<void> | void;
}

export class StateFollower {
  readonly #given: StateFollowerOptions;
  readonly #partitions = new Map<StatePartition, FollowedPartition>();
  readonly #stopping = new AbortController();
  #subscription: { close(): void } | undefined;
  #polling: Promise<void> = Promise.resolve();
  #waiters: Waiter[] = [];
  #hints = 0;
  #repairs = 0;
  #resets = 0;
  #lastPollFailed = false;

  constructor(given: StateFollowerOptions) {
    this.#given = given;
  }

  /** Without hints once a second: what changes often is then read less often. */
  follow(
    name: StatePartition,
    listener: StateListener,
    { takesHints = true, rest }: FollowedHow = {},
  ): void {
    this.#partitions.set(name, {
      name,
      listener,
      takesHints,
      rest,
      restsUntilMs: Number.NEGATIVE_INFINITY,
      told: undefined,
      covered: NO_OFFSET,
      isBehind: false,
      logId: null,
      epoch: 0,
      work: Promise.resolve(),
    });
  }

  /** Reads everything that is followed, then goes on following it. */
  async start(): Promise<void> {
    // Subscribed first: what changes during the reading is read again after it.
    this.#subscription = this.#given.liveBus.subscribe(STATE_HINTS, (message) =>
      this.#hear(message as StateHint),
    );
    const all = [...this.#partitions.values()];
    await Promise.all(
      all.map((partition) => this.#inTurn(partition, () => this.#readAll(partition))),
    );
    this.#polling = this.#pollForEver();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#subscription?.close();
    await this.#polling;
    await Promise.all([...this.#partitions.values()].map(({ work }) => work));
  }

  coveredOffset(name: StatePartition): Offset {
    return this.#partitions.get(name)?.covered ?? NO_OFFSET;
  }

  logIdOf(name: StatePartition): LogId | null {
    return this.#partitions.get(name)?.logId ?? null;
  }

  /** Whether the store went back behind what the listener has seen; that stays until it is there again. */
  isBehind(name: StatePartition): boolean {
    return this.#partitions.get(name)?.isBehind === true;
  }

  /** Resolves once the listener has seen everything up to the offset, and the store has it. */
  reached(name: StatePartition, wanted: Offset): Promise<void> {
    if (this.#isReached(name, wanted)) return Promise.resolve();
    return new Promise((done) => {
      this.#waiters.push({ partition: name, wanted, done });
    });
  }

  /** The same, and looks at once what is stored instead of waiting for a hint or the next poll. */
  async reachedNow(name: StatePartition, wanted: Offset): Promise<void> {
    if (this.#isReached(name, wanted)) return;
    const reached = this.reached(name, wanted);
    await this.look(name);
    await reached;
  }

  /** Looks at once how one partition stands. */
  async look(name: StatePartition): Promise<void> {
    const partition = this.#partitions.get(name);
    if (partition !== undefined) await this.#inTurn(partition, () => this.#check(partition));
  }

  #isReached(name: StatePartition, wanted: Offset): boolean {
    return this.coveredOffset(name) >= wanted && !this.isBehind(name);
  }

  counters(): Readonly<Record<string, number>> {
    return { hints: this.#hints, repairs: this.#repairs, resets: this.#resets };
  }

  get isStoreReachable(): boolean {
    return !this.#lastPollFailed;
  }

  /** Whether it is so for any partition of a topic. */
  isAnyBehind(topic: string): boolean {
    for (const { name, isBehind } of this.#partitions.values()) {
      if (isBehind && name.startsWith(`${topic}.`)) return true;
    }
    return false;
  }

  /** The partitions of which the store knows less than it did. */
  get behind(): readonly StatePartition[] {
    return [...this.#partitions.values()]
      .filter(({ isBehind }) => isBehind)
      .map(({ name }) => name);
  }

  /** Looks at every position now; what a test calls instead of waiting a second. */
  async poll(): Promise<void> {
    const all = [...this.#partitions.values()];
    await Promise.all(
      all.map((partition) => this.#inTurn(partition, () => this.#check(partition))),
    );
    await this.#given.onPoll();
  }

  async #pollForEver(): Promise<void> {
    const { clock, options, logger } = this.#given;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await clock.sleep(options.pollMs, signal);
        await this.poll();
        this.#lastPollFailed = false;
      } catch (error) {
        if (signal.aborted) return;
        if (!this.#lastPollFailed)
          logger.warn('The state cannot be read; answers come from memory', { error });
        this.#lastPollFailed = true;
      }
    }
  }

  #hear(hint: StateHint): void {
    const partition = this.#partitions.get(hint.partition);
    if (!partition?.takesHints || this.#stopping.signal.aborted) return;
    this.#hints++;
    const { told } = partition;
    if (partition.rest !== undefined) partition.told = told ? joined(told, hint) : hint;
    if (told !== undefined) return;
    const taken =
      partition.rest === undefined
        ? this.#inTurn(partition, () => this.#takeHint(partition, hint))
        : this.#takeAfterRest(partition, partition.rest);
    taken.catch((error: unknown) => {
      this.#given.logger.warn('A hint could not be followed', { partition: partition.name, error });
    });
  }

  async #takeAfterRest(partition: FollowedPartition, rest: RestOptions): Promise<void> {
    const { clock } = this.#given;
    const { signal } = this.#stopping;
    const leftMs = partition.restsUntilMs - clock.monotonicMs();
    if (leftMs > 0) await clock.sleep(leftMs as DurationMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    await this.#inTurn(partition, async () => {
      const hint = partition.told!;
      partition.told = undefined;
      const begunMs = clock.monotonicMs();
      await this.#takeHint(partition, hint);
      const endedMs = clock.monotonicMs();
      partition.restsUntilMs =
        endedMs + Math.min(rest.perWork * (endedMs - begunMs), rest.restMsMax);
    });
  }

  async #takeHint(partition: FollowedPartition, hint: StateHint): Promise<void> {
    if (hint.to <= partition.covered) return;
    if (hint.from > partition.covered || hint.keys.length === 0 || partition.isBehind) {
      this.#repairs++;
      await this.#check(partition);
      return;
    }
    await this.#announce(partition, hint.keys, hint.to);
  }

  /** Compares what is known with what is stored, and reads what changed. */
  async #check(partition: FollowedPartition): Promise<void> {
    const { stateStore } = this.#given;
    const stored = await stateStore.position(partition.name);
    if (stored !== undefined && isAnother(partition, stored)) {
      await this.#readAll(partition);
      return;
    }
    if ((stored?.coveredOffset ?? NO_OFFSET) < partition.covered) {
      this.#standStill(partition);
      return;
    }
    if (stored === undefined) return;
    if (partition.isBehind) {
      await this.#readAll(partition);
      return;
    }
    partition.epoch = stored.epoch;
    if (stored.coveredOffset === partition.covered) return;
    const changes = await stateStore.changesSince(partition.name, partition.covered);
    if (changes.complete) await this.#announce(partition, changes.keys, changes.coveredOffset);
    else await this.#readAll(partition);
  }

  /**
   * What the listener holds is newer than what the store does, and the log makes the same again: so it is
   * kept until then, and whoever asks is told.
   */
  #standStill(partition: FollowedPartition): void {
    if (partition.isBehind) return;
    partition.isBehind = true;
    const { name } = partition;
    this.#given.logger.warn(
      'The state went back; answers come from memory until it is there again',
      {
        partition: name,
      },
    );
  }

  async #announce(
    partition: FollowedPartition,
    keys: readonly string[],
    to: Offset,
  ): Promise<void> {
    const from = partition.covered;
    await partition.listener.changed({ partition: partition.name, from, to, keys });
    this.#advance(partition, to);
  }

  async #readAll(partition: FollowedPartition): Promise<void> {
    this.#resets++;
    const before = await this.#given.stateStore.position(partition.name);
    await partition.listener.reset(partition.name);
    partition.logId = before?.logId ?? null;
    partition.epoch = before?.epoch ?? 0;
    partition.covered = before?.coveredOffset ?? NO_OFFSET;
    partition.isBehind = false;
    this.#advance(partition, partition.covered);
    const after = await this.#given.stateStore.position(partition.name);
    // What changed while it was read may have been read half: read those keys again.
    if (after !== undefined && after.coveredOffset > partition.covered)
      await this.#check(partition);
  }

  #advance(partition: FollowedPartition, to: Offset): void {
    partition.covered = to;
    const isReached = (waiter: Waiter): boolean =>
      waiter.partition === partition.name && waiter.wanted <= to;
    const reached = this.#waiters.filter(isReached);
    if (reached.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => !isReached(waiter));
    for (const waiter of reached) waiter.done();
  }

  #inTurn(partition: FollowedPartition, step: () => Promise<void>): Promise<void> {
    const done = partition.work.then(step);
    partition.work = done.catch(() => undefined);
    return done;
  }
}

/** One hint that says what two said; without keys, which is to look, where something lies between them. */
const joined = (first: StateHint, second: StateHint): StateHint => {
  const isKnown = second.from <= first.to && first.keys.length > 0 && second.keys.length > 0;
  const keys = isKnown ? [...new Set([...first.keys, ...second.keys])] : [];
  return { ...first, to: Math.max(first.to, second.to) as Offset, keys };
};

/** Whether the stored state was made from another log than the one that was followed so far. */
const isAnother = (partition: FollowedPartition, stored: StatePosition): boolean =>
  partition.logId !== null && stored.logId !== null && stored.logId !== partition.logId;
