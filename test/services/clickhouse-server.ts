/**
 * ClickHouse as a server that is simply there: the real engine and its own HTTP, out of the package that
 * the embedded warehouse uses, on a directory and a port that stay. Nobody watches it or starts it again;
 * who kills it starts it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseConnection } from '../../storage/clickhouse/clickhouse-connection.ts';
import {
  configurationFile,
  type EngineConfiguration,
  logTail,
  prepareDirectory,
} from '../../storage/warehouse/engine-directory.ts';
import { embeddedClickHouseAvailable } from '../../storage/warehouse/engine-library.ts';
import {
  answersPing,
  type EngineProcess,
  startEngine,
  urlOf,
} from '../../storage/warehouse/engine-process.ts';
import { freePort } from './free-port.ts';

const READY_MS_MAX = 30_000;
const POLL_MS = 25;
const MEMORY_BYTES = 2 * 1024 ** 3;

/** Who may do what they like in the database. */
const USER = { username: 'site', password: 'of-this-test-alone' };

export class ClickHouseServer {
  readonly connection: ClickHouseConnection;
  /** The one database in which the connection's user may do what it likes. */
  readonly database: string;
  readonly port: number;
  readonly #root: string;
  /** Databases of other sites in which it may do the same. */
  readonly #others: readonly string[];
  readonly #configuration: EngineConfiguration;
  #process: EngineProcess | undefined;

  static async start(
    database: string,
    others: readonly string[] = [],
    user = USER,
  ): Promise<ClickHouseServer> {
    const server = new ClickHouseServer(await freePort(), { database, others, user });
    await server.start();
    return server;
  }

  private constructor(
    port: number,
    {
      database,
      others,
      user,
    }: {
      readonly database: string;
      readonly others: readonly string[];
      readonly user: typeof USER;
    },
  ) {
    this.port = port;
    this.database = database;
    this.#others = others;
    this.#root = mkdtempSync(join(tmpdir(), 'freshet-clickhouse-'));
    this.#configuration = {
      directory: join(this.#root, 'data'),
      database,
      ...user,
      threads: 1,
      memoryBytes: MEMORY_BYTES,
    };
    const { username, password } = this.#configuration;
    this.connection = { url: urlOf(port), username, password };
  }

  get directory(): string {
    return this.#configuration.directory;
  }

  /** Starts it, or starts it again on what it kept. */
  async start(): Promise<void> {
    const { library, why } = embeddedClickHouseAvailable();
    if (library === undefined) throw new Error(why);
    const { directory } = this.#configuration;
    await prepareDirectory(this.#configuration);
    await this.#admitAsServersDo();
    this.#process = startEngine({ library, directory, port: this.port });
    let ending: string | undefined;
    void this.#process.ended.then(({ said }) => {
      ending = said;
    });
    const url = `${this.connection.url}/ping`;
    for (let waitedMs = 0; waitedMs < READY_MS_MAX && ending === undefined; waitedMs += POLL_MS) {
      if (await answersPing(url, AbortSignal.timeout(1_000))) return;
      await sleep(POLL_MS);
    }
    await this.kill();
    const log = await logTail(directory, 0);
    throw new Error(`Expected ClickHouse to get ready, it said: ${ending ?? ''}\n${log}`);
  }

  async kill(): Promise<void> {
    this.#process?.kill();
    await this.#process?.ended;
  }

  /** The embedded engine knows only one client, by a header; a server has its usual handlers. */
  async #admitAsServersDo(): Promise<void> {
    const file = configurationFile(this.#configuration.directory);
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/<http_handlers>.*<\/http_handlers>/s, ''));
    if (this.#others.length > 0) await this.#admitToOthers(join(dirname(file), 'users.xml'));
  }

  async #admitToOthers(file: string): Promise<void> {
    const own = new RegExp(`( *<query>GRANT [^<]* ON )\`${this.database}\`(.*</query>\\n)`);
    const admitted = this.#others.reduce(
      (text, other) => text.replace(own, `$&$1\`${other}\`$2`),
      await readFile(file, 'utf8'),
    );
    await writeFile(file, admitted);
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#root, { recursive: true, force: true });
  }
}
