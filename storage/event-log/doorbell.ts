/**
 * Wakes those who wait at the end of a topic: in this thread directly, in the other threads of the
 * process by a broadcast channel named after the topic's directory. A ring says only "look again".
 * The count of rings is taken before looking, so that a ring between looking and waiting is not lost.
 */
import { BroadcastChannel } from 'node:worker_threads';

export class Doorbell {
  readonly #waiting = new Set<() => void>();
  readonly #channel: BroadcastChannel;
  #rings = 0;

  constructor(directory: string) {
    this.#channel = new BroadcastChannel(`freshet-log:${directory}`);
    this.#channel.onmessage = () => this.#wake();
    // An open log alone does not keep a process alive.
    this.#channel.unref();
  }

  get rings(): number {
    return this.#rings;
  }

  ring(): void {
    this.#channel.postMessage(null);
    this.#wake();
  }

  /** Resolves at the first ring after the count was `seen`, or once the signal is aborted. */
  rungAfter(seen: number, signal: AbortSignal): Promise<void> {
    if (this.#rings !== seen || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  close(): void {
    this.#channel.close();
    this.#wake();
  }

  #wake(): void {
    this.#rings += 1;
    for (const wake of [...this.#waiting]) wake();
  }
}
