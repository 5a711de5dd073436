/**
 * Probes how fresh lists are, in a process of its own: at a constant pace it rates a film of a person's
 * present list, and waits until that person's list is another one: as pushed over the live socket, or as
 * read in a loop. Times count from when the probe was due, whenever it could be sent.
 *
 *     node bench/freshness-probe.ts --port 8090 --rate 20 --seconds 15 --people 40
 *
 * `--ingest PORT` where another process takes events in than makes the lists.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import type { EventsAnswer } from '../schemas/api/events.ts';
import type { ListAnswer } from '../schemas/api/lists.ts';
import type { LiveDiff, LiveMessage } from '../schemas/api/live.ts';
import { monotonicMs } from './hop-recorder.ts';
import { type Latency, latencyOf } from './latency.ts';

export interface FreshnessResult {
  /** From due until the answer that the event is durable. */
  readonly acknowledged: Latency;
  readonly pushed: Latency;
  readonly read: Latency;
  readonly unanswered: number;
  /** Of the probes whose list was pushed. */
  readonly journeys: readonly ProbeJourney[];
}

/** By the machine's monotonic clock. */
export interface ProbeJourney {
  readonly partition: number;
  readonly offset: number;
  readonly dueMs: number;
  readonly sentMs: number;
  readonly acknowledgedMs: number;
  readonly changedMs: number;
}

interface Options {
  /** Of whoever makes lists. */
  readonly port: number;
  /** Of whoever takes events in. */
  readonly ingest: number;
  readonly rate: number;
  readonly seconds: number;
  readonly people: number;
}

const PATIENCE_MS = 5_000;
/** `performance.now()` counts from this process's start. */
const AHEAD_MS = monotonicMs() - performance.now();

/** One keep-alive connection, one call at a time. */
class Caller {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const target = { host: '127.0.0.1', port: this.#port, agent: this.#agent, method, path };
      const sent = request({ ...target, ...(body ? { headers } : {}) }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (piece: string) => {
          text += piece;
        });
        answer.on('end', () => resolve(JSON.parse(text) as Answer));
      });
      sent.on('error', reject);
      sent.end(body ? JSON.stringify(body) : undefined);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** A person whose list arrives over the live socket. */
class Listener {
  readonly list = new Set<string>();
  readonly ready = Promise.withResolvers<void>();
  readonly #waiting = new Map<string, (atMs: number) => void>();

  constructor(socket: WebSocket, person: string) {
    socket.on('message', (data) => this.#take(JSON.parse(data.toString()) as LiveMessage));
    socket.on('error', this.ready.reject);
    socket.on('open', () => {
      const params = { limit: 20 };
      const channel = `user:${person}`;
      socket.send(JSON.stringify({ op: 'subscribe', id: 'list', channel, params }));
    });
  }

  /** When the list was pushed that this event changed. */
  heard(eventId: string): Promise<number | undefined> {
    return new Promise((resolve) => {
      const late = setTimeout(() => resolve(undefined), PATIENCE_MS);
      this.#waiting.set(eventId, (atMs) => {
        clearTimeout(late);
        resolve(atMs);
      });
    });
  }

  #take(message: LiveMessage): void {
    if (message.type === 'snapshot') {
      for (const { itemId } of message.list.items) this.list.add(itemId);
      this.ready.resolve();
    }
    if (message.type === 'diff') this.#takeDiff(message);
  }

  #takeDiff({ cause, left, entered }: LiveDiff): void {
    for (const itemId of left) this.list.delete(itemId);
    for (const { itemId } of entered) this.list.add(itemId);
    if (cause !== null) this.#waiting.get(cause.eventId)?.(performance.now());
  }
}

interface Sample {
  readonly acknowledged: number;
  readonly changed: number | undefined;
  readonly way: 'pushed' | 'read';
  readonly journey?: ProbeJourney;
}

interface Event {
  readonly eventId: string;
  readonly userId: string;
  readonly itemId: string;
  readonly kind: 'rating';
  readonly value: number;
}

const ratingOf = (eventId: string, userId: string, itemId: string): Event => ({
  eventId,
  userId,
  itemId,
  kind: 'rating',
  value: 5,
});

export const probeFreshness = async (options: Options): Promise<FreshnessResult> => {
  const { port, ingest, rate, seconds, people } = options;
  const callers = Array.from({ length: 4 }, () => new Caller(port));
  const senders = ingest === port ? callers : callers.map(() => new Caller(ingest));
  const sockets: WebSocket[] = [];
  const listeners: Listener[] = [];
  for (let person = 0; person < people; person++) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/live`);
    sockets.push(socket);
    listeners.push(new Listener(socket, `listener-${person}`));
  }
  await Promise.all(listeners.map(({ ready }) => ready.promise));
  const run = `probe-${process.pid}-${Math.round(performance.now())}`;
  const startMs = performance.now() + 100;
  const probes = Array.from({ length: rate * seconds }, async (_, probe) => {
    const dueMs = startMs + (1_000 * probe) / rate;
    const caller = callers[probe % callers.length]!;
    const person = Math.floor(probe / 2) % people;
    const sender = senders[probe % senders.length]!;
    const pace = { caller, sender, dueMs, eventId: `${run}-${probe}` };
    return probe % 2 === 0
      ? probePush(listeners[person]!, `listener-${person}`, pace)
      : probeRead(`reader-${person}`, pace);
  });
  const samples = await Promise.all(probes);
  for (const socket of sockets) socket.terminate();
  for (const caller of new Set([...callers, ...senders])) caller.close();
  return resultOf(samples);
};

interface Pace {
  readonly caller: Caller;
  readonly sender: Caller;
  readonly dueMs: number;
  readonly eventId: string;
}

const untilDue = (dueMs: number): Promise<void> => sleep(Math.max(0, dueMs - performance.now()));

const probePush = async (
  listener: Listener,
  person: string,
  { sender, dueMs, eventId }: Pace,
): Promise<Sample> => {
  await untilDue(dueMs);
  const [first] = listener.list;
  if (first === undefined) throw new Error('Expected a list to probe, got an empty one.');
  listener.list.delete(first);
  const heard = listener.heard(eventId);
  const sentAt = performance.now();
  const rating = ratingOf(eventId, person, first);
  const { positions } = await sender.call<EventsAnswer>('POST', '/v1/events', rating);
  const answeredAt = performance.now();
  const acknowledged = answeredAt - dueMs;
  const at = await heard;
  if (at === undefined) return { acknowledged, changed: undefined, way: 'pushed' };
  const journey: ProbeJourney = {
    ...positions[0]!,
    dueMs: dueMs + AHEAD_MS,
    sentMs: sentAt + AHEAD_MS,
    acknowledgedMs: answeredAt + AHEAD_MS,
    changedMs: at + AHEAD_MS,
  };
  return { acknowledged, changed: at - dueMs, way: 'pushed', journey };
};

/** Reads again and again until the list says that it covers the event. */
const probeRead = async (
  person: string,
  { caller, sender, dueMs, eventId }: Pace,
): Promise<Sample> => {
  const path = `/v1/users/${person}/recommendations?limit=20`;
  await untilDue(dueMs - 25);
  const before = await caller.call<ListAnswer>('GET', path);
  const first = before.items[0];
  if (first === undefined) throw new Error('Expected a list to probe, got an empty one.');
  await untilDue(dueMs);
  const rating = ratingOf(eventId, person, first.itemId);
  const { positions } = await sender.call<EventsAnswer>('POST', '/v1/events', rating);
  const acknowledged = performance.now() - dueMs;
  while (performance.now() < dueMs + PATIENCE_MS) {
    const { asOf, items } = await caller.call<ListAnswer>('GET', path);
    const isCovered = (asOf.offset ?? -1) >= positions[0]!.offset;
    const isChanged = items.every(({ itemId }) => itemId !== first.itemId);
    if (isCovered && isChanged) {
      return { acknowledged, changed: performance.now() - dueMs, way: 'read' };
    }
  }
  return { acknowledged, changed: undefined, way: 'read' };
};

const resultOf = (samples: readonly Sample[]): FreshnessResult => {
  const changedBy = (way: Sample['way']): Latency =>
    latencyOf(samples.flatMap((s) => (s.way === way && s.changed !== undefined ? s.changed : [])));
  return {
    acknowledged: latencyOf(samples.map(({ acknowledged }) => acknowledged)),
    pushed: changedBy('pushed'),
    read: changedBy('read'),
    unanswered: samples.filter(({ changed }) => changed === undefined).length,
    journeys: samples.flatMap(({ journey }) => journey ?? []),
  };
};

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '8090' },
      ingest: { type: 'string' },
      rate: { type: 'string', default: '20' },
      seconds: { type: 'string', default: '15' },
      people: { type: 'string', default: '40' },
    },
  });
  const result = await probeFreshness({
    port: Number(values.port),
    ingest: Number(values.ingest ?? values.port),
    rate: Number(values.rate),
    seconds: Number(values.seconds),
    people: Number(values.people),
  });
  console.log(JSON.stringify(result));
}
