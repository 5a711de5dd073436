/**
 * A whole site for tests: real Kafka, Redis and ClickHouse, the real program in any number of processes
 * on them, and what the stores hold when all have stopped.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../runtime/clock.ts';
import { loadConfiguration } from '../../runtime/configuration.ts';
import type { Settings } from '../../runtime/settings.ts';
import { planAllTopics } from '../../runtime/topic-plan.ts';
import { openKafkaEventLog } from '../../storage/event-log/kafka/kafka-event-log.ts';
import { openRedisStateStore } from '../../storage/state-store/redis-state-store.ts';
import { type Remains, remainsOf, SILENT } from '../faults/oracle.ts';
import { type ServerProcess, startServer, systemOf } from '../faults/server-process.ts';
import { compareStateWithLog } from '../faults/state-oracle.ts';
import { ClickHouseServer } from '../services/clickhouse-server.ts';
import { freePort } from '../services/free-port.ts';
import { RedisServer } from '../services/redis-server.ts';

const POLL_MS = 100;
const PARTITIONS = { userPartitions: 3, itemPartitions: 2 } as const;

let sites = 0;

export class Site {
  readonly redis: RedisServer;
  readonly clickhouse: ClickHouseServer;
  readonly #brokers: readonly string[];
  readonly #namespace: string;
  readonly #root = mkdtempSync(join(tmpdir(), 'freshet-site-'));
  readonly #running = new Set<ServerProcess>();
  #started = 0;

  /** Kafka is shared: each site has a namespace of its own there. */
  static async start(brokers: readonly string[]): Promise<Site> {
    sites += 1;
    const namespace = `site_${process.pid}_${sites}`;
    const redis = await RedisServer.start();
    const clickhouse = await ClickHouseServer.start(namespace);
    return new Site({ brokers, namespace, redis, clickhouse });
  }

  private constructor(given: {
    readonly brokers: readonly string[];
    readonly namespace: string;
    readonly redis: RedisServer;
    readonly clickhouse: ClickHouseServer;
  }) {
    this.#brokers = given.brokers;
    this.#namespace = given.namespace;
    this.redis = given.redis;
    this.clickhouse = given.clickhouse;
    writeFileSync(this.#passwordFile, given.clickhouse.connection.password);
  }

  /** Another process of the program, with a data directory of its own. */
  async startProgram(flags: readonly string[] = []): Promise<ServerProcess> {
    this.#started += 1;
    const program = await startServer({
      dataDirectory: join(this.#root, `data-${this.#started}`),
      port: await freePort(),
      flags: ['--empty', ...this.#flags(), ...flags],
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

  /** What the stores hold against what the log says; empty where all is well. */
  async problems(): Promise<readonly string[]> {
    const remains = await this.#openRemains();
    try {
      return await compareStateWithLog(remains, this.#settings());
    } finally {
      await remains.close();
    }
  }

  async interactions(): Promise<Remains['interactions']> {
    const remains = await this.#openRemains();
    await remains.close();
    return remains.interactions;
  }

  async remove(): Promise<void> {
    await Promise.all([...this.#running].map((program) => program.kill('SIGKILL')));
    await Promise.all([this.redis.remove(), this.clickhouse.remove()]);
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** As the brokers know one of the site's topics. */
  topic(name: string): string {
    return `${this.#namespace}.${name}`;
  }

  get #passwordFile(): string {
    return join(this.#root, 'clickhouse-password');
  }

  #flags(): readonly string[] {
    const { url, username } = this.clickhouse.connection;
    return [
      ...['--profile', 'distributed', '--namespace', this.#namespace],
      ...['--kafka-brokers', this.#brokers.join(','), '--redis-urls', this.redis.url],
      ...['--clickhouse-url', url, '--clickhouse-user', username],
      ...['--clickhouse-password-file', this.#passwordFile],
      ...['--user-partitions', String(PARTITIONS.userPartitions)],
      ...['--item-partitions', String(PARTITIONS.itemPartitions)],
    ];
  }

  #settings(): Settings {
    return loadConfiguration({ environment: {}, flags: new Map() }).settings;
  }

  async #openRemains(): Promise<Remains> {
    const namespace = this.#namespace;
    const { logRetentionDays } = this.#settings();
    const log = await openKafkaEventLog({
      brokers: this.#brokers,
      namespace,
      topics: planAllTopics(PARTITIONS),
      rules: {
        replicationFactor: 1,
        minInsyncReplicas: 1,
        retentionMs: logRetentionDays * 86_400_000,
      },
      clock: systemClock,
      logger: SILENT,
    });
    const state = await openRedisStateStore({ servers: { urls: [this.redis.url] }, namespace });
    return remainsOf({ log, state });
  }
}

/** Until every partition has taken in what the log holds, whoever runs it. */
export const untilTakenIn = async (program: ServerProcess): Promise<void> => {
  for (;;) {
    const { partitions } = await systemOf(program);
    if (partitions.length > 0 && partitions.every(({ lag }) => lag === 0)) return;
    await sleep(POLL_MS);
  }
};

export const post = async (
  { url }: ServerProcess,
  path: string,
  body: unknown,
): Promise<Response> =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
