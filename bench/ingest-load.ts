/**
 * The load on `POST /v1/events`, open-model: requests are due at a constant rate whatever the server
 * does, and latency counts from when a request was due. It runs in a process of its own, over raw
 * sockets, because it shares the machine with what it measures.
 *
 *     node bench/ingest-load.ts --port 8090 --rate 10000 --batch 1 --seconds 10 --connections 64
 *
 * `--rate 0` keeps every connection busy instead (closed model), to find the capacity.
 */
import { parseArgs } from 'node:util';
import { seededRandom } from '../algorithms/random/seeded-random.ts';
import { HttpConnection } from './http-connection.ts';

export interface LoadOptions {
  readonly port: number;
  /** Requests due a second; 0 sends as fast as answers come. */
  readonly rate: number;
  /** Events in one request. */
  readonly batch: number;
  readonly seconds: number;
  readonly connections: number;
  readonly users: number;
  readonly items: number;
  readonly seed: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly events: number;
  readonly failures: number;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  readonly eventsPerSecond: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** What sending them cost the processor: it shares the machine with what is measured. */
  readonly cpuMs: number;
}

export const DEFAULT_LOAD: LoadOptions = {
  port: 8090,
  rate: 10_000,
  batch: 1,
  seconds: 10,
  connections: 64,
  users: 10_000,
  items: 2_000,
  seed: 1,
};

export const runLoad = (options: LoadOptions): Promise<LoadResult> => new Load(options).run();

/** Latencies in steps of 50 µs up to 10 s: a fixed histogram costs nothing to add to. */
const STEP_MS = 0.05;
const STEPS = 200_000;

class Load {
  readonly #options: LoadOptions;
  readonly #random;
  readonly #run: string;
  readonly #idle: HttpConnection[] = [];
  readonly #histogram = new Uint32Array(STEPS + 1);
  /** Due times of requests for which no connection is free. */
  readonly #due: number[] = [];
  #nextDue = 0;
  #made = 0;
  #sent = 0;
  #answered = 0;
  #failures = 0;
  #maxMs = 0;
  #startMs = 0;
  #startCpu = process.cpuUsage();
  #finish: (() => void) | undefined;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#run = `${options.seed}-${process.pid}-${Date.now().toString(36)}`;
  }

  async run(): Promise<LoadResult> {
    const { connections, port } = this.#options;
    const open = await Promise.all(
      Array.from({ length: connections }, () => HttpConnection.open(port)),
    );
    this.#idle.push(...open);
    this.#startMs = performance.now();
    this.#startCpu = process.cpuUsage();
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    this.#pump();
    await finished;
    const seconds = (performance.now() - this.#startMs) / 1000;
    for (const connection of open) connection.close();
    return this.#result(seconds);
  }

  #pump(): void {
    const elapsed = performance.now() - this.#startMs;
    const isOver = elapsed >= this.#options.seconds * 1000;
    if (!isOver) this.#fill(elapsed);
    this.#serve();
    if (isOver && this.#answered + this.#failures >= this.#sent && this.#due.length === 0) {
      this.#finish?.();
      return;
    }
    // A millisecond is the grain: spinning would take the core from what is measured.
    setTimeout(() => this.#pump(), 1);
  }

  #fill(elapsed: number): void {
    const { rate } = this.#options;
    if (rate === 0) {
      while (this.#due.length < this.#idle.length) this.#due.push(performance.now());
      return;
    }
    for (; this.#nextDue <= elapsed; this.#nextDue += 1000 / rate) {
      this.#due.push(this.#startMs + this.#nextDue);
    }
  }

  #serve(): void {
    let taken = 0;
    while (taken < this.#due.length && this.#idle.length > 0) {
      this.#send(this.#idle.pop()!, this.#due[taken]!);
      taken += 1;
    }
    if (taken > 0) this.#due.splice(0, taken);
  }

  #send(connection: HttpConnection, dueMs: number): void {
    this.#sent += 1;
    connection.send(postOf(this.#body()), (answer) => this.#answer(connection, dueMs, answer));
  }

  #answer(connection: HttpConnection, dueMs: number, answer: string): void {
    const latency = performance.now() - dueMs;
    if (isAcknowledged(answer)) this.#answered += 1;
    else this.#failures += 1;
    this.#histogram[Math.min(STEPS, Math.floor(latency / STEP_MS))]! += 1;
    this.#maxMs = Math.max(this.#maxMs, latency);
    this.#idle.push(connection);
    if (this.#options.rate === 0) this.#refill();
    else this.#serve();
  }

  /** In the closed model an answer makes room for the next request at once. */
  #refill(): void {
    const now = performance.now();
    if (now - this.#startMs >= this.#options.seconds * 1000) return;
    this.#due.push(now);
    this.#serve();
  }

  #body(): string {
    const { batch } = this.#options;
    if (batch === 1) return this.#event();
    return `{"events":[${Array.from({ length: batch }, () => this.#event()).join(',')}]}`;
  }

  #event(): string {
    const { users, items } = this.#options;
    this.#made += 1;
    const user = this.#random.below(users);
    const item = Math.floor(this.#random.next() ** 2 * items);
    return `{"eventId":"${this.#run}-${this.#made}","userId":"user-${user}","itemId":"item-${item}","kind":"rating","value":${1 + (this.#made % 5)}}`;
  }

  #result(seconds: number): LoadResult {
    const { batch } = this.#options;
    const requests = this.#answered;
    const { user, system } = process.cpuUsage(this.#startCpu);
    return {
      requests,
      events: requests * batch,
      failures: this.#failures,
      seconds,
      requestsPerSecond: requests / seconds,
      eventsPerSecond: (requests * batch) / seconds,
      latencyMs: { p50: this.#quantile(0.5), p99: this.#quantile(0.99), max: this.#maxMs },
      cpuMs: (user + system) / 1_000,
    };
  }

  #quantile(share: number): number {
    let left = (this.#answered + this.#failures) * share;
    const step = this.#histogram.findIndex((count) => {
      left -= count;
      return left <= 0;
    });
    return step * STEP_MS;
  }
}

/** The request that tells of events, given as JSON. */
export const postOf = (body: string): string =>
  'POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n' +
  `content-length: ${body.length}\r\n\r\n${body}`;

export const isAcknowledged = (answer: string): boolean =>
  answer.startsWith('HTTP/1.1 200') && answer.includes('"refused":[]');

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      rate: { type: 'string' },
      batch: { type: 'string' },
      seconds: { type: 'string' },
      connections: { type: 'string' },
      users: { type: 'string' },
      items: { type: 'string' },
      seed: { type: 'string' },
    },
  });
  const given = Object.fromEntries(
    Object.entries(values).map(([name, text]) => [name, Number(text)]),
  );
  console.log(JSON.stringify(await runLoad({ ...DEFAULT_LOAD, ...given })));
};

if (import.meta.main) await main();
