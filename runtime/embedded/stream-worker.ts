/**
 * A thread of the stream: opens the adapters that it writes, runs the operators, answers the main
 * thread's questions. It dies with a message when something is wrong that it cannot mend.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Logger } from '../../schemas/environment.ts';
import type { EpochMs, StatePartition } from '../../schemas/ids.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { openDirectoryArtifactStore } from '../../storage/artifact-store/directory-artifact-store.ts';
import type { ClickHouseConnection } from '../../storage/clickhouse/clickhouse-connection.ts';
import type { EventLog, TopicRetention } from '../../storage/event-log/event-log.ts';
import { addressOfText } from '../../storage/event-log/sealing/person-address.ts';
import type { PersonKeys } from '../../storage/event-log/sealing/person-keys.ts';
import { SealedEventLog } from '../../storage/event-log/sealing/sealed-event-log.ts';
import { createInProcessLiveBus } from '../../storage/live-bus/in-process-live-bus.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import { ClickHouseWarehouse } from '../../storage/warehouse/clickhouse-warehouse.ts';
import type { StreamOptions } from '../../stream/options.ts';
import { createStream, type OwnedPartitions, type StartStep } from '../../stream/stream.ts';
import { followVectorModels, type VectorModels } from '../../stream/vectors/vector-models.ts';
import { VectorView } from '../../stream/vectors/vector-view.ts';
import { systemClock } from '../clock.ts';
import { createCrashPoint } from '../crash-point.ts';
import { environment } from '../environment.ts';
import { createLogger, type LogLevel } from '../logger.ts';
import { streamOptionsOf, VECTOR_OPTIONS } from '../option-mapping.ts';
import { openPersonKeys } from '../person-keys.ts';
import type { Settings } from '../settings.ts';
import { serveCalls } from '../thread-call.ts';
import { type PartitionCounts, STREAM_TOPICS } from '../topic-plan.ts';
import { appendThrough, serveAppends } from './append-port.ts';
import { openOwnedState, type RemovedKeys } from './owned-state.ts';
import { StartGate } from './start-gate.ts';
import { openUnsealedLog } from './stores.ts';

export interface StreamWorkerData {
  readonly logDirectory: string;
  readonly keysDirectory: string;
  readonly stateDirectory: string;
  readonly artifactsDirectory: string;
  readonly counts: PartitionCounts;
  readonly owned: OwnedPartitions;
  /** To the worker that writes the stream's topics; absent at that one itself. */
  readonly appendPort?: MessagePort;
  /** From the other workers, at the one that writes. */
  readonly appendPorts: readonly MessagePort[];
  readonly busName: string;
  readonly settings: Settings;
  /** Absent where the instance has no warehouse. */
  readonly warehouse?: ClickHouseConnection;
}

/** Retention of a topic that this thread writes, decided by the main thread. */
export interface CleanCall {
  readonly topic: string;
  readonly retention: TopicRetention;
  readonly now: EpochMs;
}

const run = async (data: StreamWorkerData): Promise<void> => {
  const port = parentPort;
  if (!port) throw new Error('Expected to run as a worker thread');
  const clock = systemClock;
  const logger = createLogger({ level: data.settings.logLevel as LogLevel, role: 'stream' });
  const keys = openPersonKeys({ keys: data.keysDirectory });
  const eventLog = await openLog(data, keys);
  const stateStore = await openOwnedState({
    directory: data.stateDirectory,
    owned: data.owned,
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
  const models = await openVectorModels(data, { eventLog, logger });
  const gate = new StartGate();
  const stream = createStream({
    eventLog,
    stateStore,
    liveBus,
    ...(warehouse ? { warehouse } : {}),
    clock,
    logger,
    crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
    options: foretelling(streamOptionsOf(data.settings, data.counts)),
    kinds: kindTable(DEFAULT_KINDS),
    partitions: data.owned,
    vectors: new VectorView({ ...VECTOR_OPTIONS, model: () => models.current }),
    untilAllReach: (step) => gate.untilOpen(step),
  });
  serveCalls(port, {
    start: () => stream.start(),
    status: () => stream.status(),
    caughtUp: () => stream.caughtUp(),
    reached: (step) => gate.reached(step as StartStep),
    open: (step) => gate.open(step as StartStep),
    clean: (call) => {
      const { topic, retention, now } = call as CleanCall;
      return eventLog.clean(topic, retention, now);
    },
    keyDestroyed: (address) => keys.forget(addressOfText(address as string)),
    snapshot: (partitions) => stateStore.snapshotOwn(partitions as readonly StatePartition[]),
    erase: (removed) => stateStore.eraseOwn(removed as readonly RemovedKeys[]),
    warehouseSetUpAnew: () => stream.warehouseSetUpAnew(),
    stop: () => stream.stop(),
    async close() {
      try {
        await Promise.all([warehouse?.close(), liveBus.close(), models.stop()]);
        await bothClosed(stateStore, eventLog);
      } finally {
        for (const line of data.appendPorts) line.close();
        // With its port closed the thread ends by itself; LMDB does not survive being terminated.
        setImmediate(() => port.close());
      }
    },
  });
};

/** About a megabyte of people's states: more than that is a backlog, which nobody waits for. */
const FORETOLD_KEYS_MAX = 512;

/** Lists are made in this process, and need not wait until what follows from the log is stored. */
const foretelling = (options: StreamOptions): StreamOptions => ({
  ...options,
  runner: { ...options.runner, foretoldKeysMax: FORETOLD_KEYS_MAX },
});

const openVectorModels = async (
  { artifactsDirectory }: StreamWorkerData,
  given: { readonly eventLog: EventLog; readonly logger: Logger },
): Promise<VectorModels> => {
  const { logger } = given;
  const artifactStore = await openDirectoryArtifactStore({ directory: artifactsDirectory, logger });
  return followVectorModels({ ...given, artifactStore, clock: systemClock });
};

const openLog = async (data: StreamWorkerData, keys: PersonKeys): Promise<EventLog> => {
  const { appendPort, appendPorts } = data;
  const log = await openUnsealedLog({
    directory: data.logDirectory,
    counts: data.counts,
    writableTopics: appendPort ? [] : STREAM_TOPICS,
    clock: systemClock,
  });
  for (const line of appendPorts) serveAppends(line, log);
  return new SealedEventLog({ log: appendPort ? appendThrough(appendPort, log) : log, keys });
};

/** On a disk that fails one may not close; the other is closed all the same, and the thread ends. */
const bothClosed = async (state: StateStore, log: EventLog): Promise<void> => {
  const settled = await Promise.allSettled([state.close(), log.close()]);
  const failed = settled.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
};

await run(workerData as StreamWorkerData);
