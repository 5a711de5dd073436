/**
 * The live bus over Redis' publish and subscribe: two connections, one that speaks and one that listens.
 *
 * Redis keeps nothing for who is not there, and cuts off who does not read; that nobody waits for a slow
 * subscriber is its own doing. So the subscriber counts what it missed: messages carry their publisher
 * and a number, and a gap in the numbers is what was dropped on the way. What a publisher cannot send,
 * since too much is under way or the server is away, it drops and counts itself.
 *
 * On a cluster every node passes messages on to all others; one connection to any node is enough, and
 * keeps the order.
 */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { FreshetError } from '../../schemas/errors.ts';
import { STATE_FORMAT } from '../../schemas/state/state-format.ts';
import { connectToOne, type RedisServers, type RedisTiming } from '../redis/redis-link.ts';
import type { LiveBus, LiveBusCounters, Subscription } from './live-bus.ts';
import { OutgoingQueue } from './outgoing-queue.ts';

export interface RedisLiveBusOptions {
  readonly servers: RedisServers;
  /** Only buses of the same namespace hear each other. */
  readonly namespace: string;
  /** Hints speak of positions, and those of another format's state are others. */
  readonly stateFormat?: number;
  /** Messages that may be under way from this bus, and that may wait for its subscribers. */
  readonly queueMax?: number;
  readonly timing?: RedisTiming;
}

export const DEFAULT_REDIS_LIVE_BUS_OPTIONS = {
  stateFormat: STATE_FORMAT,
  queueMax: 1_024,
} as const;

/** Publishers whose numbers are remembered, by channel; beyond that the oldest is forgotten. */
const PUBLISHERS_MAX = 4_096;

type Receive = (message: unknown) => void;

/** Does not wait for the server: hints are dropped, and counted, until it is there. */
export const openRedisLiveBus = async (options: RedisLiveBusOptions): Promise<LiveBus> =>
  new RedisLiveBus(options);

class RedisLiveBus implements LiveBus {
  readonly #id = randomUUID();
  readonly #prefix: string;
  readonly #queueMax: number;
  readonly #speaker: Redis;
  readonly #listener: Redis;
  readonly #arrived: OutgoingQueue;
  readonly #subscribers = new Map<string, Set<Receive>>();
  /** The last number that was sent on a channel. */
  readonly #sent = new Map<string, number>();
  /** The last number that came from each publisher on each channel. */
  readonly #heard = new Map<string, number>();
  #underWay = new Set<symbol>();
  #published = 0;
  #delivered = 0;
  #dropped = 0;
  #isClosed = false;

  constructor(options: RedisLiveBusOptions) {
    const { servers, namespace, stateFormat, queueMax, timing } = {
      ...DEFAULT_REDIS_LIVE_BUS_OPTIONS,
      ...options,
    };
    this.#prefix = `${namespace}:bus:${stateFormat}:`;
    this.#queueMax = queueMax;
    this.#arrived = new OutgoingQueue(queueMax, (channel, text) =>
      this.#deliver(channel, text as string),
    );
    // Sent again, a message might arrive twice; and a listener subscribes anew by itself.
    const once = { autoResendUnfulfilledCommands: false, autoResubscribe: false };
    this.#speaker = connectToOne(servers, timing, once);
    this.#listener = connectToOne(servers, timing, once);
    this.#speaker.on('close', () => this.#lose());
    this.#listener.on('ready', () => this.#subscribeAll());
    this.#listener.on('message', (name, text) => this.#hear(name.slice(this.#prefix.length), text));
  }

  publish(channel: string, message: unknown): void {
    this.#mustBeOpen();
    this.#published += 1;
    if (this.#speaker.status !== 'ready' || this.#underWay.size >= this.#queueMax) {
      this.#dropped += 1;
      return;
    }
    const number = (this.#sent.get(channel) ?? 0) + 1;
    this.#sent.set(channel, number);
    this.#send(`${this.#prefix}${channel}`, `${this.#id} ${number} ${JSON.stringify(message)}`);
  }

  subscribe(channel: string, receive: Receive): Subscription {
    this.#mustBeOpen();
    const own: Receive = (message) => receive(message);
    const receivers = this.#subscribers.get(channel) ?? new Set();
    this.#subscribers.set(channel, receivers.add(own));
    if (receivers.size === 1) this.#tell('subscribe', channel);
    return {
      close: () => {
        if (!receivers.delete(own) || receivers.size > 0) return;
        this.#subscribers.delete(channel);
        for (const key of this.#heard.keys()) {
          if (key.endsWith(` ${channel}`)) this.#heard.delete(key);
        }
        if (!this.#isClosed) this.#tell('unsubscribe', channel);
      },
    };
  }

  counters(): LiveBusCounters {
    return { published: this.#published, delivered: this.#delivered, dropped: this.#dropped };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#arrived.clear();
    this.#subscribers.clear();
    this.#speaker.disconnect();
    this.#listener.disconnect();
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new FreshetError('bus_closed');
  }

  #send(name: string, text: string): void {
    const letter = Symbol();
    this.#underWay.add(letter);
    this.#speaker.publish(name, text).then(
      () => this.#underWay.delete(letter),
      () => {
        if (this.#underWay.delete(letter)) this.#dropped += 1;
      },
    );
  }

  /** The connection is gone; whether these arrived nobody knows, and nobody sends them again. */
  #lose(): void {
    this.#dropped += this.#underWay.size;
    this.#underWay = new Set();
  }

  #subscribeAll(): void {
    for (const channel of this.#subscribers.keys()) this.#tell('subscribe', channel);
  }

  /** What fails is said again once the connection is ready. */
  #tell(what: 'subscribe' | 'unsubscribe', channel: string): void {
    if (this.#listener.status !== 'ready') return;
    this.#listener[what](`${this.#prefix}${channel}`).catch(() => undefined);
  }

  #hear(channel: string, text: string): void {
    if (this.#isClosed || !this.#subscribers.has(channel)) return;
    const [publisher = '', given = ''] = text.split(' ', 2);
    const key = `${publisher} ${channel}`;
    const number = Number(given);
    const last = this.#heard.get(key) ?? number - 1;
    if (number <= last) return;
    this.#dropped += number - last - 1;
    this.#remember(key, number);
    const body = text.slice(publisher.length + given.length + 2);
    if (!this.#arrived.add(channel, body)) this.#dropped += 1;
  }

  #remember(key: string, number: number): void {
    this.#heard.delete(key);
    this.#heard.set(key, number);
    if (this.#heard.size <= PUBLISHERS_MAX) return;
    const [oldest] = this.#heard.keys();
    this.#heard.delete(oldest!);
  }

  #deliver(channel: string, text: string): void {
    const message: unknown = JSON.parse(text);
    for (const receive of this.#subscribers.get(channel) ?? []) {
      this.#delivered += 1;
      try {
        receive(message);
      } catch (error) {
        // A fault of one subscriber: the others go on, and the process learns of it.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
