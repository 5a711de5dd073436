/**
 * A server of somebody else's (a broker, a store) as a child process: started, waited for until it is
 * ready, ended by its process id. What it says is kept, and shown when it does not get ready. None
 * outlives the process that started it, however that ends short of SIGKILL.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ProcessSpec {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** On top of this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** What its log says, or what somebody asks it, once it can be used. */
  readonly readyWhen: RegExp | (() => Promise<boolean>);
  readonly timeoutMs?: number;
}

/** The exit code, or the name of the signal that ended it. */
export type ProcessEnding = number | NodeJS.Signals;

export interface RunningProcess {
  readonly pid: number;
  readonly ended: Promise<ProcessEnding>;
  /** The newest part of what it wrote to both outputs. */
  log(): string;
  kill(signal: NodeJS.Signals): Promise<ProcessEnding>;
  /** Asks it to end, and makes it when it does not within a few seconds. */
  stop(): Promise<ProcessEnding>;
}

const LOG_CHARACTERS_KEPT = 400_000;
const POLL_MS = 25;
const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 5_000;

const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export const startProcess = async (spec: ProcessSpec): Promise<RunningProcess> => {
  const running = launch(spec);
  const readyMsMax = spec.timeoutMs ?? READY_MS_MAX;
  const outcome = await Promise.race([
    running.ended.then((ending) => `it ended with ${ending}`),
    waitUntilReady(spec, running, readyMsMax),
  ]);
  if (outcome === 'ready') return running;
  await running.kill('SIGKILL');
  throw new Error(`Expected ${spec.name} to get ready, but ${outcome}; it said:\n${running.log()}`);
};

const launch = ({ name, command, args, cwd, env }: ProcessSpec): RunningProcess => {
  const child = spawn(command, args, {
    ...(cwd !== undefined && { cwd }),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  living.add(child);
  let kept = '';
  const keep = (chunk: Buffer): void => {
    kept = (kept + chunk.toString('utf8')).slice(-LOG_CHARACTERS_KEPT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<ProcessEnding>((resolve) => {
    child.on('error', (error) => {
      kept += `\n${name} could not be started: ${error.message}`;
      living.delete(child);
      resolve(-1);
    });
    child.on('exit', (code, signal) => {
      living.delete(child);
      resolve(signal ?? code ?? -1);
    });
  });
  const kill = (signal: NodeJS.Signals): Promise<ProcessEnding> => {
    child.kill(signal);
    return ended;
  };
  const stop = async (): Promise<ProcessEnding> => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
    try {
      return await kill('SIGTERM');
    } finally {
      clearTimeout(timer);
    }
  };
  return { pid: child.pid ?? 0, ended, log: () => kept, kill, stop };
};

const waitUntilReady = async (
  { readyWhen }: ProcessSpec,
  running: RunningProcess,
  readyMsMax: number,
): Promise<string> => {
  const isReady = async (): Promise<boolean> =>
    readyWhen instanceof RegExp ? readyWhen.test(running.log()) : readyWhen();
  for (let waitedMs = 0; waitedMs < readyMsMax; waitedMs += POLL_MS) {
    if (await isReady()) return 'ready';
    await sleep(POLL_MS);
  }
  return `it took more than ${readyMsMax} ms`;
};
