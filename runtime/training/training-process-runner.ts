/** Runs a training in a process of its own: starts it, hears of its progress, ends it. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { DurationMs } from '../../schemas/ids.ts';
import type { TrainingRunner } from '../../training/training-desk.ts';
import type { TrainingResult } from '../../training/training-run.ts';
import type { FromTraining, ToTraining, TrainingTask } from './training-messages.ts';

const PROCESS = fileURLToPath(new URL('./training-process.ts', import.meta.url));
/** A cancelled training stops at the next step of a fit; a stuck one is not waited for. */
const PATIENCE_MS = 5_000 as DurationMs;
const MIB = 1024 * 1024;

export interface TrainingProcessOptions {
  /** As it is at the moment; undefined where there can be trainings. */
  readonly whyOff: () => string | undefined;
  /** Everything but the order; only read where there can be trainings. */
  readonly task: () => Omit<TrainingTask, 'order'>;
  readonly clock: Clock;
  /** Told the most memory that a training held, once it passed its end. */
  readonly onMemory?: (residentBytesMax: number) => void;
}

export const trainingProcessRunner = ({
  whyOff,
  task,
  clock,
  onMemory,
}: TrainingProcessOptions): TrainingRunner => ({
  get whyOff() {
    return whyOff();
  },
  run(order, { signal, onProgress }) {
    const given = { ...task(), order };
    const child = fork(PROCESS, {
      execArgv: [`--max-old-space-size=${Math.ceil(given.memoryBytesMax / MIB)}`],
      serialization: 'advanced',
    });
    const tell = (message: ToTraining): void => {
      if (child.connected) child.send(message);
    };
    const cancel = (): void => {
      tell({ kind: 'cancel' });
      void killWhenStuck(child, clock);
    };
    signal.addEventListener('abort', cancel, { once: true });
    tell({ kind: 'start', task: given });
    return resultOf(child, (message) => {
      if (message.kind === 'progress') onProgress(message.progress);
      else onMemory?.(message.residentBytesMax);
    }).finally(() => signal.removeEventListener('abort', cancel));
  },
});

const resultOf = (
  child: ChildProcess,
  onNews: (message: Exclude<FromTraining, { kind: 'failed' }>) => void,
): Promise<TrainingResult> =>
  new Promise((resolve, reject) => {
    let result: TrainingResult | undefined;
    let problem: string | undefined;
    child.on('message', (message: FromTraining) => {
      if (message.kind === 'failed') problem = message.problem;
      else onNews(message);
      if (message.kind === 'done') result = message.result;
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (result) resolve(result);
      else {
        const ended = `its process ended with ${signal ?? `exit code ${code}`}`;
        reject(new FreshetError('training_failed', { problem: problem ?? ended }));
      }
    });
  });

const killWhenStuck = async (child: ChildProcess, clock: Clock): Promise<void> => {
  const ended = new AbortController();
  child.once('exit', () => ended.abort());
  try {
    await clock.sleep(PATIENCE_MS, ended.signal);
    child.kill('SIGKILL');
  } catch {
    // It ended in time.
  }
};
