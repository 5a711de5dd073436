/**
 * P4: the recommend endpoint with filters and reasons, over 10 k items with full neighbour lists and
 * people with 50 events each, against bare node:http in the same run. Cached: few people ask again
 * and again. Uncached: every request is another person's. Server and load are processes of their own.
 *
 * The targets are against node:http that copies a buffer; beside it stands node:http that turns a list
 * which it holds into JSON for each request: what is left of its rate is for making the list.
 * Last, 50 k items: 1,000 requests a second, each another person's, by a release.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Benchmark, BenchResult, Figure } from '../result.ts';
import type { GetLoadResult } from '../serving-load.ts';

const ROUNDS = 3;
const SECONDS = 3;
const PEOPLE = 20_000;
const DIMENSIONS = 64;
const LARGER_RATE = 1_000;
/** What is due in the last milliseconds is answered when the time is over. */
const ANSWERED_SHARE = 0.99;
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

/** Rates of one round after the other, by what was asked. */
interface Rates {
  readonly bare: number[];
  readonly serialising: number[];
  readonly cached: number[];
  readonly uncached: number[];
  readonly released: number[];
  readonly again: number[];
}

interface Servers {
  readonly served: Server;
  readonly released: Server;
  readonly bare: Server;
  readonly serialising: Server;
}

const end = ({ process }: Server): void => {
  process.removeAllListeners('exit');
  process.kill('SIGTERM');
};

const ratesOf = async ({ served, released, bare, serialising }: Servers): Promise<Rates> => {
  const rates: Rates = {
    bare: [],
    serialising: [],
    cached: [],
    uncached: [],
    released: [],
    again: [],
  };
  const note = async (
    into: number[],
    { port }: Server,
    [path, spread]: readonly [string, number],
  ) => {
    into.push((await load(port, path, spread)).requestsPerSecond);
  };
  for (let round = 0; round < ROUNDS; round++) {
    await note(rates.bare, bare, ['/', 1]);
    await note(rates.serialising, serialising, ['/', 1]);
    await note(rates.cached, served, [PATH, 10]);
    await note(rates.uncached, served, [PATH, PEOPLE]);
    await note(rates.released, released, [PATH, PEOPLE]);
    await note(rates.again, released, [AGAIN, PEOPLE]);
  }
  return rates;
};

const measure = async (): Promise<BenchResult> => {
  const smaller = await measureSmaller();
  return {
    id: 'P4',
    title: 'recommend endpoint, filters and reasons',
    seed: 1,
    figures: [...smaller, ...(await measureLarger())],
  };
};

const releasedArgs = (items: number): string[] => [
  ...['--items', String(items), '--people', String(PEOPLE)],
  ...['--release', String(DIMENSIONS)],
];

const measureSmaller = async (): Promise<readonly Figure[]> => {
  const served = await serve(['--items', '10000', '--people', String(PEOPLE)]);
  const released = await serve(releasedArgs(10_000));
  const bare = await serve(['--bare', '--bytes', String(served.facts.answerBytes)]);
  const serialising = await serve(['--serialise', String(released.port)]);
  const servers = { served, released, bare, serialising };
  try {
    await load(served.port, PATH, PEOPLE);
    await load(released.port, PATH, PEOPLE);
    const rates = await ratesOf(servers);
    const half = await load(served.port, PATH, PEOPLE, Math.floor(median(rates.uncached) / 2));
    return [
      ...figuresOf(rates),
      atMost('uncached p99 at half load', half.latencyMs.p99, { unit: 'ms', most: 5 }),
      atMost('memory of an item’s state', served.facts.itemBytes!, { unit: 'bytes', most: 2_048 }),
    ];
  } finally {
    for (const server of Object.values(servers)) end(server);
  }
};

const figuresOf = (rates: Rates): readonly Figure[] => [
  rate('bare node:http, an answer of the same size', rates.bare),
  rate('bare node:http that serialises a list of ten', rates.serialising),
  rate('cached', rates.cached),
  rate('uncached, every user another', rates.uncached),
  rate('uncached, with a release of three models, d = 64', rates.released),
  ratio('cached ÷ bare', rates.cached, rates.bare, 0.5),
  ratio('uncached ÷ bare', rates.uncached, rates.bare, 0.2),
  ratio('uncached with a release ÷ bare', rates.released, rates.bare, 0.2),
  ratio('uncached ÷ bare that serialises', rates.uncached, rates.serialising),
  ratio('uncached with a release ÷ bare that serialises', rates.released, rates.serialising),
  ratio('a list without a release ÷ with one, requests', rates.uncached, rates.released),
  ratio('made anew for the same person ÷ for another, with a release', rates.again, rates.released),
];

const measureLarger = async (): Promise<readonly Figure[]> => {
  const server = await serve(releasedArgs(50_000));
  try {
    await load(server.port, PATH, PEOPLE);
    const rounds: GetLoadResult[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push(await load(server.port, PATH, PEOPLE, LARGER_RATE));
    }
    const answered = rounds.map(({ requestsPerSecond }) => requestsPerSecond);
    const p99 = rounds.map(({ latencyMs }) => latencyMs.p99);
    const failed = rounds.reduce((sum, { failures }) => sum + failures, 0);
    return [
      {
        ...rate('50 k items, a release, 1,000 requests/s due: answered', answered),
        reach: { atLeast: LARGER_RATE * ANSWERED_SHARE },
      },
      { ...atMost('50 k items: p99', median(p99), { unit: 'ms', most: 7 }), spread: spreadOf(p99) },
      atMost('50 k items: failed', failed, { unit: 'requests', most: 0 }),
    ];
  } finally {
    end(server);
  }
};

const atMost = (
  name: string,
  value: number,
  { unit, most }: { readonly unit: string; readonly most: number },
): Figure => ({ name, value, unit, reach: { atMost: most } });

const rate = (name: string, values: readonly number[]): Figure => ({
  name,
  value: median(values),
  unit: 'requests/s',
  spread: spreadOf(values),
});

/** Of the same rounds. */
const ratio = (
  name: string,
  values: readonly number[],
  grounds: readonly number[],
  atLeast?: number,
): Figure => {
  const ratios = values.map((value, round) => value / grounds[round]!);
  return {
    name,
    value: median(ratios),
    unit: '×',
    isRatio: true,
    spread: spreadOf(ratios),
    ...(atLeast === undefined ? {} : { reach: { atLeast } }),
  };
};

export const recommendSpeed: Benchmark = {
  id: 'P4',
  title: 'recommend endpoint',
  run: measure,
};
