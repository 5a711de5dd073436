/**
 * Redis as it is: Debian's server, installed from the system's packages if missing, on free ports of
 * loopback with a directory that goes with it. It writes its append-only file as in production, so that
 * it can be killed and started again on what it kept.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installed } from './debian-program.ts';
import { freePorts } from './free-port.ts';
import { type RunningProcess, startProcess } from './server-process.ts';
import type { TlsFiles } from './tls-files.ts';

const SERVER = { package: 'redis-server', program: '/usr/bin/redis-server' };

/**
 * For tests that kill a server and count on all that it answered: with `everysec` a write to the file
 * waits while a slow flush is under way, for up to two seconds, and answers do not.
 */
export const KEEPS_ALL = { appendfsync: 'always' } as const;

export interface RedisServerOptions {
  /** Settings of redis.conf; several words are several arguments. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Listens with TLS only. */
  readonly tls?: TlsFiles;
}

export class RedisServer {
  readonly port: number;
  readonly directory: string;
  readonly #options: RedisServerOptions;
  #process: RunningProcess | undefined;
  #isRemoved = false;

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const [port] = await freePorts(1);
    const server = new RedisServer(port!, options);
    await server.start();
    return server;
  }

  constructor(port: number, options: RedisServerOptions) {
    this.port = port;
    this.directory = mkdtempSync(join(tmpdir(), 'freshet-redis-'));
    this.#options = options;
  }

  get url(): string {
    return `${this.#options.tls ? 'rediss' : 'redis'}://127.0.0.1:${this.port}`;
  }

  /** Starts it, or starts it again on what it kept. */
  async start(): Promise<void> {
    // A test that ran out of time goes on while what it used is taken away.
    if (this.#isRemoved) throw new Error('Expected a Redis that is still there, got one removed.');
    this.#process = await startProcess({
      name: 'Redis',
      command: installed(SERVER),
      args: this.#arguments(),
      readyWhen: /Ready to accept connections/,
    });
  }

  async kill(): Promise<void> {
    await this.#process?.kill('SIGKILL');
  }

  /** Stops or continues the process where it stands. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(this.#process!.pid, signal);
  }

  /** How much it wrote since the last rewrite of its append-only file. */
  async writtenBytes(): Promise<number> {
    return (await stat(await this.#newestFile())).size;
  }

  /** While it is down: takes the newest bytes away, as a power cut takes what was not flushed. */
  async loseTail(bytes: number): Promise<void> {
    await truncate(await this.#newestFile(), Math.max(0, (await this.writtenBytes()) - bytes));
  }

  /** Whether any of its files contains a text. */
  async holds(text: string): Promise<boolean> {
    const names = await readdir(this.directory, { recursive: true, withFileTypes: true });
    for (const entry of names) {
      if (!entry.isFile()) continue;
      const bytes = await readFile(join(entry.parentPath, entry.name));
      if (bytes.includes(text)) return true;
    }
    return false;
  }

  async #newestFile(): Promise<string> {
    const folder = join(this.directory, 'appendonlydir');
    const files = (await readdir(folder)).filter((name) => name.endsWith('.incr.aof'));
    return join(folder, files.sort().at(-1)!);
  }

  async remove(): Promise<void> {
    this.#isRemoved = true;
    await this.#process?.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  #arguments(): readonly string[] {
    const { settings = {}, tls } = this.#options;
    const port = `${this.port}`;
    const all: Readonly<Record<string, string>> = {
      ...(tls
        ? {
            port: '0',
            'tls-port': port,
            'tls-cert-file': tls.certificate,
            'tls-key-file': tls.key,
            'tls-auth-clients': 'no',
          }
        : { port }),
      bind: '127.0.0.1',
      dir: this.directory,
      appendonly: 'yes',
      appendfsync: 'everysec',
      ...settings,
    };
    const words = Object.entries(all).flatMap(([name, value]) => [
      `--${name}`,
      ...value.split(' '),
    ]);
    return ['--save', '', ...words];
  }
}
