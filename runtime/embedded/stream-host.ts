/**
 * The main thread's side of the stream: one worker or several, which share the partitions and start
 * and stop together. The first writes the topics of the stream for all of them.
 */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { StatePartition } from '../../schemas/ids.ts';
import { START_STEPS } from '../../stream/stream.ts';
import { mergedStatus, type StreamStatus } from '../../stream/stream-status.ts';
import type { StreamRole } from '../profile.ts';
import { callThread, type ThreadCaller } from '../thread-call.ts';
import { partitionsOfWorker, workerCountOf } from '../topic-plan.ts';
import type { RemovedKeys } from './owned-state.ts';
import type { CleanCall, StreamWorkerData } from './stream-worker.ts';

export interface StreamHost extends StreamRole {
  /** Cleans a topic that the stream writes; returns the records removed. */
  clean(call: CleanCall): Promise<number>;
  /** Takes flushed snapshots of these state partitions. */
  snapshot(partitions: readonly StatePartition[]): Promise<void>;
  /** Leaves on the disk nothing of keys that were removed from state partitions. */
  erase(removed: readonly RemovedKeys[]): Promise<void>;
  /** The key of this address is destroyed: it must go from the workers' memory, too. */
  keyDestroyed(address: string): Promise<void>;
  /** The sinks ask the warehouse where it stands. */
  warehouseSetUpAnew(): Promise<void>;
  stop(): Promise<void>;
}

export type StreamHostData = Omit<StreamWorkerData, 'owned' | 'appendPort' | 'appendPorts'> & {
  readonly workers: number;
};

/**
 * Room for young objects: three halves of 32 MiB. An event leaves some kilobytes of them behind; with
 * twice the usual room half as many live long enough to be copied.
 */
export const STREAM_THREAD_LIMITS = { maxYoungGenerationSizeMb: 96 } as const;

interface Started {
  readonly thread: ThreadCaller;
  readonly exited: Promise<void>;
}

/** Starts the threads; `onDeath` hears of an end that nobody asked for. */
export const startStreamHost = async (
  { workers: wanted, ...data }: StreamHostData,
  onDeath: (error: Error) => void,
): Promise<StreamHost> => {
  const workers = workerCountOf(data.counts, wanted);
  const lines = Array.from({ length: workers - 1 }, () => new MessageChannel());
  const watch = new DeathWatch(onDeath);
  const started = Array.from({ length: workers }, (_, worker): Started => {
    const owned = partitionsOfWorker(data.counts, { worker, workers });
    return worker === 0
      ? startWorker({ ...data, owned, appendPorts: lines.map(({ port1 }) => port1) }, watch)
      : startWorker(
          { ...data, owned, appendPort: lines[worker - 1]!.port2, appendPorts: [] },
          watch,
        );
  });
  const all = <Value>(name: string, argument?: unknown): Promise<Value[]> =>
    Promise.all(started.map(({ thread }) => thread.call<Value>(name, argument)));
  await Promise.race([all('start'), watch.died]);
  watch.hasStarted = true;
  void openGates(all);
  return {
    status: async () => mergedStatus(await all<StreamStatus>('status')),
    async caughtUp() {
      // Sources of one worker feed items of another: with all sources at the end, items are asked again.
      await all('caughtUp');
      if (workers > 1) await all('caughtUp');
    },
    // The first worker writes the stream's topics; each snapshots what it owns and skips the rest.
    clean: (call) => started[0]!.thread.call<number>('clean', call),
    snapshot: async (partitions) => {
      await all('snapshot', partitions);
    },
    erase: async (removed) => {
      await all('erase', removed);
    },
    keyDestroyed: async (address) => {
      await all('keyDestroyed', address);
    },
    warehouseSetUpAnew: async () => {
      await all('warehouseSetUpAnew');
    },
    async stop() {
      watch.isStopping = true;
      await settled(started.map(({ thread }) => thread.call('stop')));
      const [writer, ...others] = started;
      await closeAll(others);
      await closeAll([writer!]);
    },
  };
};

const startWorker = (workerData: StreamWorkerData, watch: DeathWatch): Started => {
  const { appendPort, appendPorts } = workerData;
  const transferList: MessagePort[] = [...appendPorts, ...(appendPort ? [appendPort] : [])];
  const worker = new Worker(new URL('./stream-worker.ts', import.meta.url), {
    workerData,
    transferList,
    resourceLimits: STREAM_THREAD_LIMITS,
  });
  watch.over(worker);
  const exited = new Promise<void>((resolve) => {
    worker.once('exit', () => resolve());
  });
  return { thread: callThread(worker), exited };
};

/** Lets the workers go on, step by step, once all have come so far. Ends early when one of them does. */
const openGates = async (
  all: (name: string, argument?: unknown) => Promise<unknown>,
): Promise<void> => {
  try {
    for (const step of START_STEPS) {
      await all('reached', step);
      await all('open', step);
    }
  } catch {
    // A worker is gone: its death was reported, or the stream is being stopped.
  }
};

/** One that died has nothing left to stop; the others are stopped all the same. */
const settled = (calls: readonly Promise<unknown>[]): Promise<unknown> => Promise.allSettled(calls);

const closeAll = async (workers: readonly Started[]): Promise<void> => {
  await settled(workers.map(({ thread }) => thread.call('close')));
  await Promise.all(workers.map(({ exited }) => exited));
};

/** Reports the first end that nobody asked for: to the start while that lasts, then to the owner. */
class DeathWatch {
  readonly died: Promise<never>;
  isStopping = false;
  hasStarted = false;
  readonly #onDeath: (error: Error) => void;
  #reject: (error: Error) => void = () => {};
  #isReported = false;

  constructor(onDeath: (error: Error) => void) {
    this.#onDeath = onDeath;
    this.died = new Promise((_resolve, reject) => {
      this.#reject = reject;
    });
    this.died.catch(() => {});
  }

  over(worker: Worker): void {
    worker.once('error', (error: Error) => this.#report(error));
    worker.once('exit', (code) => this.#report(new Error(`The stream ended with code ${code}`)));
  }

  #report(error: Error): void {
    if (this.isStopping || this.#isReported) return;
    this.#isReported = true;
    if (this.hasStarted) this.#onDeath(error);
    else this.#reject(error);
  }
}
