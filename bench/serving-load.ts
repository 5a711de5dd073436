/**
 * The load on GET routes, over raw keep-alive sockets in a process of its own, since it shares the
 * machine with what it measures. `{n}` in the path runs over 0 … --spread − 1, so that each request
 * can be for another person.
 *
 *     node bench/serving-load.ts --port 8090 --path '/v1/users/u{n}/recommendations' --spread 20000
 *
 * `--rate 0` keeps every connection busy (closed model), to find the capacity; any other rate is
 * open-model: requests are due at constant intervals and latency counts from when one was due.
 */
import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';

export interface GetLoadOptions {
  readonly port: number;
  readonly path: string;
  readonly spread: number;
  readonly rate: number;
  readonly seconds: number;
  readonly connections: number;
}

export interface GetLoadResult {
  readonly requestsPerSecond: number;
  readonly failures: number;
  readonly bytesPerAnswer: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** One keep-alive connection: sends a request, counts the bytes of its answer. */
class Client {
  readonly #socket: Socket;
  readonly #onAnswer: (client: Client, isOk: boolean, bytes: number) => void;
  #held: Buffer = Buffer.alloc(0);
  #left = -1;
  #size = 0;
  #isOk = false;
  dueMs = 0;

  constructor(socket: Socket, onAnswer: (client: Client, isOk: boolean, bytes: number) => void) {
    this.#socket = socket;
    this.#onAnswer = onAnswer;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(chunk));
  }

  send(path: string, dueMs: number): void {
    this.dueMs = dueMs;
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  }

  end(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    if (this.#left >= 0) {
      this.#left -= chunk.length;
      if (this.#left <= 0) this.#finish();
      return;
    }
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const end = this.#held.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#held.toString('latin1', 0, end);
    this.#isOk = head.startsWith('HTTP/1.1 200');
    this.#size = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    this.#left = this.#size - (this.#held.length - end - HEAD_END.length);
    this.#held = Buffer.alloc(0);
    if (this.#left <= 0) this.#finish();
  }

  #finish(): void {
    this.#left = -1;
    this.#onAnswer(this, this.#isOk, this.#size);
  }
}

export const runGetLoad = async (options: GetLoadOptions): Promise<GetLoadResult> => {
  const { port, path, spread, rate, seconds, connections } = options;
  const latencies: number[] = [];
  const idle: Client[] = [];
  const due: number[] = [];
  let sent = 0;
  let answered = 0;
  let failures = 0;
  let bytes = 0;
  let isOver = false;
  const next = (client: Client, dueMs: number): void => {
    client.send(path.replace('{n}', String(sent++ % spread)), dueMs);
  };
  const onAnswer = (client: Client, isOk: boolean, size: number): void => {
    answered++;
    bytes += size;
    if (!isOk) failures++;
    latencies.push(performance.now() - client.dueMs);
    if (isOver) return;
    if (rate === 0) next(client, performance.now());
    else if (due.length > 0) next(client, due.shift()!);
    else idle.push(client);
  };
  const clients = await Promise.all(
    Array.from(
      { length: connections },
      () =>
        new Promise<Client>((done, refuse) => {
          const socket = connect(port, '127.0.0.1', () => done(new Client(socket, onAnswer)));
          socket.on('error', refuse);
        }),
    ),
  );
  const startMs = performance.now();
  if (rate === 0) for (const client of clients) next(client, performance.now());
  else idle.push(...clients);
  let made = 0;
  while (performance.now() - startMs < seconds * 1000) {
    if (rate > 0) {
      const wanted = Math.floor(((performance.now() - startMs) / 1000) * rate);
      for (; made < wanted; made++) {
        const dueMs = startMs + (made / rate) * 1000;
        // In turn: a connection over which nothing is asked for long is closed.
        const client = idle.shift();
        if (client === undefined) due.push(dueMs);
        else next(client, dueMs);
      }
    }
    await new Promise((done) => (rate > 0 ? setTimeout(done, 1) : setTimeout(done, 20)));
  }
  isOver = true;
  const tookSeconds = (performance.now() - startMs) / 1000;
  const answeredInTime = answered;
  for (const client of clients) client.end();
  latencies.sort((left, right) => left - right);
  const at = (quantile: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(quantile * latencies.length))] ?? 0;
  return {
    requestsPerSecond: answeredInTime / tookSeconds,
    failures,
    bytesPerAnswer: bytes / Math.max(1, answered),
    latencyMs: { p50: at(0.5), p99: at(0.99), max: latencies.at(-1) ?? 0 },
  };
};

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8090' },
      path: { type: 'string', default: '/v1/lists/trending' },
      spread: { type: 'string', default: '1' },
      rate: { type: 'string', default: '0' },
      seconds: { type: 'string', default: '3' },
      connections: { type: 'string', default: '32' },
    },
  });
  const result = await runGetLoad({
    port: Number(values.port),
    path: values.path,
    spread: Number(values.spread),
    rate: Number(values.rate),
    seconds: Number(values.seconds),
    connections: Number(values.connections),
  });
  console.log(JSON.stringify(result));
}
