/**
 * The real program, as a user starts it, in a process and a data directory of its own: what the
 * benchmarks of the whole journey measure.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SystemAnswer } from '../schemas/api/system.ts';
import { type ProcessUse, processUse, stopChild } from './program.ts';

const ROOT = join(import.meta.dirname, '..');

export interface InstanceProcess {
  readonly pid: number;
  readonly port: number;
  /** Milliseconds from its start until it listened. */
  readonly listeningMs: number;
  get<Answer>(path: string): Promise<Answer>;
  post<Answer>(path: string, body: unknown): Promise<Answer>;
  system(): Promise<SystemAnswer>;
  /** When stream and sink had taken in all that the log held at the call, as performance.now(). */
  caughtUp(limitMs?: number): Promise<number>;
  use(): ProcessUse | undefined;
  stop(): Promise<void>;
}

/** A training that begins by itself would be measured with the rest. */
export const WITHOUT_TRAINING = ['--training-at', ''] as const;
/** Holds nothing, and does nothing by itself. */
export const EMPTY_INSTANCE = ['--empty', ...WITHOUT_TRAINING] as const;

export const makeDataDirectory = (): string => mkdtempSync(join(tmpdir(), 'freshet-bench-'));

export const removeDataDirectory = (directory: string): void =>
  rmSync(directory, { recursive: true, force: true });

/** Starts on any free port; `args` are those of `freshet start`, `node` what Node.js is told before it. */
export const startInstanceProcess = async (
  directory: string,
  args: readonly string[] = EMPTY_INSTANCE,
  node: {
    readonly args: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
  } = { args: [], environment: {} },
): Promise<InstanceProcess> => {
  const begun = performance.now();
  const program = [join(ROOT, 'runtime/bin/freshet.js'), 'start', ...args];
  const words = [...node.args, ...program, '--data', directory, '--port', '0'];
  const child = spawn(process.execPath, words, {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...node.environment },
  });
  const port = await portOf(directory, () => child.exitCode);
  const pid = child.pid!;
  const base = `http://127.0.0.1:${port}`;
  const get = async <Answer>(path: string): Promise<Answer> =>
    (await (await fetch(base + path)).json()) as Answer;
  const system = (): Promise<SystemAnswer> => get('/v1/system');
  return {
    pid,
    port,
    listeningMs: performance.now() - begun,
    get,
    async post<Answer>(path: string, body: unknown): Promise<Answer> {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(base + path, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      if (!answer.ok) throw new Error(`Expected ${path} to answer 200, got ${await answer.text()}`);
      return (await answer.json()) as Answer;
    },
    system,
    caughtUp: (limitMs = CATCH_UP_LIMIT_MS) => untilCaughtUp(system, limitMs),
    use: () => processUse(pid),
    stop: () => stopChild(child),
  };
};

const CATCH_UP_LIMIT_MS = 180_000;
/** The sink looks for new records this often: only then is its lag of none believed. */
const SINK_LOOKS_MS = 1_200;

const untilCaughtUp = async (
  system: () => Promise<SystemAnswer>,
  limitMs: number,
): Promise<number> => {
  const until = performance.now() + limitMs;
  let since = Number.POSITIVE_INFINITY;
  while (performance.now() < until) {
    const { stream, sink } = recordsBehind(await system());
    const now = performance.now();
    if (stream > 0 || sink > 0) since = Number.POSITIVE_INFINITY;
    else if (now - since > SINK_LOOKS_MS) return since;
    else since = Math.min(since, now);
    await sleep(20);
  }
  throw new Error(`Expected stream and sink to catch up within ${limitMs} ms.`);
};

/** Records of the log that stream and sink have yet to take in. */
export const recordsBehind = ({ partitions, counters }: SystemAnswer): Lag => ({
  stream: partitions.reduce((sum, { lag }) => sum + lag, 0),
  sink: counters.warehouse?.lag ?? 0,
});

export interface Lag {
  readonly stream: number;
  readonly sink: number;
}

const LOOK_MS = 250;

/** How far behind stream and sink were at most while the work lasted. */
export const peakLagDuring = async <Result>(
  instance: InstanceProcess,
  work: Promise<Result>,
): Promise<{ readonly result: Result; readonly peak: Lag }> => {
  let isOver = false;
  let peak: Lag = { stream: 0, sink: 0 };
  const watching = (async () => {
    while (!isOver) {
      const { stream, sink } = recordsBehind(await instance.system());
      peak = { stream: Math.max(peak.stream, stream), sink: Math.max(peak.sink, sink) };
      await sleep(LOOK_MS);
    }
  })();
  const result = await work.finally(() => {
    isOver = true;
  });
  await watching;
  return { result, peak };
};

const START_LIMIT_MS = 120_000;

/** The running server's port, from the file by which other commands find it. */
const portOf = async (directory: string, exitCode: () => number | null): Promise<number> => {
  const path = join(directory, 'server.json');
  const until = performance.now() + START_LIMIT_MS;
  while (performance.now() < until) {
    if (exitCode() !== null) throw new Error(`Expected Freshet to run, got code ${exitCode()}.`);
    if (existsSync(path)) {
      const text = readFileSync(path, 'utf8');
      if (text.endsWith('}')) return (JSON.parse(text) as { port: number }).port;
    }
    await sleep(5);
  }
  throw new Error(`Expected Freshet to listen within ${START_LIMIT_MS} ms.`);
};

/** A catalogue of `item-0` … that lists can be made of. */
export const postCatalogue = async (instance: InstanceProcess, items: number): Promise<void> => {
  const each = 500;
  for (let first = 0; first < items; first += each) {
    const batch = Array.from({ length: Math.min(each, items - first) }, (_, at) => {
      const number = first + at;
      return {
        itemId: `item-${number}`,
        title: `Film ${number}`,
        categories: [`Genre ${number % 20}`, `Type ${number % 7}`],
        attributes: { year: 1950 + (number % 75) },
      };
    });
    await instance.post('/v1/items', { items: batch });
  }
};
