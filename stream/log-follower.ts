/**
 * Follows one partition of the log: holds the next slice ready while the current one is worked on,
 * so that the runner can ask, without waiting, whether there is more.
 */
import type { Offset, PartitionIndex } from '../schemas/ids.ts';
import type { EventLog, LogRecord, ReadLimits } from '../storage/event-log/event-log.ts';

type Slice = readonly LogRecord[];

export class LogFollower {
  readonly #iterator: AsyncIterator<Slice>;
  readonly #abort = new AbortController();
  #ready: Slice | undefined;
  #failure: { readonly error: unknown } | undefined;
  #isOver = false;
  #arrival: Promise<void>;

  constructor(
    log: EventLog,
    place: { readonly topic: string; readonly partition: PartitionIndex; readonly from: Offset },
    limits: ReadLimits,
  ) {
    const { topic, partition, from } = place;
    const options = { ...limits, signal: this.#abort.signal };
    this.#iterator = log.tail(topic, partition, from, options)[Symbol.asyncIterator]();
    this.#arrival = this.#fetch();
  }

  async #fetch(): Promise<void> {
    try {
      const { done, value } = await this.#iterator.next();
      if (done === true) this.#isOver = true;
      else this.#ready = value;
    } catch (error) {
      this.#failure = { error };
    }
  }

  /** Resolves once `take` has something to give or to throw, or the log is over. */
  get arrival(): Promise<void> {
    return this.#arrival;
  }

  /** True once the tail has ended: the log was closed, or this follower. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The next slice if it is there already. */
  take(): Slice | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    const slice = this.#ready;
    if (slice === undefined) return undefined;
    this.#ready = undefined;
    this.#arrival = this.#fetch();
    return slice;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#arrival;
    await this.#iterator.return?.();
  }
}
