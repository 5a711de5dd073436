/**
 * The real program as a child process: started on a data directory, waited for until ready, killed
 * without warning. Its output is kept, so that a failure can be read.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SystemAnswer } from '../../schemas/api/system.ts';

export interface ServerOptions {
  readonly dataDirectory: string;
  readonly port: number;
  readonly flags?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly readyMsMax?: number;
  /** Where the program's sources lie, if they are not these. */
  readonly sources?: string;
}

export interface ServerProcess extends ProgramProcess {
  readonly url: string;
}

export interface ProgramProcess {
  readonly pid: number;
  /** Resolves with the exit code, or with the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  output(): string;
  kill(signal: NodeJS.Signals): Promise<number | string>;
}

/** What the program says of itself. */
export const systemOf = async ({ url }: Pick<ServerProcess, 'url'>): Promise<SystemAnswer> =>
  (await (await fetch(`${url}/v1/system`)).json()) as SystemAnswer;

const OUTPUT_BYTES_KEPT = 200_000;
/** Characters. */
const OUTPUT_TOLD = 4_000;
const END_NOTICED_MS = 1_000;
const LAST_WORDS_MS = 100;
const POLL_MS = 20;

/**
 * Whether it runs, and the end of what it said: for whoever has to read why something failed. What a
 * client notices of an end comes before the end is known and the last words are read.
 */
export const fateOf = async (
  program: Pick<ProgramProcess, 'ended' | 'output'>,
): Promise<string> => {
  const end = await Promise.race([program.ended, sleep(END_NOTICED_MS, null)]);
  if (end !== null) await sleep(LAST_WORDS_MS);
  const said = program.output().slice(-OUTPUT_TOLD).trim();
  const fate = end === null ? 'The server is still running.' : `The server ended with ${end}.`;
  return `${fate} ${said === '' ? 'It said nothing.' : `The end of its output:\n${said}`}`;
};

/** Starts the program; resolves when it accepts requests, or when it ended before that. */
export const startServer = async (options: ServerOptions): Promise<ServerProcess> => {
  const server = launchServer(options);
  const readyMsMax = options.readyMsMax ?? 30_000;
  if ((await waitUntilUp(server, readyMsMax)) === 'late') {
    await server.kill('SIGKILL');
    throw new Error(`Expected the server to be ready in time, got this:\n${server.output()}`);
  }
  return server;
};

/** Starts the program and waits for nothing. */
export const launchServer = (options: ServerOptions): ServerProcess => {
  const { dataDirectory, port, flags = [], environment = {}, sources } = options;
  const words = ['start', '--data', dataDirectory, '--port', String(port), ...flags];
  return { url: `http://127.0.0.1:${port}`, ...launchProgram(words, environment, sources) };
};

/** Any command of the real program. */
export const launchProgram = (
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  sources = join(import.meta.dirname, '..', '..'),
): ProgramProcess => {
  const child = spawn(process.execPath, ['runtime/main.ts', ...words], {
    cwd: sources,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = keepOutput(child);
  const ended = new Promise<number | string>((resolve) => {
    child.on('exit', (code, signal) => resolve(signal ?? code ?? -1));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    output,
    kill: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
};

const keepOutput = (child: ChildProcess): (() => string) => {
  let kept = '';
  const keep = (chunk: Buffer): void => {
    kept = (kept + chunk.toString('utf8')).slice(-OUTPUT_BYTES_KEPT);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return () => kept;
};

const waitUntilUp = async (
  { url, ended }: ServerProcess,
  readyMsMax: number,
): Promise<'ready' | 'late'> => {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  for (let waitedMs = 0; waitedMs < readyMsMax; waitedMs += POLL_MS) {
    if (isOver) return 'ready';
    try {
      if ((await fetch(`${url}/health/live`)).ok) return 'ready';
    } catch {
      // Not listening yet.
    }
    await sleep(POLL_MS);
  }
  return 'late';
};
