/**
 * P4: the recommend endpoint with filters and reasons, over 10 k items with full neighbour lists and
 * people with 50 events each, against bare node:http in the same run. Cached: few people ask again
 * and again. Uncached: every request is another person's. Server and load are processes of their own.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Benchmark, BenchResult, Figure } from '../result.ts';
import type { GetLoadResult } from '../serving-load.ts';

const ROUNDS = 3;
const SECONDS = 3;
const PEOPLE = 20_000;
const DIMENSIONS = 64;
const PATH = '/v1/users/p{n}/recommendations';
/** One person's list as a watched one is: made anew, of the same history. */
const AGAIN = '/v1/users/p7/recommendations?placement=w{n}';

interface Server {
  readonly process: ChildProcess;
  readonly port: number;
  readonly facts: Readonly<Record<string, number>>;
}

const serve = (args: readonly string[]): Promise<Server> =>
  new Promise((done, refuse) => {
    const process = fork(join(import.meta.dirname, 'serving-server.ts'), args, {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    process.once('exit', (code) => refuse(new Error(`the server ended with ${code}`)));
    process.stdout!.once('data', (line: Buffer) => {
      const facts = JSON.parse(line.toString()) as Record<string, number>;
      done({ process, port: facts.port!, facts });
    });
  });

const load = (port: number, path: string, spread: number, rate = 0): Promise<GetLoadResult> =>
  new Promise((done, refuse) => {
    const words = { port, path, spread, rate, seconds: SECONDS };
    const args = Object.entries(words).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const process = fork(join(import.meta.dirname, '../serving-load.ts'), args, {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    let text = '';
    process.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    process.once('exit', (code) => {
      if (code === 0) done(JSON.parse(text) as GetLoadResult);
      else refuse(new Error(`the load ended with ${code}`));
    });
  });

const median = (values: readonly number[]): number =>
  [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)]!;

const spreadOf = (values: readonly number[]): readonly [number, number] => [
  Math.min(...values),
  Math.max(...values),
];

const measure = async (): Promise<BenchResult> => {
  const served = await serve(['--items', '10000', '--people', String(PEOPLE)]);
  const released = await serve([
    ...['--items', '10000', '--people', String(PEOPLE)],
    ...['--release', String(DIMENSIONS)],
  ]);
  const bare = await serve(['--bare', '--bytes', String(served.facts.answerBytes)]);
  try {
    await load(served.port, PATH, PEOPLE);
    await load(released.port, PATH, PEOPLE);
    const bareRates: number[] = [];
    const cachedRatios: number[] = [];
    const uncachedRatios: number[] = [];
    const cachedRates: number[] = [];
    const uncachedRates: number[] = [];
    const releasedRates: number[] = [];
    const releasedRatios: number[] = [];
    const againRatios: number[] = [];
    const costRatios: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const ground = (await load(bare.port, '/', 1)).requestsPerSecond;
      const cached = (await load(served.port, PATH, 10)).requestsPerSecond;
      const uncached = (await load(served.port, PATH, PEOPLE)).requestsPerSecond;
      const byModels = (await load(released.port, PATH, PEOPLE)).requestsPerSecond;
      const again = (await load(released.port, AGAIN, PEOPLE)).requestsPerSecond;
      againRatios.push(again / byModels);
      costRatios.push(uncached / byModels);
      releasedRates.push(byModels);
      releasedRatios.push(byModels / ground);
      bareRates.push(ground);
      cachedRates.push(cached);
      uncachedRates.push(uncached);
      cachedRatios.push(cached / ground);
      uncachedRatios.push(uncached / ground);
    }
    const half = await load(served.port, PATH, PEOPLE, Math.floor(median(uncachedRates) / 2));
    return {
      id: 'P4',
      title: 'recommend endpoint, 10 k items, filters and reasons',
      seed: 1,
      figures: [
        rate('bare node:http, an answer of the same size', bareRates),
        rate('cached', cachedRates),
        rate('uncached, every user another', uncachedRates),
        rate('uncached, with a release of three models, d = 64', releasedRates),
        ratio('cached ÷ bare', cachedRatios, 0.5),
        ratio('uncached ÷ bare', uncachedRatios, 0.2),
        ratio('uncached with a release ÷ bare', releasedRatios, 0.2),
        ratio('a list without a release ÷ with one, requests', costRatios),
        ratio('made anew for the same person ÷ for another, with a release', againRatios),
        {
          name: 'uncached p99 at half load',
          value: half.latencyMs.p99,
          unit: 'ms',
          reach: { atMost: 5 },
        },
        {
          name: 'memory of an item’s state',
          value: served.facts.itemBytes!,
          unit: 'bytes',
          reach: { atMost: 2_048 },
        },
      ],
    };
  } finally {
    for (const { process } of [served, released, bare]) {
      process.removeAllListeners('exit');
      process.kill('SIGTERM');
    }
  }
};

const rate = (name: string, values: readonly number[]): Figure => ({
  name,
  value: median(values),
  unit: 'requests/s',
  spread: spreadOf(values),
});

const ratio = (name: string, values: readonly number[], atLeast?: number): Figure => ({
  name,
  value: median(values),
  unit: '×',
  isRatio: true,
  spread: spreadOf(values),
  ...(atLeast === undefined ? {} : { reach: { atLeast } }),
});

export const recommendSpeed: Benchmark = {
  id: 'P4',
  title: 'recommend endpoint',
  run: measure,
};
