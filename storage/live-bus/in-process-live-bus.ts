/**
 * The live bus of one process: any thread that opens a bus of the same name is on it.
 *
 * Node's BroadcastChannel reaches all threads, but queues without bound for one that is busy. So
 * each bus has an inbox of its own; a publisher sends to the inboxes of those that subscribe, and
 * counts per inbox what was not yet acknowledged. At the limit it drops for that one alone. Buses
 * find each other by announcing themselves, and what they subscribe to, on a shared channel; what
 * is published before that has arrived is lost, as hints may be. A thread that dies without closing its
 * bus keeps its place, and one full queue, until the process ends.
 */
import { BroadcastChannel, threadId } from 'node:worker_threads';
import { FreshetError } from '../../schemas/errors.ts';
import type { LiveBus, LiveBusCounters, Subscription } from './live-bus.ts';
import { OutgoingQueue } from './outgoing-queue.ts';

export interface InProcessLiveBusOptions {
  /** Only buses of the same name hear each other. */
  readonly name: string;
  /** Messages that may wait for one slow bus. */
  readonly queueMax?: number;
}

export const DEFAULT_LIVE_BUS_OPTIONS = { queueMax: 1024 } as const;

export const createInProcessLiveBus = (options: InProcessLiveBusOptions): LiveBus =>
  new InProcessLiveBus(options);

type Receive = (message: unknown) => void;

/** Said on the shared channel by each bus, to all. */
type Announcement =
  | { readonly kind: 'present'; readonly id: string; readonly channels: readonly string[] }
  | { readonly kind: 'gone'; readonly id: string };

/** Sent to one inbox. */
type Letter =
  | {
      readonly kind: 'message';
      readonly from: string;
      readonly channel: string;
      readonly message: unknown;
    }
  | { readonly kind: 'taken'; readonly from: string; readonly count: number };

interface Peer {
  readonly inbox: BroadcastChannel;
  channels: ReadonlySet<string>;
  /** Messages sent and not yet said to be taken. */
  waiting: number;
}

let busesOfThread = 0;

class InProcessLiveBus implements LiveBus {
  readonly #id: string;
  readonly #name: string;
  readonly #queueMax: number;
  readonly #shared: BroadcastChannel;
  readonly #inbox: BroadcastChannel;
  readonly #peers = new Map<string, Peer>();
  readonly #subscribers = new Map<string, Set<Receive>>();
  /** Messages of each peer that were taken since it was last told. */
  readonly #taken = new Map<string, number>();
  readonly #own: OutgoingQueue;
  #published = 0;
  #delivered = 0;
  #dropped = 0;
  #isClosed = false;

  constructor({ name, queueMax = DEFAULT_LIVE_BUS_OPTIONS.queueMax }: InProcessLiveBusOptions) {
    busesOfThread += 1;
    this.#id = `${threadId}.${busesOfThread}`;
    this.#name = name;
    this.#queueMax = queueMax;
    this.#own = new OutgoingQueue(queueMax, (channel, message) => this.#deliver(channel, message));
    this.#shared = listening(`freshet-bus/${name}`, (said) => this.#hear(said as Announcement));
    this.#inbox = listening(this.#inboxName(this.#id), (letter) => this.#open(letter as Letter));
    this.#announce();
  }

  publish(channel: string, message: unknown): void {
    this.#mustBeOpen();
    this.#published += 1;
    if (this.#subscribers.has(channel) && !this.#own.add(channel, message)) this.#dropped += 1;
    for (const peer of this.#peers.values()) {
      if (peer.channels.has(channel)) this.#send(peer, channel, message);
    }
  }

  subscribe(channel: string, receive: Receive): Subscription {
    this.#mustBeOpen();
    const own: Receive = (message) => receive(message);
    const receivers = this.#subscribers.get(channel) ?? new Set();
    this.#subscribers.set(channel, receivers.add(own));
    if (receivers.size === 1) this.#announce();
    return {
      close: () => {
        if (!receivers.delete(own) || receivers.size > 0) return;
        this.#subscribers.delete(channel);
        if (!this.#isClosed) this.#announce();
      },
    };
  }

  counters(): LiveBusCounters {
    return { published: this.#published, delivered: this.#delivered, dropped: this.#dropped };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#say({ kind: 'gone', id: this.#id });
    this.#own.clear();
    for (const peer of this.#peers.values()) peer.inbox.close();
    this.#peers.clear();
    this.#subscribers.clear();
    this.#inbox.close();
    this.#shared.close();
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new FreshetError('bus_closed');
  }

  #inboxName(id: string): string {
    return `freshet-bus/${this.#name}/${id}`;
  }

  #say(announcement: Announcement): void {
    this.#shared.postMessage(announcement);
  }

  #announce(): void {
    this.#say({ kind: 'present', id: this.#id, channels: [...this.#subscribers.keys()] });
  }

  #hear(said: Announcement): void {
    if (this.#isClosed) return;
    const known = this.#peers.get(said.id);
    if (said.kind === 'gone') {
      known?.inbox.close();
      this.#peers.delete(said.id);
      this.#taken.delete(said.id);
    } else if (known !== undefined) {
      known.channels = new Set(said.channels);
    } else {
      const inbox = new BroadcastChannel(this.#inboxName(said.id));
      inbox.unref();
      this.#peers.set(said.id, { inbox, channels: new Set(said.channels), waiting: 0 });
      // A newcomer has not heard of those that were there before.
      this.#announce();
    }
  }

  #send(peer: Peer, channel: string, message: unknown): void {
    if (peer.waiting >= this.#queueMax) {
      this.#dropped += 1;
      return;
    }
    peer.waiting += 1;
    peer.inbox.postMessage({ kind: 'message', from: this.#id, channel, message } satisfies Letter);
  }

  #open(letter: Letter): void {
    if (this.#isClosed) return;
    if (letter.kind === 'taken') {
      const peer = this.#peers.get(letter.from);
      if (peer !== undefined) peer.waiting -= letter.count;
      return;
    }
    this.#acknowledge(letter.from);
    this.#deliver(letter.channel, letter.message);
  }

  /** Not each one by itself: a quarter of the queue at a time keeps the publisher going. */
  #acknowledge(from: string): void {
    const count = (this.#taken.get(from) ?? 0) + 1;
    const isDue = count >= Math.max(1, Math.floor(this.#queueMax / 4));
    this.#taken.set(from, isDue ? 0 : count);
    if (!isDue) return;
    const peer = this.#peers.get(from);
    peer?.inbox.postMessage({ kind: 'taken', from: this.#id, count } satisfies Letter);
  }

  #deliver(channel: string, message: unknown): void {
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

const listening = (name: string, receive: (data: unknown) => void): BroadcastChannel => {
  const channel = new BroadcastChannel(name);
  channel.onmessage = (event) => receive((event as unknown as { readonly data: unknown }).data);
  // Hints alone are no reason to stay alive.
  channel.unref();
  return channel;
};
