/**
 * The stores of a site on servers, for a command that fills them or copies them: without a stream and
 * without whoever serves.
 */
import type { Clock, Logger } from '../../schemas/environment.ts';
import type { ArtifactStore } from '../../storage/artifact-store/artifact-store.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import {
  HELD_RULES,
  letGoTopics,
  type SiteTopics,
  siteTopics,
} from '../../storage/event-log/kafka/held-topics.ts';
import { openKafkaEventLog } from '../../storage/event-log/kafka/kafka-event-log.ts';
import { openRedisStateStore } from '../../storage/state-store/redis-state-store.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import { ClickHouseWarehouse } from '../../storage/warehouse/clickhouse-warehouse.ts';
import type { Warehouse } from '../../storage/warehouse/warehouse.ts';
import type { Openings } from '../openings.ts';
import type { Settings } from '../settings.ts';
import { type PartitionCounts, planAllTopics } from '../topic-plan.ts';
import { openArtifactPlace } from '../training/artifact-place.ts';
import {
  clickHouseConnectionOf,
  kafkaAccessOf,
  redisServersOf,
  topicRulesOf,
} from './server-access.ts';

export interface ServersOptions {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Servers {
  /** That the topics there have, or are made with. */
  readonly counts: PartitionCounts;
  readonly state: StateStore;
  readonly artifactStore: ArtifactStore;
  readonly warehouse: Warehouse;
  /**
   * What the brokers have of the site; the log is opened, and its topics made, only when asked for: as it
   * is stored, with what is sealed in it and the keys to that.
   */
  topics(): Promise<SiteTopics>;
  openLog(use: 'held' | 'as it is'): Promise<EventLog>;
  /** What was filled is a site from now on. */
  letGo(): Promise<void>;
}

export const openServers = async (
  { settings, clock, logger }: ServersOptions,
  openings: Openings,
): Promise<Servers> => {
  const { namespace } = settings;
  const connection = clickHouseConnectionOf(settings);
  const kafka = {
    access: kafkaAccessOf(settings),
    namespace,
    topics: planAllTopics(settings),
    logger,
  };
  const state = openings.add(
    await openRedisStateStore({ servers: redisServersOf(settings), namespace }),
    (opened) => opened.close(),
  );
  const artifactStore = openings.add(
    await openArtifactPlace({ kind: 'clickhouse', connection, database: namespace }, { logger }),
    (opened) => opened.close(),
  );
  const warehouse = openings.add(
    new ClickHouseWarehouse({ connection, database: namespace }),
    (opened) => opened.close(),
  );
  return {
    counts: settings,
    state,
    artifactStore,
    warehouse,
    topics: () => siteTopics(kafka),
    openLog: async (use) =>
      openings.add(
        await openKafkaEventLog({
          ...kafka.access,
          namespace,
          topics: kafka.topics,
          rules: { ...topicRulesOf(settings), ...(use === 'held' ? HELD_RULES : {}) },
          clock,
          logger,
        }),
        (opened) => opened.close(),
      ),
    letGo: () => letGoTopics({ ...kafka, rules: topicRulesOf(settings) }),
  };
};
