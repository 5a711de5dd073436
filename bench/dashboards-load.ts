/**
 * Pages of many people behind a proxy, each watching a list and how the instance is doing; people do
 * something now and then, and each of their pages should be told soon. Some pages never read. In a
 * process of its own, since a thousand sockets take time to read.
 *
 *     node bench/dashboards-load.ts --port 8090 --reading 900 --stuck 100 --seconds 60
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import type { LiveDiff, LiveMessage } from '../schemas/api/live.ts';
import { type Latency, latencyOf } from './latency.ts';

export interface DashboardsResult {
  readonly deeds: number;
  /** Pages that a deed should have been told to, and those that were not told in time. */
  readonly due: number;
  readonly untold: number;
  readonly toldMs: Latency;
  /** Pages whose socket the server closed. */
  readonly closed: number;
}

const PAGES_OF_ONE_PERSON = 10;
const OF_ONE_ADDRESS = 40;
const DEED_EVERY_MS = 100;
const PATIENCE_MS = 5_000;
/** Of a page that never reads: so much is told to it that the network soon takes no more. */
const STUCK_FEEDS = 45;
const FEEDS_AT_ONCE = 15;
const SHORT = 20;
const LONG = 100;

class Page {
  readonly person: string;
  readonly socket: WebSocket;
  readonly ready = Promise.withResolvers<void>();
  readonly #told: (eventId: string, atMs: number) => void;
  readonly #list = new Set<string>();
  readonly #onFeed = new Map<string, () => void>();
  isClosed = false;

  constructor(
    { port, at, person }: { readonly port: number; readonly at: number; readonly person: string },
    told: (eventId: string, atMs: number) => void = () => undefined,
  ) {
    this.person = person;
    this.#told = told;
    const headers = { 'x-forwarded-for': `192.0.2.${1 + Math.floor(at / OF_ONE_ADDRESS)}` };
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/v1/live`, { headers });
    this.socket.on('error', this.ready.reject);
    this.socket.on('close', () => {
      this.isClosed = true;
    });
    this.socket.on('message', (data) => this.#take(JSON.parse(data.toString()) as LiveMessage));
  }

  watch(limit: number): Promise<void> {
    this.socket.on('open', () => {
      this.#say({ op: 'subscribe', id: 'system', channel: 'system' });
      this.#say({ op: 'subscribe', id: 'list', channel: `user:${this.person}`, params: { limit } });
    });
    return this.ready.promise;
  }

  /** Of its list; nothing is in two lists that the same person's pages show. */
  takeFirst(): string {
    const [first] = this.#list;
    if (first === undefined) throw new Error(`Expected a list of ${this.person}, got none.`);
    this.#list.delete(first);
    return first;
  }

  async stopReading(): Promise<void> {
    for (let from = 0; from < STUCK_FEEDS; from += FEEDS_AT_ONCE) {
      // Whoever is told of the last has been heard, so that no two seconds' worth can meet in one.
      await sleep(1_000);
      const last = `feed-${from + FEEDS_AT_ONCE - 1}`;
      const heard = new Promise<void>((resolve) => this.#onFeed.set(last, resolve));
      for (let feed = from; feed < from + FEEDS_AT_ONCE; feed += 1) {
        this.#say({ op: 'subscribe', id: `feed-${feed}`, channel: 'system' });
      }
      await heard;
    }
    this.socket.pause();
    // Who does not answer heartbeats is ended; whoever says anything lives.
    setInterval(() => this.#say({ op: 'unsubscribe', id: 'none' }), 3_000).unref();
  }

  #say(message: unknown): void {
    this.socket.send(JSON.stringify(message));
  }

  #take(message: LiveMessage): void {
    if (message.type === 'snapshot') {
      for (const { itemId } of message.list.items) this.#list.add(itemId);
      this.ready.resolve();
    }
    if (message.type === 'diff') this.#takeDiff(message);
    if (message.type === 'system') this.#onFeed.get(message.id)?.();
  }

  #takeDiff({ cause, left, entered }: LiveDiff): void {
    for (const itemId of left) this.#list.delete(itemId);
    for (const { itemId } of entered) this.#list.add(itemId);
    if (cause !== null) this.#told(cause.eventId, performance.now());
  }
}

interface Options {
  readonly port: number;
  readonly reading: number;
  readonly stuck: number;
  readonly seconds: number;
}

const run = async ({ port, reading, stuck, seconds }: Options): Promise<DashboardsResult> => {
  const sentMs = new Map<string, number>();
  const toldMs: number[] = [];
  const told = (eventId: string, atMs: number): void => {
    const sent = sentMs.get(eventId);
    if (sent !== undefined) toldMs.push(atMs - sent);
  };
  const personOf = (at: number): string => `watched-${Math.floor(at / PAGES_OF_ONE_PERSON)}`;
  const stuckPages = Array.from({ length: stuck }, (_, at) => {
    return new Page({ port, at, person: personOf(at) });
  });
  await Promise.all(stuckPages.map((page) => page.watch(LONG)));
  await Promise.all(stuckPages.map((page) => page.stopReading()));
  const pages = Array.from({ length: reading }, (_, at) => {
    return new Page({ port, at: stuck + at, person: personOf(at) }, told);
  });
  await Promise.all(pages.map((page) => page.watch(SHORT)));
  const deeds = Math.floor((seconds * 1_000) / DEED_EVERY_MS);
  const begun = performance.now();
  const people = Math.ceil(reading / PAGES_OF_ONE_PERSON);
  const posted: Promise<unknown>[] = [];
  for (let deed = 0; deed < deeds; deed += 1) {
    await sleep(Math.max(0, begun + deed * DEED_EVERY_MS - performance.now()));
    const page = pages[(deed % people) * PAGES_OF_ONE_PERSON]!;
    const eventId = `deed-${process.pid}-${deed}`;
    sentMs.set(eventId, performance.now());
    posted.push(
      post(port, { eventId, userId: page.person, itemId: page.takeFirst(), kind: 'like' }),
    );
  }
  await Promise.all(posted);
  const due = deeds * PAGES_OF_ONE_PERSON;
  const until = performance.now() + PATIENCE_MS;
  while (toldMs.length < due && performance.now() < until) await sleep(20);
  const closed = [...pages, ...stuckPages].filter(({ isClosed }) => isClosed).length;
  for (const page of [...pages, ...stuckPages]) page.socket.terminate();
  return {
    deeds,
    due,
    untold: due - toldMs.length,
    toldMs: latencyOf(toldMs),
    closed,
  };
};

const post = async (port: number, event: unknown): Promise<void> => {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
  });
  if (!answer.ok) throw new Error(`Expected an event to be taken in, got ${await answer.text()}`);
};

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8090' },
    reading: { type: 'string', default: '900' },
    stuck: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '60' },
  },
});
console.log(
  JSON.stringify(
    await run({
      port: Number(values.port),
      reading: Number(values.reading),
      stuck: Number(values.stuck),
      seconds: Number(values.seconds),
    }),
  ),
);
