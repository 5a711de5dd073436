/** A page that watches one person's lists over the live socket, as one of many behind a balancer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { applied, LiveClient } from '../serving/live-client.ts';

export interface DashboardOptions {
  readonly url: string;
  /** As the balancer names it. */
  readonly address: string;
  readonly person: string;
  /** How long the list is. */
  readonly limit: number;
  /** How often it watches how the instance is doing, too. */
  readonly feeds?: number;
}

/** Fewer than a socket may send in a second. */
const AT_ONCE = 15;
const PAUSE_MS = 1_000;
/** Who does not answer heartbeats is ended; whoever says anything lives. */
const ALIVE_EVERY_MS = 3_000;

export class Dashboard {
  readonly #client: LiveClient;
  #list: readonly string[] = [];
  readonly #causes = new Set<string>();
  #saying: NodeJS.Timeout | undefined;
  #read = 0;

  /** Resolves once it shows what it watches. */
  static async open(options: DashboardOptions): Promise<Dashboard> {
    const { url, address, person, limit, feeds = 0 } = options;
    const client = new LiveClient(Number(new URL(url).port), { 'x-forwarded-for': address });
    if (!(await client.opened())) throw new Error(`Expected a socket for ${address}, got none`);
    client.send({ op: 'subscribe', id: 'list', channel: `user:${person}`, params: { limit } });
    await client.next('snapshot');
    for (let from = 0; from < feeds; from += AT_ONCE) {
      await sleep(PAUSE_MS);
      const until = Math.min(feeds, from + AT_ONCE);
      for (let at = from; at < until; at += 1) {
        client.send({ op: 'subscribe', id: `feed-${at}`, channel: 'system' });
      }
      // Whoever answers has taken them all, so that no two seconds' worth can meet in one.
      while ((await client.next('system')).id !== `feed-${until - 1}`);
    }
    return new Dashboard(client);
  }

  private constructor(client: LiveClient) {
    this.#client = client;
  }

  /** The ids of its list in their order. */
  get shown(): string {
    this.#takeIn();
    return this.#list.join();
  }

  /** Whether it was told what this event did to its list. */
  wasToldOf(eventId: string): boolean {
    this.#takeIn();
    return this.#causes.has(eventId);
  }

  /** From now on it hears nothing, and yet says now and then that it is there. */
  stopReading(): void {
    this.#client.socket.pause();
    this.#saying = setInterval(
      () => this.#client.send({ op: 'unsubscribe', id: 'none' }),
      ALIVE_EVERY_MS,
    );
  }

  readOn(): void {
    this.#client.socket.resume();
  }

  close(): void {
    clearInterval(this.#saying);
    this.#client.socket.terminate();
  }

  #takeIn(): void {
    const { messages } = this.#client;
    for (; this.#read < messages.length; this.#read += 1) {
      const message = messages[this.#read]!;
      if (message.type === 'snapshot') {
        this.#list = message.list.items.map(({ itemId }) => itemId);
      }
      if (message.type !== 'diff') continue;
      this.#list = applied(this.#list, message);
      if (message.cause) this.#causes.add(message.cause.eventId);
    }
  }
}
