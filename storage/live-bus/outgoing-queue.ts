/**
 * Messages on their way to subscribers of the same bus: bounded, and handed over in later turns of
 * the event loop, a few at a time, so that publishing never runs a subscriber's code.
 */
const PER_TURN = 64;

interface Waiting {
  readonly channel: string;
  readonly message: unknown;
}

export class OutgoingQueue {
  readonly #limit: number;
  readonly #deliver: (channel: string, message: unknown) => void;
  #waiting: Waiting[] = [];
  #turn: NodeJS.Immediate | undefined;

  constructor(limit: number, deliver: (channel: string, message: unknown) => void) {
    this.#limit = limit;
    this.#deliver = deliver;
  }

  /** False where the queue is full. */
  add(channel: string, message: unknown): boolean {
    if (this.#waiting.length >= this.#limit) return false;
    // The subscriber gets a copy, as it would in another thread.
    this.#waiting.push({ channel, message: structuredClone(message) });
    this.#turn ??= setImmediate(this.#handOver);
    return true;
  }

  clear(): void {
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#turn = undefined;
    this.#waiting = [];
  }

  readonly #handOver = (): void => {
    const now = this.#waiting.splice(0, PER_TURN);
    this.#turn = this.#waiting.length > 0 ? setImmediate(this.#handOver) : undefined;
    for (const { channel, message } of now) this.#deliver(channel, message);
  };
}
