/**
 * A thread with a bus of its own. It stands still between `stall` and the opening of the gate, and
 * reports what it heard and what its bus dropped.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { createInProcessLiveBus, type InProcessLiveBusOptions } from './in-process-live-bus.ts';
import type { LiveBus } from './live-bus.ts';
import { openRedisLiveBus, type RedisLiveBusOptions } from './redis-live-bus.ts';

export type BusOfThread =
  | { readonly kind: 'in-process'; readonly options: InProcessLiveBusOptions }
  | { readonly kind: 'redis'; readonly options: RedisLiveBusOptions };

export interface ThreadReport {
  readonly heard: readonly unknown[];
  readonly dropped: number;
}

interface Start {
  readonly bus: BusOfThread;
  readonly channel: string;
  /** 0 while the gate is shut. */
  readonly gate: Int32Array;
}

const { bus: wanted, channel, gate } = workerData as Start;
const bus: LiveBus =
  wanted.kind === 'redis'
    ? await openRedisLiveBus(wanted.options)
    : createInProcessLiveBus(wanted.options);
const heard: unknown[] = [];
bus.subscribe(channel, (message) => heard.push(message));

const report = (): void =>
  parentPort!.postMessage({ heard, dropped: bus.counters().dropped } satisfies ThreadReport);

parentPort!.on('message', async (order: 'stall' | 'report' | 'close') => {
  if (order === 'close') {
    await bus.close();
    parentPort!.close();
    return;
  }
  report();
  if (order === 'stall') Atomics.wait(gate, 0, 0);
});
parentPort!.postMessage({ ready: true });
