/**
 * The distributed profile: the log on Kafka, state and hints on Redis, warehouse and releases on
 * ClickHouse, for any number of processes. The data directory is this process's own and can be lost:
 * copies of releases lie in it. Opened in the order in which they need each other.
 */
import { moverUnitsOf } from '../../ingest/events-in/outside-mover.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { STATE_FORMAT } from '../../schemas/state/state-format.ts';
import { openDirectoryArtifactStore } from '../../storage/artifact-store/directory-artifact-store.ts';
import { mirroredArtifactStore } from '../../storage/artifact-store/mirrored-artifact-store.ts';
import { openKafkaEventLog } from '../../storage/event-log/kafka/kafka-event-log.ts';
import { joinKafkaOwnership } from '../../storage/event-log/kafka/kafka-ownership.ts';
import type { PartitionOwnership } from '../../storage/event-log/partition-ownership.ts';
import { SealedEventLog } from '../../storage/event-log/sealing/sealed-event-log.ts';
import { openSharedKeys } from '../../storage/event-log/sealing/shared-keys.ts';
import { openRedisLiveBus } from '../../storage/live-bus/redis-live-bus.ts';
import { openRedisStateStore } from '../../storage/state-store/redis-state-store.ts';
import { ClickHouseWarehouse } from '../../storage/warehouse/clickhouse-warehouse.ts';
import type { StreamOptions } from '../../stream/options.ts';
import { followVectorModels } from '../../stream/vectors/vector-models.ts';
import { VectorView } from '../../stream/vectors/vector-view.ts';
import { createCrashPoint } from '../crash-point.ts';
import { openDataDirectory } from '../data-directory.ts';
import { watchDisk } from '../disk-usage.ts';
import { environment } from '../environment.ts';
import type { ProfileOptions } from '../instance.ts';
import { type Openings, openedOrClosed } from '../openings.ts';
import { streamOptionsOf, VECTOR_OPTIONS } from '../option-mapping.ts';
import type { Profile } from '../profile.ts';
import { randomBytes } from '../random.ts';
import type { Settings } from '../settings.ts';
import { planAllTopics } from '../topic-plan.ts';
import { openArtifactPlace } from '../training/artifact-place.ts';
import { joinElection } from './election.ts';
import { forgettingOf } from './forgetting.ts';
import { startOwnedStream, unitsOf } from './owned-stream.ts';
import {
  clickHouseConnectionOf,
  kafkaAccessOf,
  redisServersOf,
  schemaRegistryOf,
  topicRulesOf,
} from './server-access.ts';
import { probeServers } from './server-probes.ts';

const SECOND_MS = 1_000;
const CONNECT_MS_MAX = 3_000;
const REQUEST_MS_MAX = 5_000;
/** A Redis that was killed may come back without its last second: an idle partition looks for that. */
const POSITION_CHECK_MS = 2_000 as StreamOptions['runner']['positionCheckMs'];
/** Whoever makes state of another format shares nothing out with us: each format is made as a whole. */
const STREAM_GROUP = `stream.${STATE_FORMAT}`;

export const openDistributedProfile = (options: ProfileOptions): Promise<Profile> =>
  openedOrClosed((openings) => open(options, openings));

const open = async (options: ProfileOptions, openings: Openings): Promise<Profile> => {
  const { settings, clock, logger, onFatal } = options;
  const { namespace } = settings;
  const directory = openings.add(openDataDirectory(settings.dataDirectory, settings), (opened) =>
    opened.release(),
  );
  const access = kafkaAccessOf(settings);
  const storedLog = openings.add(
    await openKafkaEventLog({
      ...access,
      namespace,
      topics: planAllTopics(settings),
      rules: topicRulesOf(settings),
      clock,
      logger,
    }),
    (opened) => opened.close(),
  );
  const keys = openings.add(
    await openSharedKeys({ log: storedLog, clock, logger, randomBytes, onFatal }),
    (opened) => opened.close(),
  );
  const log = new SealedEventLog({
    log: storedLog,
    keys: keys.edge,
    untilCertain: (sealed) => keys.untilCertain(sealed),
  });
  const servers = redisServersOf(settings);
  const state = openings.add(await openRedisStateStore({ servers, namespace }), (opened) =>
    opened.close(),
  );
  const liveBus = openings.add(await openRedisLiveBus({ servers, namespace }), (opened) =>
    opened.close(),
  );
  const connection = clickHouseConnectionOf(settings);
  const artifactPlace = { kind: 'clickhouse', connection, database: namespace } as const;
  const artifactStore = openings.add(
    mirroredArtifactStore({
      shared: await openArtifactPlace(artifactPlace, { logger }),
      own: await openDirectoryArtifactStore({ directory: directory.paths.artifacts, logger }),
      logger,
    }),
    (opened) => opened.close(),
  );
  const warehouse = openings.add(
    new ClickHouseWarehouse({ connection, database: namespace }),
    (opened) => opened.close(),
  );
  const models = openings.add(
    await followVectorModels({ eventLog: log, artifactStore, clock, logger }),
    (opened) => opened.stop(),
  );
  const groupOf = (group: string, units: readonly string[]): PartitionOwnership =>
    joinKafkaOwnership({
      access: {
        ...access,
        clientId: namespace,
        connectMsMax: CONNECT_MS_MAX,
        requestMsMax: REQUEST_MS_MAX,
        logger,
      },
      namespace,
      group,
      units,
      sessionMsMax: settings.takeOverSeconds * SECOND_MS,
      clock,
      logger,
    });
  const ownership = settings.roles.includes('stream')
    ? groupOf(STREAM_GROUP, unitsOf(settings))
    : undefined;
  const stream = openings.add(
    startOwnedStream({
      ownership,
      counts: settings,
      deps: {
        eventLog: new SealedEventLog({ log: storedLog, keys: keys.stream }),
        stateStore: state,
        liveBus,
        warehouse,
        clock,
        logger,
        crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
        options: streamOptions(settings),
        kinds: kindTable(DEFAULT_KINDS),
        vectors: new VectorView({ ...VECTOR_OPTIONS, model: () => models.current }),
      },
      onFatal,
    }),
    (started) => started.stop(),
  );
  const schemaRegistry = schemaRegistryOf(settings, { clock, logger });
  const election = settings.roles.includes('training')
    ? openings.add(joinElection(groupOf('training', ['trainer']), onFatal), (joined) =>
        joined.stop(),
      )
    : undefined;
  const isIngest = settings.roles.includes('ingest');
  return {
    name: 'distributed',
    directory,
    counts: settings,
    log,
    state,
    artifactStore,
    artifactPlace,
    liveBus,
    warehouse: { connection, problem: () => undefined },
    stream,
    servers: probeServers({ eventLog: log, stateStore: state, warehouse, clock }),
    seal: (topic, records) => log.seal(topic, records),
    forgetting: (warehouse) =>
      forgettingOf({
        keys,
        log,
        storedLog,
        state,
        redis: servers,
        namespace,
        counts: settings,
        stream,
        warehouse,
        ownership: isIngest ? groupOf('forgetting', ['forgetting']) : undefined,
        clock,
      }),
    ...(isIngest && {
      eventsIn: {
        ownership: groupOf('events-in', moverUnitsOf(settings.userPartitions)),
        schemaRegistry,
      },
    }),
    trainer: {
      isElected: () => election?.isElected() === true,
      isAnother: () => election?.isAnother() === true,
    },
    async startUpkeep() {
      const disk = await watchDisk(directory.paths, {}, clock);
      return {
        limits: {},
        // Kafka and ClickHouse keep themselves within what their settings say.
        retention: () => undefined,
        warehouseRetention: () => undefined,
        disk: () => disk.latest(),
        stop: async () => disk.stop(),
      };
    },
    close: () => openings.close(),
  };
};

const streamOptions = (settings: Settings): StreamOptions => {
  const options = streamOptionsOf(settings, settings);
  return { ...options, runner: { ...options.runner, positionCheckMs: POSITION_CHECK_MS } };
};
