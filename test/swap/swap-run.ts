/**
 * One run: the same load before, during and after the swaps of releases, every so many of them bad, and
 * lists sampled beside it all the time, since they are load, too. Server, load and this process are three
 * processes.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GetLoadResult } from '../../bench/serving-load.ts';
import { ListSampler, type SampleReport } from './list-sampler.ts';
import { ReleaseReference } from './recomputed-parts.ts';
import type { Promoted, SwapServerFacts, ThreadFacts } from './swap-messages.ts';
import { publishSwapReleases, type SwapReleases } from './swap-releases.ts';

export interface SwapRunOptions {
  readonly swaps: number;
  /** Requests a second. */
  readonly rate: number;
  readonly items: number;
  readonly people: number;
  /** Between the beginnings of two promotions. */
  readonly everyMs: number;
  readonly seed: number;
}

export interface SwapReport {
  readonly swaps: number;
  readonly refused: number;
  readonly requests: number;
  readonly failedRequests: number;
  /** Lists that were computed anew, by the release that they named. */
  readonly sampled: SampleReport['byVersion'];
  readonly loadMs: { readonly p50: number; readonly max: number };
  readonly p99Ms: { readonly before: number; readonly during: number; readonly after: number };
  /** During the swaps against the mean of before and after. */
  readonly p99Ratio: number;
  /** Of the server's thread: where it is busy nearly all of the time, the rate is more than it can hold. */
  readonly thread: {
    readonly before: ThreadFacts;
    readonly during: ThreadFacts;
    readonly after: ThreadFacts;
  };
  readonly problems: readonly string[];
}

/** After so many swaps comes a bad release. */
const BAD_EVERY = 2;
const WARM_UP_SWAPS = 7;
const HERE = import.meta.dirname;

export const runSwaps = async (options: SwapRunOptions): Promise<SwapReport> => {
  const artifacts = await mkdtemp(join(tmpdir(), 'freshet-swap-releases-'));
  const server = new SwapServer(artifacts, options);
  try {
    const releases = await publishSwapReleases(artifacts, options.items);
    const { port } = await server.start();
    return await measured(options, { server, port, releases });
  } finally {
    server.stop();
    await rm(artifacts, { recursive: true, force: true });
  }
};

const measured = async (
  options: SwapRunOptions,
  { server, port, releases }: { server: SwapServer; port: number; releases: SwapReleases },
): Promise<SwapReport> => {
  const { swaps, everyMs, items, people, seed } = options;
  const promotions = Math.floor(swaps * (1 + 1 / BAD_EVERY));
  const seconds = Math.ceil((promotions * everyMs) / 1_000);
  const load = (parts: number): Promise<GetLoadResult> =>
    runLoad({ port, seconds: Math.ceil(seconds / parts), rate: options.rate, spread: people });
  await server.promote(versionAt(releases, 0));
  const sampler = new ListSampler({ port, items, people, seed });
  sampler.start();
  const warmUp = load(4);
  const first = await warmedUp(server, releases);
  await warmUp;
  await server.thread();
  const before = await load(2);
  const problems = first.isInUse ? [] : [`the first release was refused: ${first.reason}`];
  const threadBefore = await server.thread();
  const loading = load(1);
  const swapping = await swapAll(options, { server, releases });
  const during = await loading;
  const threadDuring = await server.thread();
  const after = await load(2);
  const threadAfter = await server.thread();
  await sampler.stop();
  const references = releases.good.map(
    (release) => [release.manifest.version, new ReleaseReference(release)] as const,
  );
  const sample = sampler.report(new Map(references));
  const failedRequests = before.failures + during.failures + after.failures;
  const calm = (before.latencyMs.p99 + after.latencyMs.p99) / 2;
  const loads = swapping.loadMs.sort((one, other) => one - other);
  return {
    swaps: swapping.swaps,
    refused: swapping.refused,
    requests: Math.round(during.requestsPerSecond * seconds),
    failedRequests,
    sampled: sample.byVersion,
    loadMs: { p50: loads[Math.floor(loads.length / 2)] ?? 0, max: loads.at(-1) ?? 0 },
    p99Ms: {
      before: before.latencyMs.p99,
      during: during.latencyMs.p99,
      after: after.latencyMs.p99,
    },
    p99Ratio: during.latencyMs.p99 / calm,
    thread: { before: threadBefore, during: threadDuring, after: threadAfter },
    problems: [
      ...problems,
      ...swapping.problems,
      ...sample.problems,
      ...(failedRequests > 0 ? [`${failedRequests} requests of the load failed`] : []),
    ],
  };
};

/**
 * A process that has just begun collects no garbage for a while, and one whose releases were swapped does:
 * what is measured before, during and after is to be the same process.
 */
const warmedUp = async (server: SwapServer, releases: SwapReleases): Promise<Promoted> => {
  for (let swap = 1; swap <= WARM_UP_SWAPS; swap++) await server.promote(versionAt(releases, swap));
  return server.promote(versionAt(releases, 0));
};

const versionAt = ({ good }: SwapReleases, swap: number): string =>
  good[swap % good.length]!.manifest.version;

const swapAll = async (
  { swaps, everyMs }: SwapRunOptions,
  { server, releases }: { server: SwapServer; releases: SwapReleases },
) => {
  const problems: string[] = [];
  const loadMs: number[] = [];
  let refused = 0;
  let done = 0;
  for (let swap = 1; swap <= swaps; swap++) {
    if (swap % BAD_EVERY === 0) {
      const version = releases.bad[(swap / BAD_EVERY) % releases.bad.length]!;
      const next = delay(everyMs);
      const { isInUse, inUse } = await server.promote(version);
      if (isInUse) problems.push(`${version} was put to use`);
      else if (inUse !== versionAt(releases, swap - 1)) {
        problems.push(`after ${version} was refused, ${inUse} is in use`);
      } else refused++;
      await next;
    }
    const next = delay(everyMs);
    const promoted = await server.promote(versionAt(releases, swap));
    if (!promoted.isInUse) problems.push(`a good release was refused: ${promoted.reason}`);
    else done++;
    if (promoted.loadMs !== null) loadMs.push(promoted.loadMs);
    await next;
  }
  return { swaps: done, refused, loadMs, problems };
};

const delay = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

class SwapServer {
  readonly #process: ChildProcess;

  constructor(artifacts: string, { items, people }: SwapRunOptions) {
    const words = ['--artifacts', artifacts, '--items', String(items), '--people', String(people)];
    this.#process = fork(join(HERE, 'swap-server.ts'), words, {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
  }

  start(): Promise<SwapServerFacts> {
    return new Promise((done, refuse) => {
      this.#process.once('exit', (code) => refuse(new Error(`the server ended with ${code}`)));
      this.#process.stdout!.once('data', (line: Buffer) =>
        done(JSON.parse(line.toString()) as SwapServerFacts),
      );
    });
  }

  promote(version: string): Promise<Promoted> {
    return this.#ask<Promoted>({ promote: version });
  }

  /** Since it was asked last. */
  thread(): Promise<ThreadFacts> {
    return this.#ask<ThreadFacts>({ thread: true });
  }

  stop(): void {
    this.#process.removeAllListeners('exit');
    this.#process.kill('SIGTERM');
  }

  #ask<Answer>(message: object): Promise<Answer> {
    return new Promise((done, refuse) => {
      const ended = (): void => refuse(new Error('the server ended during a swap'));
      this.#process.once('exit', ended);
      this.#process.once('message', (answer) => {
        this.#process.off('exit', ended);
        done(answer as Answer);
      });
      this.#process.send(message);
    });
  }
}

const runLoad = (load: {
  readonly port: number;
  readonly seconds: number;
  readonly rate: number;
  readonly spread: number;
}): Promise<GetLoadResult> =>
  new Promise((done, refuse) => {
    const words = { ...load, path: '/v1/users/p{n}/recommendations' };
    const args = Object.entries(words).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = fork(join(HERE, '../../bench/serving-load.ts'), args, {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.once('exit', (code) => {
      if (code === 0) done(JSON.parse(text) as GetLoadResult);
      else refuse(new Error(`the load ended with ${code}`));
    });
  });
