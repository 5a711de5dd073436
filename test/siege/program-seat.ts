/**
 * A place for one process of the program in a site: killed and started by the siege, started again by
 * itself where it ends otherwise, as a supervisor would. Its address and its data directory stay.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Site } from '../distributed/site.ts';
import {
  launchServer,
  type ServerOptions,
  type ServerProcess,
  startServer,
} from '../faults/server-process.ts';
import { freePort } from '../services/free-port.ts';

const READY_MS_MAX = 120_000;
const PAUSE_MS = 250;
const OUTPUT_TOLD = 600;

export interface OwnEnding {
  readonly seat: string;
  /** False where it never came so far as to answer. */
  readonly wasUp: boolean;
  readonly how: number | string;
  readonly said: string;
}

/** More people than a siege has: those that fewer had room for would be others in each process. */
const KNOWS_ALL = ['--people-max', '100000'];

export class ProgramSeat {
  readonly name: string;
  /** How its processes ended when nobody had killed them. */
  readonly endings: OwnEnding[] = [];
  readonly #options: ServerOptions;
  #process: ServerProcess | undefined;
  #isWanted = false;

  static async at(site: Site, name: string, flags: readonly string[]): Promise<ProgramSeat> {
    return new ProgramSeat(name, {
      dataDirectory: site.directory(name),
      port: await freePort(),
      flags: ['--empty', ...site.flags(), ...KNOWS_ALL, '--log-level', 'error', ...flags],
      readyMsMax: READY_MS_MAX,
    });
  }

  private constructor(name: string, options: ServerOptions) {
    this.name = name;
    this.#options = options;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#options.port}`;
  }

  /** Resolves once it answers. */
  async start(): Promise<void> {
    this.#isWanted = true;
    while (this.#isWanted) {
      if (await this.#isUp(await startServer(this.#options))) return;
      await sleep(PAUSE_MS);
    }
  }

  async #isUp(started: ServerProcess): Promise<boolean> {
    let ending: number | string | undefined;
    void started.ended.then((how) => {
      ending = how;
    });
    await Promise.resolve();
    if (ending !== undefined) {
      this.#mourn(started, { how: ending, wasUp: false });
      return false;
    }
    this.#process = started;
    void started.ended.then(async (how) => {
      if (!this.#isWanted || this.#process !== started) return;
      this.#mourn(started, { how, wasUp: true });
      await this.start();
    });
    return true;
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number | string | undefined> {
    this.#isWanted = false;
    const ended = await this.#process?.kill(signal);
    this.#process = undefined;
    return ended;
  }

  /** Starts it so that it dies at a crash point; says how it ended, or that it did not. */
  async dieAt(
    { point, pass }: { readonly point: string; readonly pass: number },
    msMax: number,
  ): Promise<number | string> {
    const environment = { FRESHET_CRASH_POINT: `${point}@${pass}` };
    const doomed = await startServer({ ...this.#options, environment });
    const ended = await Promise.race([
      doomed.ended,
      sleep(msMax, 'it ran on' as const, { ref: false }),
    ]);
    await doomed.kill('SIGKILL');
    return ended;
  }

  /** Begins to start it, and kills that. */
  async killWhileStarting(ms: number): Promise<void> {
    const begun = launchServer(this.#options);
    await sleep(ms);
    await begun.kill('SIGKILL');
  }

  /** Stops or continues it where it stands. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.#process) process.kill(this.#process.pid, signal);
  }

  output(): string {
    return this.#process?.output() ?? '';
  }

  #mourn(
    process: ServerProcess,
    { how, wasUp }: { readonly how: number | string; readonly wasUp: boolean },
  ): void {
    const said = process.output().slice(-OUTPUT_TOLD);
    this.endings.push({ seat: this.name, wasUp, how, said });
  }
}
