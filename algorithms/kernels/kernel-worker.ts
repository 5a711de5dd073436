/** A thread of a `KernelPool`: takes numbers off a wave's counter and makes those calls. */
import { parentPort, workerData } from 'node:worker_threads';
import { InstanceTable } from './kernel-engine.ts';

/** Where a wave's counter, arguments and results lie in the shared memory. */
export interface WaveOrder {
  readonly module: WebAssembly.Module;
  readonly kernel: string;
  readonly counter: number;
  readonly words: number;
  readonly results: number;
  readonly count: number;
  readonly width: number;
  readonly scratch: number | null;
  readonly reportEvery: number;
}

export type WaveAnswer =
  | { readonly kind: 'progress'; readonly share: number }
  | { readonly kind: 'done'; readonly failure: Error | null };

const memory = workerData as WebAssembly.Memory;
const instances = new InstanceTable(memory);
const tell = (answer: WaveAnswer): void => parentPort?.postMessage(answer);

const makeCalls = (order: WaveOrder): void => {
  const { buffer } = memory;
  const counter = new Int32Array(buffer, order.counter, 1);
  const words = new Float64Array(buffer, order.words, order.count * order.width);
  const results = new Float64Array(buffer, order.results, order.count);
  const call = instances.of(order.module)[order.kernel] as (
    ...words: readonly number[]
  ) => number | undefined;
  const first = order.scratch === null ? [] : [order.scratch];
  for (;;) {
    const k = Atomics.add(counter, 0, 1);
    if (k >= order.count) return;
    results[k] = call(...first, ...words.subarray(k * order.width, (k + 1) * order.width)) ?? 0;
    if ((k + 1) % order.reportEvery === 0) {
      tell({ kind: 'progress', share: (k + 1) / order.count });
    }
  }
};

parentPort?.on('message', (order: WaveOrder) => {
  try {
    makeCalls(order);
    tell({ kind: 'done', failure: null });
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    tell({ kind: 'done', failure });
  }
});
