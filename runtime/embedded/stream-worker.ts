/**
 * The stream's own thread: opens the adapters that it writes, runs the operators, answers the main
 * thread's questions. It dies with a message when something is wrong that it cannot mend.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { createInProcessLiveBus } from '../../storage/live-bus/in-process-live-bus.ts';
import {
  type ClickHouseConnection,
  ClickHouseWarehouse,
} from '../../storage/warehouse/clickhouse-warehouse.ts';
import { createStream, type OwnedPartitions } from '../../stream/stream.ts';
import { systemClock } from '../clock.ts';
import { createCrashPoint } from '../crash-point.ts';
import { environment } from '../environment.ts';
import { createLogger, type LogLevel } from '../logger.ts';
import { streamOptionsOf } from '../option-mapping.ts';
import type { Settings } from '../settings.ts';
import { serveCalls } from '../thread-call.ts';
import { openEmbeddedLog, openEmbeddedState } from './stores.ts';
import { type PartitionCounts, STREAM_TOPICS } from './topic-plan.ts';

export interface StreamWorkerData {
  readonly logDirectory: string;
  readonly stateDirectory: string;
  readonly counts: PartitionCounts;
  readonly owned: OwnedPartitions;
  readonly busName: string;
  readonly settings: Settings;
  /** Absent where the instance has no warehouse. */
  readonly warehouse?: ClickHouseConnection;
}

const run = async (data: StreamWorkerData): Promise<void> => {
  const port = parentPort;
  if (!port) throw new Error('Expected to run as a worker thread');
  const clock = systemClock;
  const logger = createLogger({ level: data.settings.logLevel as LogLevel, role: 'stream' });
  const eventLog = await openEmbeddedLog({
    directory: data.logDirectory,
    counts: data.counts,
    writableTopics: STREAM_TOPICS,
    clock,
  });
  const stateStore = await openEmbeddedState({
    directory: data.stateDirectory,
    readOnly: false,
    clock,
    logger,
  });
  const liveBus = createInProcessLiveBus({ name: data.busName });
  const warehouse = data.warehouse
    ? new ClickHouseWarehouse({
        connection: data.warehouse,
        database: data.settings.namespace,
      })
    : undefined;
  const stream = createStream({
    eventLog,
    stateStore,
    liveBus,
    ...(warehouse ? { warehouse } : {}),
    clock,
    logger,
    crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
    options: streamOptionsOf(data.settings),
    kinds: kindTable(DEFAULT_KINDS),
    partitions: data.owned,
  });
  serveCalls(port, {
    start: () => stream.start(),
    status: () => stream.status(),
    caughtUp: () => stream.caughtUp(),
    async stop() {
      await stream.stop();
      await Promise.all([warehouse?.close(), liveBus.close()]);
      await Promise.all([stateStore.close(), eventLog.close()]);
      // With its port closed the thread ends by itself; LMDB does not survive being terminated.
      setImmediate(() => port.close());
    },
  });
};

await run(workerData as StreamWorkerData);
