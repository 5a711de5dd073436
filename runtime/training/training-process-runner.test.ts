/** The process that trains: urgent to nobody, bounded in memory, gone when it is told to go. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrainingOrder } from '../../training/training-run.ts';
import { systemClock } from '../clock.ts';
import { trainingProcessRunner } from './training-process-runner.ts';

const MIB = 1024 * 1024;
const ORDER: TrainingOrder = {
  runId: 'r',
  kinds: ['als'],
  formerVersion: null,
  seed: 1,
  configVersion: 1,
};

let directory: string;
let silent: Server;
/** Resolves with the first question that the training asks of the warehouse, which never answers. */
let asked: Promise<void>;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'freshet-trainer-'));
  silent = createServer();
  asked = new Promise((resolve) => silent.once('connection', () => resolve()));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  silent.close();
  rmSync(directory, { recursive: true, force: true });
});

const runnerWith = (memoryBytesMax: number) =>
  trainingProcessRunner({
    whyOff: () => undefined,
    // Patience is at its end at once.
    clock: { ...systemClock, sleep: async () => undefined },
    task: () => ({
      connection: {
        url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
        username: 'default',
        password: '',
      },
      database: 'freshet',
      artifactPlace: { kind: 'directory', directory },
      userPartitions: 1,
      threads: 1,
      memoryBytesMax,
      eventsMax: 1_000,
      peopleMax: 0,
      logLevel: 'error',
    }),
  });

const start = (memoryBytesMax: number) => {
  const stop = new AbortController();
  const ended = runnerWith(memoryBytesMax).run(ORDER, {
    signal: stop.signal,
    onProgress: () => undefined,
  });
  return { stop, ended: ended.then(String, (error: Error) => error.message) };
};

/** Of this process, by what the kernel says. */
const children = (): readonly number[] =>
  readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      .map(Number),
  );

/** How the kernel schedules each thread of a process; 5 is what gives way at once. */
const GIVES_WAY = 5;
const policiesOf = (pid: number): readonly number[] =>
  readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38]);
  });

describe.skipIf(process.platform !== 'linux')('the process of a training', () => {
  it('is less urgent than all else, and is not waited for when it is cancelled and stuck', async () => {
    const before = new Set(children());
    const { stop, ended } = start(4_096 * MIB);
    await asked;
    const [trainer] = children().filter((pid) => !before.has(pid));
    expect(getPriority(trainer!)).toBe(15);
    expect(new Set(policiesOf(trainer!))).toEqual(new Set([GIVES_WAY]));
    stop.abort(new Error('cancelled'));
    expect(await ended).toContain('its process ended with SIGKILL');
    expect(children()).not.toContain(trainer);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('ends itself where it takes more memory than it may, and says so', async () => {
    const { ended } = start(64 * MIB);
    expect(await ended).toMatch(/it took \d+ MB of memory, it may take 64 MB/);
  });
});
