/**
 * What `docker compose up` starts, as plain processes where there is no container engine: the words and
 * variables are those of `docker-compose.yml` and the Dockerfile, with containers' names and paths turned
 * into addresses and folders of this machine. Each container has an address of loopback of its own, so
 * that all of a role listen on the same port, as they do there; a name server tells the balancer which.
 *
 * Not tried by it: the images themselves, limits, read-only files, networks.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ClickHouseServer } from '../services/clickhouse-server.ts';
import { installed } from '../services/debian-program.ts';
import { freePort } from '../services/free-port.ts';
import { RedisServer } from '../services/redis-server.ts';
import { type RunningProcess, startProcess } from '../services/server-process.ts';
import { compose, contentOf, REPOSITORY, type Service } from './compose-file.ts';
import { instructionsOf } from './docker-build.ts';
import { type NameServer, startNameServer } from './name-server.ts';

const PASSWORD = 'made-for-this-run';
const NAMESPACE = 'freshet';
const READY_MS_MAX = 90_000;
/** As in a container's image, by variable. */
const IMAGE_VARIABLES = Object.fromEntries(
  instructionsOf(contentOf('Dockerfile'))
    .filter(({ word }) => word === 'ENV')
    .flatMap(({ rest }) => [...rest.matchAll(/(\S+?)=(\S+)/g)])
    .map(([, name = '', value = '']) => [name, value]),
);

export interface Container {
  readonly service: string;
  readonly address: string;
  readonly process: RunningProcess;
}

export class ComposeProcesses {
  readonly redis: RedisServer;
  readonly clickhouse: ClickHouseServer;
  /** Where the balancer listens. */
  readonly sitePort: number;
  readonly #rolePort: number;
  readonly #names: NameServer;
  readonly #bootstrap: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'freshet-compose-'));
  readonly #running = new Set<Container>();
  #balancer: RunningProcess | undefined;
  #started = 0;

  static async start(bootstrap: string): Promise<ComposeProcesses> {
    const { FRESHET_CLICKHOUSE_USER: username = '' } = environmentOf('ingest');
    const [redis, clickhouse] = await Promise.all([
      RedisServer.start({ settings: { requirepass: PASSWORD } }),
      ClickHouseServer.start(NAMESPACE, [], { username, password: PASSWORD }),
    ]);
    const ports = [await freePort(), await freePort(), await freePort()] as const;
    const names = await startNameServer(ports[2]);
    return new ComposeProcesses({ bootstrap, redis, clickhouse, ports, names });
  }

  private constructor(given: {
    readonly bootstrap: string;
    readonly redis: RedisServer;
    readonly clickhouse: ClickHouseServer;
    readonly ports: readonly [number, number, number];
    readonly names: NameServer;
  }) {
    this.#bootstrap = given.bootstrap;
    this.redis = given.redis;
    this.clickhouse = given.clickhouse;
    [this.sitePort, this.#rolePort] = given.ports;
    this.#names = given.names;
    for (const name of ['redis', 'clickhouse']) this.#writePassword(name);
  }

  get site(): string {
    return `http://127.0.0.1:${this.sitePort}`;
  }

  urlOf({ address }: Container): string {
    return `http://${address}:${this.#rolePort}`;
  }

  /** One more container of a service that is the program's own; it is found by its name at once. */
  async add(service: string): Promise<Container> {
    this.#started += 1;
    const address = `127.0.1.${this.#started}`;
    const { command = [] } = serviceOf(service);
    const container: Container = {
      service,
      address,
      process: await startProcess({
        name: `${service} on ${address}`,
        command: process.execPath,
        args: [join(REPOSITORY, 'runtime/bin/freshet.js'), ...command],
        cwd: REPOSITORY,
        env: this.#variablesOf(service, address),
        readyWhen: async () =>
          (await statusOf(`http://${address}:${this.#rolePort}/health/live`)) === 200,
        timeoutMs: READY_MS_MAX,
      }),
    };
    this.#running.add(container);
    this.#tell(service);
    return container;
  }

  /** As the engine stops one: the name goes with the process, which is asked to end. */
  async remove(container: Container, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#running.delete(container);
    if (signal === 'SIGTERM') this.#tell(container.service);
    await container.process.kill(signal);
    this.#tell(container.service);
  }

  async startBalancer(): Promise<void> {
    const { command = [], volumes = [] } = serviceOf('balancer');
    const root = join(this.#folder, 'balancer');
    for (const volume of volumes) {
      const [from = '', to = ''] = volume.split(':');
      mkdirSync(dirname(join(root, to)), { recursive: true });
      await cp(join(REPOSITORY, from), join(root, to));
    }
    const [, ...words] = command;
    this.#balancer = await startProcess({
      name: 'Caddy',
      command: installed({ package: 'caddy', program: '/usr/bin/caddy' }),
      args: words.map((word) => (word.startsWith('/') ? join(root, word) : word)),
      cwd: root,
      env: {
        HOME: root,
        XDG_DATA_HOME: root,
        XDG_CONFIG_HOME: root,
        SITE: `:${this.sitePort}`,
        ROLE_PORT: String(this.#rolePort),
        REFRESH: '100ms',
        RESOLVERS: `resolvers ${this.#names.address}`,
      },
      readyWhen: async () => (await statusOf(`${this.site}/health/live`)) === 200,
    });
  }

  async stop(): Promise<void> {
    await this.#balancer?.stop();
    await Promise.all([...this.#running].map(({ process }) => process.stop()));
    this.#names.close();
    await Promise.all([this.redis.remove(), this.clickhouse.remove()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #tell(service: string): void {
    const of = [...this.#running].filter((each) => each.service === service);
    this.#names.set(
      service,
      of.map(({ address }) => address),
    );
  }

  /** What the container would see, with its names and folders turned into this machine's. */
  #variablesOf(service: string, address: string): Record<string, string> {
    const own = join(this.#folder, address);
    const variables = { ...IMAGE_VARIABLES, ...environmentOf(service) };
    const turned = Object.entries(variables).map(([name, value]) => [
      name,
      this.#turned(value, own),
    ]);
    return {
      ...Object.fromEntries(turned),
      FRESHET_HOST: address,
      FRESHET_PORT: String(this.#rolePort),
      // The balancer's address here is loopback's, which is not among the private ones.
      FRESHET_TRUSTED_PROXIES: `${variables.FRESHET_TRUSTED_PROXIES},loopback`,
    };
  }

  #turned(value: string, own: string): string {
    if (value === 'kafka:9092') return this.#bootstrap;
    if (value === 'redis://redis:6379') return this.redis.url;
    if (value === 'http://clickhouse:8123') return this.clickhouse.connection.url;
    if (value.startsWith('/run/')) return join(this.#folder, value);
    // Shared between processes here, as it is about sources that are the same.
    if (value.startsWith('/tmp/')) return join(this.#folder, value);
    return value.startsWith('/') ? join(own, value) : value;
  }

  #writePassword(name: string): void {
    const file = join(this.#folder, 'run', 'passwords', name, 'password');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, PASSWORD);
  }
}

const serviceOf = (name: string): Service => {
  const service = compose.services[name];
  if (service === undefined) throw new Error(`Expected a service ${name} in docker-compose.yml`);
  return service;
};

const environmentOf = (name: string): Readonly<Record<string, string>> =>
  serviceOf(name).environment ?? {};

const statusOf = async (url: string): Promise<number> => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(3_000) }).catch(() => undefined);
  await answer?.arrayBuffer();
  return answer?.status ?? 0;
};

const UNITS: Readonly<Record<string, number>> = { m: 1024 ** 2, g: 1024 ** 3 };

/** What the compose file lets a container of the service use, in bytes. */
export const memoryLimitOf = (service: string): number => {
  const [, count = '', unit = ''] = /^(\d+)([mg])$/.exec(serviceOf(service).mem_limit ?? '') ?? [];
  return Number(count) * UNITS[unit]!;
};

/** What a container has in memory that is its own: pages of files can be given back. */
export const ownMemoryOf = ({ process }: Container): number => {
  const status = readFileSync(`/proc/${process.pid}/status`, 'utf8');
  return 1024 * Number(/RssAnon:\s+(\d+)/.exec(status)?.[1]);
};
