/**
 * Wakes those who wait at the end of a topic's partition: in this thread directly, in the other threads
 * of the process by a broadcast channel named after the topic's directory. A ring says only "look
 * again". The count of rings is taken before looking, so that a ring between looking and waiting is not
 * lost. Waiting costs a promise and nothing else: a busy log is waited for thousands of times a second.
 */
import { BroadcastChannel } from 'node:worker_threads';
import type { PartitionIndex } from '../../schemas/ids.ts';

interface Bell {
  rings: number;
  waiting: (() => void)[];
}

export class Doorbell {
  readonly #bells: readonly Bell[];
  readonly #channel: BroadcastChannel;

  constructor(directory: string, partitionCount: number) {
    this.#bells = Array.from({ length: partitionCount }, () => ({ rings: 0, waiting: [] }));
    this.#channel = new BroadcastChannel(`freshet-log:${directory}`);
    this.#channel.onmessage = (event) => {
      const { data } = event as unknown as { readonly data: readonly PartitionIndex[] };
      for (const partition of data) this.wake(partition);
    };
    // An open log alone does not keep a process alive.
    this.#channel.unref();
  }

  /** Of one partition, so far. */
  rings(partition: PartitionIndex): number {
    return this.#bells[partition]!.rings;
  }

  get isAwaited(): boolean {
    return this.#bells.some(({ waiting }) => waiting.length > 0);
  }

  /** Something was appended to these partitions: calls all threads. */
  ring(partitions: readonly PartitionIndex[]): void {
    this.#channel.postMessage(partitions);
    for (const partition of partitions) this.wake(partition);
  }

  /** Calls this thread alone. */
  wake(partition: PartitionIndex): void {
    const bell = this.#bells[partition];
    if (bell === undefined) return;
    bell.rings += 1;
    for (const wake of bell.waiting.splice(0)) wake();
  }

  wakeAll(): void {
    for (const partition of this.#bells.keys()) this.wake(partition as PartitionIndex);
  }

  /** Resolves at the first ring of the partition after the count was `seen`. */
  rungAfter(partition: PartitionIndex, seen: number): Promise<void> {
    const bell = this.#bells[partition]!;
    if (bell.rings !== seen) return Promise.resolve();
    return new Promise((resolve) => bell.waiting.push(resolve));
  }

  close(): void {
    this.#channel.close();
    this.wakeAll();
  }
}
