/** A bus in a thread of its own, and how a test talks to it; what the thread does is in the subscriber's file. */
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { BusOfThread, ThreadReport } from './bus-subscriber.fixture.ts';
import { markOf, type StalledSubscriber, settled } from './live-bus.contract.ts';
import type { LiveBus } from './live-bus.ts';

export class BusThread {
  readonly #worker: Worker;
  readonly #gate = new Int32Array(new SharedArrayBuffer(4));

  static async start(bus: BusOfThread, channel: string): Promise<BusThread> {
    const thread = new BusThread(bus, channel);
    await once(thread.#worker, 'message');
    return thread;
  }

  private constructor(bus: BusOfThread, channel: string) {
    this.#worker = new Worker(new URL('./bus-subscriber.fixture.ts', import.meta.url), {
      workerData: { bus, channel, gate: this.#gate },
    });
  }

  report(): Promise<ThreadReport> {
    return this.#ask('report');
  }

  async heard(): Promise<readonly unknown[]> {
    return (await this.report()).heard;
  }

  /** Stands still from now on, once nothing is on its way to it any more. */
  async stall(publisher: LiveBus, channel: string): Promise<StalledSubscriber> {
    await settled(
      (mark) => publisher.publish(channel, mark),
      async () => markOf((await this.heard()).at(-1) ?? {}),
    );
    const before = await this.#ask('stall');
    return {
      resume: () => this.openGate(),
      seen: async () => {
        const { heard, dropped } = await this.report();
        return { messages: heard.slice(before.heard.length), dropped: dropped - before.dropped };
      },
    };
  }

  openGate(): void {
    Atomics.store(this.#gate, 0, 1);
    Atomics.notify(this.#gate, 0);
  }

  async close(): Promise<void> {
    this.openGate();
    const gone = once(this.#worker, 'exit');
    this.#worker.postMessage('close');
    await gone;
  }

  async kill(): Promise<void> {
    await this.#worker.terminate();
  }

  async #ask(order: 'report' | 'stall'): Promise<ThreadReport> {
    await nextTurn();
    const answer = once(this.#worker, 'message');
    this.#worker.postMessage(order);
    const [said] = await answer;
    return said as ThreadReport;
  }
}
