/**
 * The programs that a benchmark starts beside itself: a server that says on its first line where it
 * listens, a load that ends with one line of JSON. What they cost is read from the process table,
 * children included.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const ROOT = join(import.meta.dirname, '..');
/** No program of a benchmark has a reason to run longer. */
const PROGRAM_LIMIT_MS = 600_000;

export type Options = Readonly<Record<string, string | number>>;

const argumentsOf = (options: Options): readonly string[] =>
  Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);

export interface RunningProgram {
  readonly pid: number;
  /** Its first line. */
  readonly firstLine: string;
  stop(): Promise<void>;
}

/** A server that reads its standard input ends with this process, however that ends. */
const spawnNode = (script: string, args: readonly string[]) =>
  spawn(process.execPath, [join(ROOT, script), ...args], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: PROGRAM_LIMIT_MS,
  });

/** Runs a program to its end and takes its last line for JSON. */
export const runProgram = async <Answer>(script: string, options: Options): Promise<Answer> => {
  const child = spawnNode(script, argumentsOf(options));
  let last = '';
  const lines = createInterface(child.stdout);
  lines.on('line', (line) => {
    last = line;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`Expected ${script} to end well, got code ${code}.`);
  return JSON.parse(last) as Answer;
};

/** Starts a server that prints a line once it listens; SIGTERM ends it. */
export const startProgram = async (
  script: string,
  options: Options = {},
): Promise<RunningProgram> => {
  const child = spawnNode(script, argumentsOf(options));
  const firstLine = await firstLineOf(child, script);
  child.stdout?.resume();
  return { pid: child.pid!, firstLine, stop: () => stopChild(child) };
};

const firstLineOf = (child: ChildProcess, script: string): Promise<string> =>
  new Promise((resolve, reject) => {
    createInterface(child.stdout!).once('line', resolve);
    child.once('exit', (code) =>
      reject(new Error(`Expected ${script} to listen, got its end with code ${code}.`)),
    );
  });

export const stopChild = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await exited;
  clearTimeout(force);
};

export interface ProcessUse {
  /** User and system time since its start, of the process and its living children. */
  readonly cpuMs: number;
  /** Of that, its main thread's. */
  readonly mainThreadMs: number;
  readonly residentBytes: number;
  /** Of those, pages of files (LMDB's among them), which the kernel may take back. */
  readonly fileBytes: number;
}

/** What a process and all below it use; undefined where the platform does not tell. */
export const processUse = (pid: number): ProcessUse | undefined => {
  if (!existsSync('/proc/self/stat')) return undefined;
  const uses = [pid, ...descendantsOf(pid)].map(useOfOne);
  return {
    mainThreadMs: uses[0]!.mainThreadMs,
    cpuMs: uses.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    residentBytes: uses.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
    fileBytes: uses.reduce((sum, { fileBytes }) => sum + fileBytes, 0),
  };
};

const ticksPerSecond = (): number =>
  Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

let ticks = 0;

/** The fields after the name, which may hold spaces. */
const statOf = (path: string): readonly string[] =>
  readFileSync(`/proc/${path}/stat`, 'utf8').split(') ').at(-1)!.split(' ');

const cpuMsOf = (path: string): number => {
  ticks ||= ticksPerSecond();
  const fields = statOf(path);
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticks;
};

const useOfOne = (pid: number): ProcessUse => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = (name: string): number =>
      Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0);
    return {
      cpuMs: cpuMsOf(String(pid)),
      mainThreadMs: cpuMsOf(`${pid}/task/${pid}`),
      residentBytes: 1_024 * kilobytes('VmRSS'),
      fileBytes: 1_024 * kilobytes('RssFile'),
    };
  } catch {
    // It ended between the listing and the reading.
    return { cpuMs: 0, mainThreadMs: 0, residentBytes: 0, fileBytes: 0 };
  }
};

const descendantsOf = (root: number): readonly number[] => {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      parents.set(Number(name), Number(statOf(name)[1]));
    } catch {
      // It ended meanwhile.
    }
  }
  const found: number[] = [];
  for (let open = [root]; open.length > 0; ) {
    const next = [...parents].filter(([, parent]) => open.includes(parent)).map(([pid]) => pid);
    found.push(...next);
    open = next;
  }
  return found;
};
