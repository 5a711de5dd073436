/**
 * Kafka, Redis and ClickHouse for a benchmark, all on this machine, and the real program on them in any
 * number of processes. They share the cores with what is measured, which every result says.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../runtime/clock.ts';
import { allPartitionsOf, type PartitionCounts, planAllTopics } from '../../runtime/topic-plan.ts';
import type { HealthReadyAnswer } from '../../schemas/api/system.ts';
import type { Logger } from '../../schemas/environment.ts';
import { type EpochMs, partitionIndex, statePartition } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { openKafkaEventLog } from '../../storage/event-log/kafka/kafka-event-log.ts';
import { openRedisStateStore } from '../../storage/state-store/redis-state-store.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import { ClickHouseServer } from '../../test/services/clickhouse-server.ts';
import { type KafkaServers, startKafka } from '../../test/services/kafka-server.ts';
import { RedisServer } from '../../test/services/redis-server.ts';
import {
  type InstanceProcess,
  makeDataDirectory,
  removeDataDirectory,
  startInstanceProcess,
  WITHOUT_TRAINING,
} from '../instance-process.ts';
import { fillLog, type ReplayPlan } from '../stream/replay-run.ts';

const nothing = (): void => undefined;
export const SILENT: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: console.error,
};

const HEAP_MIB = 768;
/** As the program's own default, which topics are made with. */
const RETENTION_MS = 400 * 86_400_000;
const POLL_MS = 250;
const LIMIT_MS = 580_000;

export interface StartOptions {
  readonly namespace: string;
  readonly roles: string;
  readonly node?: Parameters<typeof startInstanceProcess>[2];
}

export class BenchSite {
  readonly counts: PartitionCounts;
  readonly redis: RedisServer;
  readonly #kafka: KafkaServers;
  /** A server for each namespace: its user has one database. */
  readonly #clickhouses = new Map<string, ClickHouseServer>();
  readonly #root = makeDataDirectory();
  readonly #running = new Set<InstanceProcess>();
  #started = 0;

  static async start(counts: PartitionCounts): Promise<BenchSite> {
    const [kafka, redis] = await Promise.all([
      startKafka({ heapMiB: HEAP_MIB }),
      RedisServer.start(),
    ]);
    return new BenchSite(counts, { kafka, redis });
  }

  private constructor(
    counts: PartitionCounts,
    servers: {
      readonly kafka: KafkaServers;
      readonly redis: RedisServer;
    },
  ) {
    this.counts = counts;
    this.#kafka = servers.kafka;
    this.redis = servers.redis;
  }

  get brokers(): readonly string[] {
    return this.#kafka.addresses('plain');
  }

  /** Another process of the program, with a data directory of its own. */
  async startProcess({ namespace, roles, node }: StartOptions): Promise<InstanceProcess> {
    this.#started += 1;
    const directory = join(this.#root, `process-${this.#started}`);
    const { url, username } = (await this.#clickhouseOf(namespace)).connection;
    const words = [
      ...['--empty', ...WITHOUT_TRAINING, '--roles', roles],
      ...['--profile', 'distributed', '--namespace', namespace],
      ...['--kafka-brokers', this.brokers.join(','), '--redis-urls', this.redis.url],
      ...['--clickhouse-url', url, '--clickhouse-user', username],
      ...['--clickhouse-password-file', this.#passwordFile],
      ...['--user-partitions', String(this.counts.userPartitions)],
      ...['--item-partitions', String(this.counts.itemPartitions)],
    ];
    const started = await startInstanceProcess(directory, words, node);
    this.#running.add(started);
    return {
      ...started,
      stop: async () => {
        this.#running.delete(started);
        await started.stop();
      },
    };
  }

  openLog(namespace: string): Promise<EventLog> {
    return openKafkaEventLog({
      brokers: this.brokers,
      namespace,
      topics: planAllTopics(this.counts),
      rules: { replicationFactor: 1, minInsyncReplicas: 1, retentionMs: RETENTION_MS },
      clock: systemClock,
      logger: SILENT,
    });
  }

  openState(namespace: string): Promise<StateStore> {
    return openRedisStateStore({ servers: { urls: [this.redis.url] }, namespace });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((each) => each.stop()));
    const clickhouses = [...this.#clickhouses.values()].map((each) => each.remove());
    await Promise.all([this.#kafka.stop(), this.redis.remove(), ...clickhouses]);
    removeDataDirectory(this.#root);
  }

  /** To be called before several processes of a namespace are started at once. */
  async prepare(namespace: string): Promise<void> {
    await this.#clickhouseOf(namespace);
  }

  async #clickhouseOf(namespace: string): Promise<ClickHouseServer> {
    const known = this.#clickhouses.get(namespace);
    if (known !== undefined) return known;
    await Promise.all([...this.#clickhouses.values()].map((each) => each.kill()));
    const started = await ClickHouseServer.start(namespace);
    this.#clickhouses.set(namespace, started);
    writeFileSync(this.#passwordFile, started.connection.password);
    return started;
  }

  get #passwordFile(): string {
    return join(this.#root, 'clickhouse-password');
  }
}

/** Events of the last days: brokers let go of what is older than a topic keeps. */
export const fillLogUntilNow = (log: EventLog, plan: ReplayPlan): Promise<void> =>
  fillLogUntil(log, plan, systemClock.now());

/** Others that were before those. */
export const fillLogBefore = (log: EventLog, plan: ReplayPlan): Promise<void> =>
  fillLogUntil(log, plan, (systemClock.now() - 1.5 * LASTS_MS) as EpochMs);

const fillLogUntil = (log: EventLog, plan: ReplayPlan, endsAt: EpochMs): Promise<void> =>
  fillLog(log, plan, { endsAt, lastsMs: LASTS_MS });

const LASTS_MS = 2 * 86_400_000;

/** Runs the work on servers of its own and takes them away again. */
export const onBenchSite = async <Result>(
  counts: PartitionCounts,
  work: (site: BenchSite) => Promise<Result>,
): Promise<Result> => {
  const site = await BenchSite.start(counts);
  try {
    return await work(site);
  } finally {
    await site.stop();
  }
};

export interface Covered {
  /** Records of the interactions that the state covers. */
  readonly interactions: number;
  /** Whether all that the log holds is covered, of the items' signals, too. */
  readonly isAll: boolean;
}

/** How far the state is, whoever makes it. */
export const coveredOf = async (
  log: EventLog,
  state: StateStore,
  counts: PartitionCounts,
): Promise<Covered> => {
  const { interactions, itemSignals } = allPartitionsOf(counts);
  const count = async (topic: string, index: number) => {
    const [position, { end }] = await Promise.all([
      state.position(statePartition(topic, partitionIndex(index))),
      log.watermarks(topic, partitionIndex(index)),
    ]);
    const covered = (position?.coveredOffset ?? -1) + 1;
    return { covered, isAll: covered >= end };
  };
  // Signals after events: what an event means for items is logged before the event counts as covered.
  const events = await Promise.all(
    interactions.map((index) => count(TOPICS.interactions.name, index)),
  );
  const signals = await Promise.all(
    itemSignals.map((index) => count(TOPICS.itemSignals.name, index)),
  );
  return {
    interactions: events.reduce((sum, { covered }) => sum + covered, 0),
    isAll: [...events, ...signals].every(({ isAll }) => isAll),
  };
};

/** How long it took, in seconds, until everything was covered, and when which share was. */
export const secondsUntilCovered = async (
  log: EventLog,
  state: StateStore,
  counts: PartitionCounts,
): Promise<{
  readonly seconds: number;
  readonly curve: readonly (readonly [number, number])[];
}> => {
  const begun = performance.now();
  const curve: (readonly [number, number])[] = [];
  for (;;) {
    const { interactions, isAll } = await coveredOf(log, state, counts);
    const seconds = (performance.now() - begun) / 1_000;
    curve.push([seconds, interactions]);
    if (isAll) return { seconds, curve };
    if (seconds * 1_000 > LIMIT_MS) throw new Error('Expected the stream to cover its log.');
    await sleep(POLL_MS);
  }
};

/** Events a second from when a tenth was covered: what comes before is the start of the process. */
export const rateOfCurve = (curve: readonly (readonly [number, number])[]): number => {
  const [endSeconds, events] = curve.at(-1)!;
  const [fromSeconds, from] = curve.find(([, covered]) => covered >= events / 10)!;
  return (events - from) / (endSeconds - fromSeconds);
};

export const untilReady = async (instance: InstanceProcess): Promise<void> => {
  const until = performance.now() + LIMIT_MS;
  while ((await instance.get<HealthReadyAnswer>('/health/ready')).status !== 'ready') {
    if (performance.now() > until) throw new Error('Expected the process to become ready.');
    await sleep(POLL_MS);
  }
};
