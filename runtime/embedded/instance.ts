/**
 * One embedded instance: data directory, log, state, warehouse, stream worker, ingest, serving and
 * the HTTP server, started in the order in which they need each other and stopped in the opposite
 * one.
 */
import type { FastifyInstance } from 'fastify';
import { registerIngestRoutes } from '../../ingest/http/routes.ts';
import { type Ingest, openIngest } from '../../ingest/ingest.ts';
import type { Clock, Logger } from '../../schemas/environment.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { createServing, type Serving } from '../../serving/serving.ts';
import { openDirectoryArtifactStore } from '../../storage/artifact-store/directory-artifact-store.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { createInProcessLiveBus } from '../../storage/live-bus/in-process-live-bus.ts';
import { ClickHouseWarehouse } from '../../storage/warehouse/clickhouse-warehouse.ts';
import { keepLandmark } from '../../stream/landmark-keeper.ts';
import { registerModelRoutes } from '../../training/http/model-routes.ts';
import { createCrashPoint } from '../crash-point.ts';
import { type DataDirectory, openDataDirectory } from '../data-directory.ts';
import { watchDisk } from '../disk-usage.ts';
import { environment } from '../environment.ts';
import { serveDocs } from '../http/docs-page.ts';
import { listen, stopListening } from '../http/listen.ts';
import { registerOperationsRoutes } from '../http/operations-routes.ts';
import { createHttpServer } from '../http/server.ts';
import { serveStaticPage } from '../http/static-page.ts';
import { ingestOptionsOf, servingOptionsOf } from '../option-mapping.ts';
import { systemRandom } from '../random.ts';
import { keepLogWithinLimits } from '../retention/log-retention.ts';
import { keepSetAsideForAWhile } from '../retention/set-aside.ts';
import { keepWarehouseWithinLimit } from '../retention/warehouse-retention.ts';
import type { Settings } from '../settings.ts';
import { createSystemReport, type ServingFacts, type SystemReport } from '../system-report.ts';
import { startTrainingHost, type TrainingHost } from '../training/training-host.ts';
import { watchLiveQuality } from './live-quality-host.ts';
import { discardOldState } from './old-state.ts';
import { openEmbeddedLog, openEmbeddedState } from './stores.ts';
import { type StreamHost, type StreamHostData, startStreamHost } from './stream-host.ts';
import {
  EMBEDDED_TOPICS,
  INGEST_TOPICS,
  type PartitionCounts,
  STREAM_TOPICS,
} from './topic-plan.ts';
import { startWarehouseHost, type WarehouseHost } from './warehouse-host.ts';

const DAY_MS = 86_400_000;

export interface InstanceOptions {
  readonly settings: Settings;
  /** False where somebody chose the port: then a busy one is an error. */
  readonly mayMoveOn: boolean;
  readonly pageDirectory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Something broke that nothing here can mend: the process has to end. */
  readonly onFatal: (error: Error) => void;
}

export interface Instance {
  readonly port: number;
  readonly directory: DataDirectory;
  readonly log: EventLog;
  readonly ingest: Ingest;
  readonly serving: Serving;
  readonly stream: StreamHost;
  readonly warehouse: WarehouseHost;
  readonly training: TrainingHost;
  readonly report: SystemReport;
  stop(): Promise<void>;
}

/** What was opened so far, closed in the opposite order when the start fails or the end comes. */
class Openings {
  readonly #closers: (() => Promise<void> | void)[] = [];

  add<Opened>(opened: Opened, close: (opened: Opened) => Promise<void> | void): Opened {
    this.#closers.push(() => close(opened));
    return opened;
  }

  /** What does not close, on a disk that fails, keeps nothing else open; the first failure is told. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let closer = this.#closers.pop(); closer; closer = this.#closers.pop()) {
      try {
        await closer();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

export const startInstance = async (options: InstanceOptions): Promise<Instance> => {
  const openings = new Openings();
  try {
    return await start(options, openings);
  } catch (error) {
    await openings.close();
    throw error;
  }
};

const start = async (options: InstanceOptions, openings: Openings): Promise<Instance> => {
  const { settings, clock, logger } = options;
  const directory = openings.add(openDataDirectory(settings.dataDirectory, settings), (opened) =>
    opened.release(),
  );
  const counts: PartitionCounts = directory.facts;
  const log = openings.add(
    await openEmbeddedLog({
      directory: directory.paths.log,
      counts,
      writableTopics: INGEST_TOPICS,
      clock,
    }),
    (opened) => opened.close(),
  );
  await discardOldState(directory, log, logger);
  const warehouse = openings.add(
    await startWarehouseHost({ directory: directory.paths.warehouse, settings, clock, logger }),
    (opened) => opened.close(),
  );
  // Before the stream starts: counters need their landmark before the first event.
  openings.add(await keepLandmark({ eventLog: log, clock, logger }), (keeper) => keeper.stop());
  const busName = `freshet-${directory.facts.instanceId}`;
  const stream = openings.add(
    await startStreamHost(streamDataOf({ directory, settings, busName, warehouse }), (error) =>
      options.onFatal(error),
    ),
    (opened) => opened.stop(),
  );
  warehouse.onSetUpAnew(() => {
    stream.warehouseSetUpAnew().catch((error: unknown) => {
      logger.warn('the stream does not hear of the new warehouse', { error });
    });
  });
  const state = openings.add(
    await openEmbeddedState({
      directory: directory.paths.state,
      readOnly: true,
      clock,
      logger,
    }),
    (opened) => opened.close(),
  );
  const artifactStore = openings.add(
    await openDirectoryArtifactStore({ directory: directory.paths.artifacts, logger }),
    (opened) => opened.close(),
  );
  const liveBus = openings.add(createInProcessLiveBus({ name: busName }), (opened) =>
    opened.close(),
  );
  const kinds = kindTable(DEFAULT_KINDS);
  let report: SystemReport | undefined;
  const serving: Serving = openings.add(
    createServing({
      eventLog: log,
      stateStore: state,
      artifactStore,
      liveBus,
      clock,
      random: systemRandom,
      logger,
      crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
      kinds: DEFAULT_KINDS,
      options: servingOptionsOf(settings),
      partitions: counts,
      system: async () => report?.system(),
    }),
    (opened) => opened.stop(),
  );
  await serving.start();
  const training = openings.add(
    await startTrainingHost({
      settings,
      log,
      artifactStore,
      artifactsDirectory: directory.paths.artifacts,
      userPartitions: counts.userPartitions,
      warehouse,
      stream: () => stream.status(),
      clock,
      logger,
    }),
    (opened) => opened.stop(),
  );
  const qualityWarehouse = warehouse.connection
    ? openings.add(
        new ClickHouseWarehouse({
          connection: warehouse.connection,
          database: settings.namespace,
        }),
        (opened) => opened.close(),
      )
    : undefined;
  const quality = openings.add(
    watchLiveQuality({
      serving,
      warehouse: qualityWarehouse,
      clock,
      logger,
      perSecond: settings.qualityPerSecond,
    }),
    (opened) => opened.stop(),
  );
  const ingest = openings.add(
    await openIngest({
      log,
      clock,
      random: systemRandom,
      logger,
      kinds,
      configVersion: 1,
      options: ingestOptionsOf(settings),
      currentItem: (itemId) => serving.currentItem(itemId),
      untilItemsShown: (positions) => serving.untilItemsShown(positions),
      covered: (partition) => serving.coveredOffset(partition),
      onAccepted: (event) => quality.observe(event),
      crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
      onStorageFailed: options.onFatal,
    }),
    (opened) => opened.close(),
  );
  await ingest.seed();
  const retention = openings.add(
    keepLogWithinLimits(
      {
        log,
        state,
        topics: EMBEDDED_TOPICS,
        streamTopics: STREAM_TOPICS,
        stream,
        clock,
        logger,
      },
      { ageMs: settings.logRetentionDays * DAY_MS, bytesMax: settings.logBytesMax },
    ),
    (opened) => opened.stop(),
  );
  const warehouseRetention = warehouse.connection
    ? openings.add(
        keepWarehouseWithinLimit(
          {
            warehouse: new ClickHouseWarehouse({
              connection: warehouse.connection,
              database: settings.namespace,
            }),
            clock,
            logger,
          },
          settings.warehouseBytesMax,
        ),
        (opened) => opened.stop(),
      )
    : undefined;
  openings.add(keepSetAsideForAWhile(directory.paths, { clock, logger }), (keeper) =>
    keeper.stop(),
  );
  const limits = { log: settings.logBytesMax, warehouse: settings.warehouseBytesMax };
  const disk = openings.add(await watchDisk(directory.paths, limits, clock), (watch) =>
    watch.stop(),
  );
  report = createSystemReport({
    clock,
    roles: settings.roles,
    stream: () => stream.status(),
    serving: () => servingFactsOf(serving),
    ingestProblem: () => ingest.problem(),
    ingestCounters: () => ({ queuedBytes: ingest.queuedBytes() }),
    warehouseProblem: () => warehouse.whyOff ?? warehouse.status()?.problem ?? undefined,
    retention: () => retention.status(),
    warehouseRetention: () => warehouseRetention?.status(),
    limits,
    disk: () => disk.latest(),
    training: () => training.desk.status(),
    quality: () => quality.report(),
    alarms: () => quality.alarms(),
  });
  const app = openings.add(
    await createApp(options, { ingest, serving, training, report }),
    (opened) => stopListening(opened, clock),
  );
  const port = await listen(app, { ...settings, mayMoveOn: options.mayMoveOn });
  return {
    port,
    directory,
    log,
    ingest,
    serving,
    stream,
    warehouse,
    training,
    report,
    stop: () => openings.close(),
  };
};

const createApp = async (
  options: InstanceOptions,
  parts: { ingest: Ingest; serving: Serving; training: TrainingHost; report: SystemReport },
): Promise<FastifyInstance> => {
  const { settings, clock, logger } = options;
  const app = await createHttpServer({ ...settings, logger, monotonicMs: clock.monotonicMs });
  await app.register(
    async (scope) => {
      registerIngestRoutes(scope, parts.ingest);
      parts.serving.registerRoutes(scope);
      registerModelRoutes(scope, {
        desk: parts.training.desk,
        clock,
        nextAt: () => parts.training.keeper.nextAt(),
      });
      registerOperationsRoutes(scope, parts.report);
      serveDocs(scope);
      serveStaticPage(scope, options.pageDirectory);
    },
    settings.basePath === '' ? {} : { prefix: settings.basePath },
  );
  parts.serving.attachLive(app.server);
  await app.ready();
  return app;
};

const servingFactsOf = (serving: Serving): ServingFacts => {
  const { catalogue, freshnessMs, problems, notices, memory, release, ...counted } =
    serving.status();
  const { listsMade, subjectReads, cache } = counted;
  return {
    items: catalogue.items,
    visibleItems: catalogue.visible,
    problems,
    notices,
    memoryBytes: { items: memory.itemBytes, release: release?.memoryBytes ?? 0 },
    counters: {
      listsMade,
      subjectReads,
      ...cache,
      releaseSwaps: release?.swaps ?? 0,
      releasesRefused: release?.refusedCount ?? 0,
    },
    freshnessMs,
  };
};

const streamDataOf = (given: {
  readonly directory: DataDirectory;
  readonly settings: Settings;
  readonly busName: string;
  readonly warehouse: WarehouseHost;
}): StreamHostData => {
  const { facts, paths } = given.directory;
  return {
    logDirectory: paths.log,
    stateDirectory: paths.state,
    artifactsDirectory: paths.artifacts,
    counts: { userPartitions: facts.userPartitions, itemPartitions: facts.itemPartitions },
    workers: given.settings.streamWorkers,
    busName: given.busName,
    settings: given.settings,
    ...(given.warehouse.connection ? { warehouse: given.warehouse.connection } : {}),
  };
};
