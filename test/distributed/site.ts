/**
 * A whole site for tests: real Kafka, Redis and ClickHouse, the real program in any number of processes
 * on them, and what the stores hold when all have stopped.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../runtime/clock.ts';
import { loadConfiguration } from '../../runtime/configuration.ts';
import { randomBytes } from '../../runtime/random.ts';
import { flagOf, type SettingName, type Settings } from '../../runtime/settings.ts';
import { type PartitionCounts, planAllTopics } from '../../runtime/topic-plan.ts';
import type { SystemAnswer } from '../../schemas/api/system.ts';
import { decodeRecordAs } from '../../schemas/avro/record-codec.ts';
import { type EpochMs, partitionIndex } from '../../schemas/ids.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { STATE_FORMAT } from '../../schemas/state/state-format.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { openKafkaEventLog } from '../../storage/event-log/kafka/kafka-event-log.ts';
import { partitionSlices } from '../../storage/event-log/partition-slices.ts';
import { readKeys } from '../../storage/event-log/sealing/key-topic.ts';
import { SealedEventLog } from '../../storage/event-log/sealing/sealed-event-log.ts';
import { readPersonKeys } from '../../storage/event-log/sealing/shared-keys.ts';
import { openRedisStateStore } from '../../storage/state-store/redis-state-store.ts';
import { ClickHouseWarehouse } from '../../storage/warehouse/clickhouse-warehouse.ts';
import { type Remains, remainsOf } from '../faults/oracle.ts';
import { isLevel, type Reachable, untilSystem } from '../faults/program-calls.ts';
import {
  type ServerOptions,
  type ServerProcess,
  startServer,
  systemOf,
} from '../faults/server-process.ts';
import { compareStateWithLog } from '../faults/state-oracle.ts';
import { ClickHouseServer } from '../services/clickhouse-server.ts';
import { freePort } from '../services/free-port.ts';
import type { RedisCluster } from '../services/redis-cluster.ts';
import { RedisServer } from '../services/redis-server.ts';

export const PARTITIONS = { userPartitions: 3, itemPartitions: 2 } as const;

const MINUTE_MS = 60_000;
/** Less than by default: whoever is killed is waited for. More than a machine with much to do stalls. */
const TAKE_OVER_SECONDS = 4;

let sites = 0;

export interface SiteOptions {
  /** Brokers that have each record; of three, two must have it. */
  readonly replication?: 1 | 3;
  /** Instead of a Redis of the site's own; whoever gave it takes it away. */
  readonly cluster?: RedisCluster;
  /** Other than their defaults, for every process. */
  readonly settings?: readonly (readonly [SettingName, string])[];
}

interface SiteParts {
  readonly brokers: readonly string[];
  readonly namespace: string;
  readonly redis: RedisServer | undefined;
  readonly clickhouse: ClickHouseServer;
  readonly partitions: PartitionCounts;
  readonly options: SiteOptions;
}

export class Site {
  readonly clickhouse: ClickHouseServer;
  readonly namespace: string;
  readonly partitions: PartitionCounts;
  readonly #parts: SiteParts;
  readonly #root = mkdtempSync(join(tmpdir(), 'freshet-site-'));
  readonly #running = new Set<ServerProcess>();
  readonly #isGuest: boolean;
  #started = 0;

  /** Kafka is shared: each site has a namespace of its own there. */
  static async start(
    brokers: readonly string[],
    partitions: PartitionCounts = PARTITIONS,
    options: SiteOptions = {},
  ): Promise<Site> {
    sites += 1;
    const namespace = `site_${process.pid}_${sites}`;
    const redis = options.cluster ? undefined : await RedisServer.start();
    const clickhouse = await ClickHouseServer.start(namespace, [guestOf(namespace)]);
    return new Site({ brokers, namespace, redis, clickhouse, partitions, options });
  }

  private constructor(parts: SiteParts, isGuest = false) {
    this.#parts = parts;
    this.#isGuest = isGuest;
    this.clickhouse = parts.clickhouse;
    this.namespace = parts.namespace;
    this.partitions = parts.partitions;
    writeFileSync(this.#passwordFile, parts.clickhouse.connection.password);
  }

  /** The site's own; one on a cluster has none. */
  get redis(): RedisServer {
    const { redis } = this.#parts;
    if (redis === undefined) throw new Error('Expected a Redis of its own, got a cluster');
    return redis;
  }

  /** Another site on the same servers, one at most; they are removed with the first. */
  beside(partitions: PartitionCounts = this.partitions): Site {
    const namespace = guestOf(this.namespace);
    return new Site({ ...this.#parts, namespace, partitions }, true);
  }

  /** Another process of the program, with a data directory of its own. */
  async startProgram(
    flags: readonly string[] = [],
    environment: Readonly<Record<string, string>> = {},
    version: Pick<ServerOptions, 'sources'> = {},
  ): Promise<ServerProcess> {
    this.#started += 1;
    const program = await startServer({
      dataDirectory: this.directory(`data-${this.#started}`),
      port: await freePort(),
      flags: ['--empty', ...this.flags(), ...flags],
      environment,
      ...version,
    });
    let ending: number | string | undefined;
    void program.ended.then((how) => {
      ending = how;
      this.#running.delete(program);
    });
    this.#running.add(program);
    await Promise.resolve();
    if (ending !== undefined) throw new Error(`It ended with ${ending}:\n${program.output()}`);
    return program;
  }

  /** A place for files that goes with the site. */
  directory(name: string): string {
    return join(this.#root, name);
  }

  /** What the stores hold against what the log says; empty where all is well. */
  async problems(stateFormat?: number): Promise<readonly string[]> {
    const remains = await this.openRemains(stateFormat);
    try {
      return await compareStateWithLog(remains, this.settings);
    } finally {
      await remains.close();
    }
  }

  async interactions(): Promise<Remains['interactions']> {
    const remains = await this.openRemains();
    await remains.close();
    return remains.interactions;
  }

  /** Ids of the events that the warehouse has, each as often as it has it. */
  async rows(): Promise<string[]> {
    const { connection } = this.clickhouse;
    const warehouse = new ClickHouseWarehouse({ connection, database: this.namespace });
    try {
      const sql = 'SELECT eventId FROM interactions FINAL';
      const rows = await warehouse.query({ name: 'every interaction', sql });
      return rows.map(({ eventId }) => String(eventId));
    } finally {
      await warehouse.close();
    }
  }

  /** Where the servers keep what is this site's, given where the brokers keep all. */
  directories(kafkaDirectory: string): readonly string[] {
    const topics = readdirSync(kafkaDirectory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name.startsWith(this.topic('')))
      .map((entry) => join(entry.parentPath, entry.name));
    return [...topics, this.redis.directory, this.clickhouse.directory];
  }

  /** What the keys of all people are made from now. */
  async keySeeds(): Promise<readonly Buffer[]> {
    const log = await this.openStoredLog();
    try {
      const { keys } = await readKeys(log);
      return (keys?.nodes ?? []).map(({ seed }) => Buffer.from(seed.buffer));
    } finally {
      await log.close();
    }
  }

  /** Retention takes whatever the topic holds now; says how many records. */
  async letGoOf(topic: string): Promise<number> {
    const log = await this.openStoredLog();
    try {
      const later = (Date.now() + MINUTE_MS) as EpochMs;
      return await log.clean(topic, { ageMs: 1_000 }, later);
    } finally {
      await log.close();
    }
  }

  /** The lists that impressions in the log are of, one for each impression. */
  async shownLists(): Promise<readonly string[]> {
    const remains = await this.openRemains();
    try {
      return await shownListsIn(remains.log);
    } finally {
      await remains.close();
    }
  }

  async remove(): Promise<void> {
    await Promise.all([...this.#running].map((program) => program.kill('SIGKILL')));
    if (!this.#isGuest) {
      await Promise.all([this.#parts.redis?.remove(), this.clickhouse.remove()]);
    }
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** As the brokers know one of the site's topics. */
  topic(name: string): string {
    return `${this.namespace}.${name}`;
  }

  get #passwordFile(): string {
    return this.directory('clickhouse-password');
  }

  /** What says where it is, to any command. */
  flags(): readonly string[] {
    const { url, username } = this.clickhouse.connection;
    const { replication = 1, cluster, settings = [] } = this.#parts.options;
    return [
      ...['--profile', 'distributed', '--namespace', this.namespace],
      ...['--kafka-brokers', this.#parts.brokers.join(',')],
      ...['--kafka-replication', String(replication)],
      ...['--take-over-seconds', String(TAKE_OVER_SECONDS)],
      ...['--redis-urls', this.#redisUrls.join(','), ...(cluster ? ['--redis-cluster'] : [])],
      ...['--clickhouse-url', url, '--clickhouse-user', username],
      ...['--clickhouse-password-file', this.#passwordFile],
      ...['--user-partitions', String(this.partitions.userPartitions)],
      ...['--item-partitions', String(this.partitions.itemPartitions)],
      ...settings.flatMap(([name, value]) => [`--${flagOf(name)}`, value]),
    ];
  }

  get settings(): Settings {
    const flags = new Map(this.#parts.options.settings ?? []);
    return loadConfiguration({ environment: {}, flags }).settings;
  }

  get #redisUrls(): readonly string[] {
    return this.#parts.options.cluster?.urls ?? [this.redis.url];
  }

  /** What they hold, to be closed by whoever opened it. */
  async openRemains(stateFormat?: number): Promise<Remains> {
    return remainsOf(await this.openStores(stateFormat));
  }

  /** Log and state, for whoever looks into them; closed by the caller. */
  async openStores(stateFormat: number = STATE_FORMAT): Promise<Pick<Remains, 'log' | 'state'>> {
    const { namespace } = this;
    const stored = await this.openStoredLog();
    const keys = await readPersonKeys({ log: stored, randomBytes });
    const log = keys === undefined ? stored : new SealedEventLog({ log: stored, keys });
    const servers = {
      urls: this.#redisUrls,
      isCluster: this.#parts.options.cluster !== undefined,
    };
    return { log, state: await openRedisStateStore({ servers, namespace, stateFormat }) };
  }

  /** As it is stored: nothing is opened on the way. */
  openStoredLog(): Promise<EventLog> {
    const { replication = 1 } = this.#parts.options;
    return openKafkaEventLog({
      brokers: this.#parts.brokers,
      namespace: this.namespace,
      topics: planAllTopics(this.partitions),
      rules: {
        replicationFactor: replication,
        minInsyncReplicas: replication === 1 ? 1 : 2,
        retentionMs: this.settings.logRetentionDays * 86_400_000,
      },
      clock: systemClock,
      logger: silentLogger,
    });
  }
}

const guestOf = (namespace: string): string => `${namespace}_guest`;

const shownListsIn = async (log: EventLog): Promise<readonly string[]> => {
  const { name } = TOPICS.impressions;
  const { partitionCount } = await log.topic(name);
  const lists: string[] = [];
  for (let index = 0; index < partitionCount; index += 1) {
    for await (const slice of partitionSlices(log, name, partitionIndex(index))) {
      for (const { value } of slice) {
        if (value !== null) lists.push(decodeRecordAs('Impression', value).listId);
      }
    }
  }
  return lists;
};

/** Until every partition has taken in what the log holds, whoever runs it. */
export const untilTakenIn = (program: Reachable): Promise<SystemAnswer> =>
  untilSystem(program, ({ partitions }) => partitions.length > 0 && isLevel(partitions));

/** Until every partition has taken in what the log held at the call, whatever comes meanwhile. */
export const untilCaughtUp = async (program: Reachable): Promise<SystemAnswer> => {
  const atCall = await systemOf(program);
  const ends = new Map(atCall.partitions.map(({ statePartition, end }) => [statePartition, end]));
  return untilSystem(
    program,
    ({ partitions }) =>
      partitions.length > 0 &&
      partitions.every(
        ({ statePartition, covered, lag }) =>
          lag === 0 ||
          (covered ?? -1) >= (ends.get(statePartition) ?? Number.POSITIVE_INFINITY) - 1,
      ),
  );
};

/** Until the warehouse has what the stream has taken in. */
export const untilCopied = (program: Reachable): Promise<SystemAnswer> =>
  untilSystem(program, ({ sinks }) => sinks.length > 0 && isLevel(sinks));
