/** One run of the embedded engine's process: started, watched until it answers, ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { get } from 'node:http';
import { fileURLToPath } from 'node:url';
import { configurationFile } from './engine-directory.ts';

export interface EngineProcess {
  readonly pid: number;
  /** How it ended, and what it said on standard error. Never rejects. */
  readonly ended: Promise<EngineEnd>;
  /** Ends the engine's standard input, upon which it stops by itself. */
  stop(): void;
  kill(): void;
}

export interface EngineEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly said: string;
}

const HOST = '127.0.0.1';
const CHILD = fileURLToPath(new URL('./embedded-clickhouse-child.ts', import.meta.url));
const SAID_MAX = 4096;

export const urlOf = (port: number): string => `http://${HOST}:${port}`;

export const startEngine = (options: {
  readonly library: string;
  readonly directory: string;
  readonly port: number;
}): EngineProcess => {
  const order = { library: options.library, commandLine: commandLineOf(options) };
  const child = spawn(process.execPath, [CHILD, JSON.stringify(order)], {
    stdio: ['pipe', 'ignore', 'pipe'],
    // A group of its own: Ctrl-C in the terminal is for the supervisor, which ends it in order.
    detached: true,
  });
  return {
    pid: child.pid ?? -1,
    ended: endOf(child),
    stop: () => child.stdin.end(),
    kill: () => child.kill('SIGKILL'),
  };
};

const commandLineOf = ({ directory, port }: { directory: string; port: number }): string[] => [
  'clickhouse-local',
  `--path=${directory}`,
  `--http_port=${port}`,
  `--listen_host=${HOST}`,
  `--config-file=${configurationFile(directory)}`,
  '--log-level=error',
  '--query',
  'SYSTEM START LISTEN HTTP',
  '--query',
  "SELECT count() FROM file('-', LineAsString) FORMAT Null",
];

const endOf = (child: ChildProcess): Promise<EngineEnd> => {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-SAID_MAX);
  });
  // Writing to a process that has died is reported by its end.
  child.stdin?.on('error', () => {});
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: null, signal: null, said: error.message }));
    child.on('close', (code, signal) => resolve({ code, signal, said: said.trim() }));
  });
};

/** Whether a ping is answered; gives up when the signal is aborted. */
export const answersPing = (url: string, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    const request = get(url, { agent: false, signal }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('error', () => resolve(false));
  });
