/**
 * The embedded profile: a data directory with the log, state, warehouse and models of one machine, and
 * the stream on threads of its own. Opened in the order in which they need each other.
 */
import { openDirectoryArtifactStore } from '../../storage/artifact-store/directory-artifact-store.ts';
import { createInProcessLiveBus } from '../../storage/live-bus/in-process-live-bus.ts';
import type { EmbeddedStateStore } from '../../storage/state-store/lmdb-state-store.ts';
import { ClickHouseWarehouse } from '../../storage/warehouse/clickhouse-warehouse.ts';
import { keepLandmark } from '../../stream/landmark-keeper.ts';
import { type DataDirectory, openDataDirectory } from '../data-directory.ts';
import { watchDisk } from '../disk-usage.ts';
import type { ProfileOptions } from '../instance.ts';
import { type Openings, openedOrClosed } from '../openings.ts';
import { openPersonKeys } from '../person-keys.ts';
import type { Profile, Upkeep } from '../profile.ts';
import { keepLogWithinLimits } from '../retention/log-retention.ts';
import { keepSetAsideForAWhile } from '../retention/set-aside.ts';
import { keepWarehouseWithinLimit } from '../retention/warehouse-retention.ts';
import type { Settings } from '../settings.ts';
import { EMBEDDED_TOPICS, INGEST_TOPICS, STREAM_TOPICS } from '../topic-plan.ts';
import { ForetoldState } from './foretold-state.ts';
import { forgettingOf } from './forgetting.ts';
import { discardOldState } from './old-state.ts';
import { openEmbeddedLog, openEmbeddedState } from './stores.ts';
import { type StreamHost, type StreamHostData, startStreamHost } from './stream-host.ts';
import { startWarehouseHost, type WarehouseHost } from './warehouse-host.ts';

const DAY_MS = 86_400_000;

export const openEmbeddedProfile = (options: ProfileOptions): Promise<Profile> =>
  openedOrClosed((openings) => open(options, openings));

const open = async (options: ProfileOptions, openings: Openings): Promise<Profile> => {
  const { settings, clock, logger, onFatal } = options;
  const directory = openings.add(openDataDirectory(settings.dataDirectory, settings), (opened) =>
    opened.release(),
  );
  const { paths, facts } = directory;
  const keys = openPersonKeys(paths);
  const log = openings.add(
    await openEmbeddedLog({
      directory: paths.log,
      keys,
      counts: facts,
      writableTopics: INGEST_TOPICS,
      clock,
    }),
    (opened) => opened.close(),
  );
  await discardOldState(directory, log, logger);
  const warehouse = openings.add(
    await startWarehouseHost({ directory: paths.warehouse, settings, clock, logger }),
    (opened) => opened.close(),
  );
  // Before the stream starts: counters need their landmark before the first event.
  openings.add(await keepLandmark({ eventLog: log, clock, logger }), (keeper) => keeper.stop());
  const busName = `freshet-${facts.instanceId}`;
  const stream = openings.add(
    await startStreamHost(streamDataOf({ directory, settings, busName, warehouse }), onFatal),
    (opened) => opened.stop(),
  );
  warehouse.onSetUpAnew(() => {
    stream.warehouseSetUpAnew().catch((error: unknown) => {
      logger.warn('the stream does not hear of the new warehouse', { error });
    });
  });
  const state = openings.add(
    await openEmbeddedState({ directory: paths.state, readOnly: true, clock, logger }),
    (opened) => opened.close(),
  );
  const artifactStore = openings.add(
    await openDirectoryArtifactStore({ directory: paths.artifacts, logger }),
    (opened) => opened.close(),
  );
  const liveBus = openings.add(createInProcessLiveBus({ name: busName }), (opened) =>
    opened.close(),
  );
  const foretold = openings.add(new ForetoldState(state, liveBus), (opened) => opened.close());
  const profile = {
    name: 'embedded',
    directory,
    counts: facts,
    log,
    state: foretold,
    artifactStore,
    artifactPlace: { kind: 'directory', directory: paths.artifacts },
    liveBus,
    warehouse,
    stream,
  } as const;
  return {
    ...profile,
    seal: (topic, records) => log.seal(topic, records),
    forgetting: (warehouse) =>
      forgettingOf({ directory, keys, log, state, stream, warehouse, clock }),
    startUpkeep: () =>
      openedOrClosed((started) => startUpkeep({ ...options, ...profile, state }, started)),
    close: () => openings.close(),
  };
};

type UpkeepParts = ProfileOptions &
  Pick<Profile, 'directory' | 'log'> & {
    readonly state: EmbeddedStateStore;
    readonly stream: StreamHost;
    readonly warehouse: WarehouseHost;
  };

const startUpkeep = async (parts: UpkeepParts, openings: Openings): Promise<Upkeep> => {
  const { settings, log, state, stream, warehouse, directory, clock, logger } = parts;
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
  const { connection } = warehouse;
  const warehouseRetention = connection
    ? openings.add(
        keepWarehouseWithinLimit(
          {
            warehouse: new ClickHouseWarehouse({ connection, database: settings.namespace }),
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
  return {
    limits,
    retention: () => retention.status(),
    warehouseRetention: () => warehouseRetention?.status(),
    disk: () => disk.latest(),
    stop: () => openings.close(),
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
    keysDirectory: paths.keys,
    stateDirectory: paths.state,
    artifactsDirectory: paths.artifacts,
    counts: { userPartitions: facts.userPartitions, itemPartitions: facts.itemPartitions },
    workers: given.settings.streamWorkers,
    busName: given.busName,
    settings: given.settings,
    ...(given.warehouse.connection ? { warehouse: given.warehouse.connection } : {}),
  };
};
