/**
 * Replays in a thread set up as the program sets up its stream workers: garbage collection is part of
 * what an event costs, and how much room young objects have decides how much.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { STREAM_THREAD_LIMITS } from '../../runtime/embedded/stream-host.ts';
import { type Cost, prepareReplay, type ReplayPlan, replayOnce } from './replay-run.ts';

interface Wanted {
  readonly plan: ReplayPlan;
  readonly times: number;
}

/** What each of several replays costs, one after another in one thread, processor time of all threads. */
export const replayInThread = (plan: ReplayPlan, times: number): Promise<readonly Cost[]> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { plan, times } satisfies Wanted,
      resourceLimits: STREAM_THREAD_LIMITS,
    });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('Expected the replays to end with their costs.')));
  });

const replay = async (plan: ReplayPlan): Promise<Cost> => {
  const { deps, close } = await prepareReplay(plan);
  try {
    return await replayOnce(deps);
  } finally {
    await close();
  }
};

const isReplayThread = (data: unknown): data is Wanted =>
  !isMainThread && typeof data === 'object' && data !== null && 'plan' in data;

if (isReplayThread(workerData)) {
  const costs: Cost[] = [];
  for (let run = 0; run < workerData.times; run++) costs.push(await replay(workerData.plan));
  parentPort?.postMessage(costs);
}
