/** The main thread's side of the stream worker. */
import { Worker } from 'node:worker_threads';
import type { StreamStatus } from '../../stream/stream-status.ts';
import { callThread } from '../thread-call.ts';
import type { StreamWorkerData } from './stream-worker.ts';

export interface StreamHost {
  status(): Promise<StreamStatus>;
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the thread; `onDeath` hears of an end that nobody asked for. */
export const startStreamHost = async (
  data: StreamWorkerData,
  onDeath: (error: Error) => void,
): Promise<StreamHost> => {
  const worker = new Worker(new URL('./stream-worker.ts', import.meta.url), { workerData: data });
  let isStopping = false;
  let hasStarted = false;
  const died = new Promise<never>((_resolve, reject) => {
    const report = (error: Error): void => {
      if (isStopping) return;
      if (hasStarted) onDeath(error);
      else reject(error);
    };
    worker.once('error', report);
    worker.once('exit', (code) => report(new Error(`The stream ended with code ${code}`)));
  });
  const thread = callThread(worker);
  await Promise.race([thread.call('start'), died]);
  hasStarted = true;
  died.catch(() => {});
  return {
    status: () => thread.call<StreamStatus>('status'),
    caughtUp: () => thread.call<void>('caughtUp'),
    async stop() {
      isStopping = true;
      const exited = new Promise<void>((resolve) => {
        worker.once('exit', () => resolve());
      });
      await thread.call('stop');
      await exited;
    },
  };
};
