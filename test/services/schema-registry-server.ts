/**
 * A real schema registry: Apicurio, which answers by Confluent's REST interface, too, in memory on a free
 * port of loopback.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { fetchedOnce, runMaven } from './maven-programs.ts';
import { type RunningProcess, startProcess } from './server-process.ts';

/** The newest that runs on Java 17, which is what Debian 12 has. */
const VERSION = '3.0.9';
const ARTIFACT = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;
const READY_MS_MAX = 120_000;

export class SchemaRegistryServer {
  readonly url: string;
  readonly #process: RunningProcess;

  static async start(): Promise<SchemaRegistryServer> {
    const directory = installRegistry();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
    const settings = [`quarkus.http.port=${port}`, 'quarkus.http.host=127.0.0.1'];
    const process = await startProcess({
      name: 'Apicurio',
      command: 'java',
      args: [
        ...['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx384m'],
        ...settings.map((setting) => `-D${setting}`),
        ...['-jar', join(directory, `apicurio-registry-app-${VERSION}-runner.jar`)],
      ],
      cwd: directory,
      readyWhen: async () => (await answerOf(`${url}/subjects`)) === 200,
      timeoutMs: READY_MS_MAX,
    });
    return new SchemaRegistryServer(url, process);
  }

  private constructor(url: string, process: RunningProcess) {
    this.url = url;
    this.#process = process;
  }

  /** It takes connections and does not answer until it is resumed. */
  pause(): void {
    process.kill(this.#process.pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.#process.pid, 'SIGCONT');
  }

  async stop(): Promise<void> {
    await this.#process.kill('SIGKILL');
  }
}

const installRegistry = (): string =>
  fetchedOnce(`apicurio-${VERSION}`, (unfinished) => {
    runMaven(
      [
        'dependency:unpack',
        `-Dartifact=${ARTIFACT}`,
        `-DoutputDirectory=${unfinished}`,
        '-Dproject.basedir=.',
      ],
      unfinished,
    );
    rmSync(join(unfinished, 'target'), { recursive: true, force: true });
  });

const answerOf = async (url: string): Promise<number> => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  await answer?.arrayBuffer();
  return answer?.status ?? 0;
};
