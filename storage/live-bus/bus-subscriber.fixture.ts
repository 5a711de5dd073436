/**
 * A thread with a bus of its own. It stands still between `stall` and the release of the gate, and
 * answers `report` with all that it has heard once a message equal to `last` is among it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { createInProcessLiveBus } from './in-process-live-bus.ts';

interface Start {
  readonly name: string;
  readonly channel: string;
  readonly queueMax: number;
  /** 0 while the gate is shut. */
  readonly gate: Int32Array;
}

const { name, channel, queueMax, gate } = workerData as Start;
const bus = createInProcessLiveBus({ name, queueMax });
const heard: unknown[] = [];
bus.subscribe(channel, (message) => heard.push(message));

parentPort!.on('message', async (order: { stall?: true; report?: unknown; close?: true }) => {
  if (order.stall) {
    parentPort!.postMessage({ stalled: heard.length });
    Atomics.wait(gate, 0, 0);
  } else if (order.close) {
    await bus.close();
    parentPort!.close();
  } else parentPort!.postMessage({ heard });
});
parentPort!.postMessage({ ready: true });
