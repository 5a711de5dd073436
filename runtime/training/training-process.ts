/**
 * The process that trains. It is the least urgent one on the machine, ends itself when it takes more
 * memory than it may, and dies with its owner: whatever it was at then is not there, since a release
 * is published in one step.
 */
import { spawnSync } from 'node:child_process';
import { setPriority } from 'node:os';
import { KernelPool } from '../../algorithms/kernels/kernel-pool.ts';
import { DEFAULT_KINDS } from '../../schemas/kinds.ts';
import { ClickHouseWarehouse } from '../../storage/warehouse/clickhouse-warehouse.ts';
import { DEFAULT_TRAINING_OPTIONS } from '../../training/options.ts';
import { runTraining } from '../../training/training-run.ts';
import { systemClock } from '../clock.ts';
import { createCrashPoint } from '../crash-point.ts';
import { environment } from '../environment.ts';
import { createLogger, type LogLevel } from '../logger.ts';
import { formatBytes } from '../terminal.ts';
import { openArtifactPlace } from './artifact-place.ts';
import type { FromTraining, ToTraining, TrainingTask } from './training-messages.ts';

const NICE = 15;
const MEMORY_LOOK_MS = 250;
const KIB = 1024;

/**
 * On Linux a nice thread still finishes its slice before one that wakes has its turn, and a core that it
 * runs on does not count as free; one scheduled as idle gives way at once. And a priority is of a thread
 * there, not of the process: those that collect garbage are there already.
 */
const giveWay = (): void => {
  setPriority(NICE);
  if (process.platform !== 'linux') return;
  // Where that command is missing, or may not, being nice has to do.
  spawnSync('chrt', ['-a', '-i', '-p', '0', String(process.pid)]);
};

giveWay();
const stop = new AbortController();

const send = (message: FromTraining): void => {
  process.send?.(message);
};

const train = async (task: TrainingTask): Promise<void> => {
  const logger = createLogger({ level: task.logLevel as LogLevel, role: 'training' });
  const { connection, database } = task;
  const warehouse = new ClickHouseWarehouse({ connection, database });
  const artifactStore = await openArtifactPlace(task.artifactPlace, {
    logger,
    crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
  });
  const engine = new KernelPool(task.threads);
  try {
    const result = await runTraining(task.order, {
      warehouse,
      artifactStore,
      userPartitions: task.userPartitions,
      kinds: DEFAULT_KINDS,
      engine,
      clock: systemClock,
      options: {
        ...DEFAULT_TRAINING_OPTIONS,
        limits: { ...DEFAULT_TRAINING_OPTIONS.limits, eventsMax: task.eventsMax },
        people: { ...DEFAULT_TRAINING_OPTIONS.people, peopleMax: task.peopleMax },
      },
      crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
      signal: stop.signal,
      onProgress: (progress) => send({ kind: 'progress', progress }),
    });
    const residentBytesMax = process.resourceUsage().maxRSS * KIB;
    send({ kind: 'done', result, residentBytesMax });
  } finally {
    await engine.close();
    await artifactStore.close();
    await warehouse.close();
  }
};

const watchMemory = ({ memoryBytesMax }: TrainingTask): void => {
  setInterval(() => {
    const used = process.memoryUsage.rss();
    if (used <= memoryBytesMax) return;
    const problem = `it took ${formatBytes(used)} of memory, it may take ${formatBytes(memoryBytesMax)}`;
    process.send?.({ kind: 'failed', problem } satisfies FromTraining, () => process.exit(1));
  }, MEMORY_LOOK_MS).unref();
};

process.on('message', (message: ToTraining) => {
  if (message.kind === 'cancel') {
    stop.abort(new Error('cancelled'));
    return;
  }
  watchMemory(message.task);
  train(message.task).then(
    () => process.disconnect(),
    (error: Error) => {
      send({ kind: 'failed', problem: error.message });
      process.disconnect();
    },
  );
});
// Its owner is gone: nobody would put the release to use.
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole group; the owner decides what becomes of this one.
process.on('SIGINT', () => {});
