/**
 * One client of the live socket, whatever carries it: its subscriptions, what it may ask and how
 * often, and the care that nothing queues without bound for it.
 */
import { Ajv, type ValidateFunction } from 'ajv';
import {
  LIVE_REQUESTS,
  type LiveChannel,
  type LiveParams,
  type LiveRequest,
  type LiveUnsubscribe,
  parseChannel,
} from '../../schemas/api/live.ts';
import { formatTime } from '../../schemas/api/time.ts';
import { validationMessage } from '../../schemas/api/validation-message.ts';
import type { Clock, Logger, RandomSource } from '../../schemas/environment.ts';
import { FreshetError, isFreshetError } from '../../schemas/errors.ts';
import type { Catalogue } from '../catalogue.ts';
import type { LiveOptions } from '../options.ts';
import type { Feed } from './live-feeds.ts';
import type { ListChannel, LiveHub } from './live-hub.ts';
import { LiveSubscription, type Outlet } from './live-subscription.ts';
import type { ParkedSubscriptions } from './parked-subscriptions.ts';

/** What carries messages to a client. */
export interface Carrier {
  /** Bytes handed over and not yet taken by the network. */
  readonly queuedBytes: number;
  /** `taken` is called once the network took it. */
  send(message: string, taken: () => void): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_POLICY = 1008;

export interface LiveCounters {
  /** Diffs merged into later ones because a client read slowly. */
  coalesced: number;
  /** Clients ended because too much was queued for them. */
  ended: number;
}

export interface LiveParts {
  readonly counters: LiveCounters;
  readonly hub: LiveHub;
  readonly activity: Feed;
  readonly system: Feed | undefined;
  readonly parked: ParkedSubscriptions;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
  readonly options: LiveOptions;
}

type Subscribing = Exclude<LiveRequest, LiveUnsubscribe>;
type FeedChannel = Exclude<LiveChannel, ListChannel>;

const isList = (channel: LiveChannel): channel is ListChannel =>
  channel.kind !== 'activity' && channel.kind !== 'system';

interface FeedSubscription {
  end(): void;
}

const SECOND_MS = 1_000;

export class LiveConnection implements Outlet {
  readonly #parts: LiveParts;
  readonly #carrier: Carrier;
  readonly #lists = new Map<string, LiveSubscription>();
  readonly #feeds = new Map<string, FeedSubscription>();
  #work: Promise<void> = Promise.resolve();
  #isEnded = false;
  /** Too much was queued for it; the carrier has yet to say that it is gone. */
  #isCut = false;
  #badMessages = 0;
  #messagesThisSecond = 0;
  #secondBeganMs = Number.NEGATIVE_INFINITY;
  #idleSinceMs: number;
  #heardSinceBeat = true;

  constructor(parts: LiveParts, carrier: Carrier) {
    this.#parts = parts;
    this.#carrier = carrier;
    this.#idleSinceMs = parts.clock.monotonicMs();
  }

  get subscriptionCount(): number {
    return this.#lists.size + this.#feeds.size;
  }

  get isFull(): boolean {
    return this.#carrier.queuedBytes > this.#parts.options.coalesceBytes;
  }

  noteCoalesced(): void {
    this.#parts.counters.coalesced++;
  }

  /** Takes a message of the client, after those before it. Never rejects. */
  receive(text: string): Promise<void> {
    this.#heardSinceBeat = true;
    if (!this.#isEnded && this.#isWithinRate())
      this.#work = this.#work.then(() => this.#take(text));
    return this.#work;
  }

  async #take(text: string): Promise<void> {
    if (this.#isEnded) return;
    let id: string | null = null;
    try {
      const request = parseRequest(text);
      id = request.id;
      await this.#handle(request);
    } catch (error) {
      this.#refuse(id, error);
    }
  }

  /** The first subscription of a client that cannot send messages. */
  async open(request: LiveRequest): Promise<void> {
    await this.#handle(request);
  }

  /** A message that is none: too often, the connection ends. */
  refuseBinary(): void {
    this.#refuse(null, badMessage('text', 'bytes'));
  }

  send(message: string): void {
    if (this.#isEnded || this.#isCut) return;
    if (this.#carrier.queuedBytes + message.length > this.#parts.options.queuedBytesMax) {
      this.#parts.logger.debug('A live client reads too slowly', {
        queuedBytes: this.#carrier.queuedBytes,
      });
      this.#isCut = true;
      this.#parts.counters.ended++;
      this.#carrier.terminate();
      return;
    }
    this.#carrier.send(message, () => this.#taken());
  }

  heard(): void {
    this.#heardSinceBeat = true;
  }

  /** Every 15 seconds. False when nothing was heard since the last beat: the client is gone. */
  beat(): boolean {
    const { clock, options } = this.#parts;
    const isHeard = this.#heardSinceBeat;
    this.#heardSinceBeat = false;
    this.send(`{"type":"heartbeat","at":"${formatTime(clock.now())}"}`);
    if (this.subscriptionCount > 0) this.#idleSinceMs = clock.monotonicMs();
    const isIdle = clock.monotonicMs() - this.#idleSinceMs >= options.idleMs;
    if (isIdle) this.#carrier.close(CLOSE_POLICY, 'no subscription');
    return isHeard;
  }

  close(code: number, reason: string): void {
    this.#carrier.close(code, reason);
  }

  /** The carrier is gone. What it watched can be resumed for a while. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const subscription of this.#lists.values()) {
      this.#parts.parked.park(subscription);
      this.#endList(subscription);
    }
    for (const feed of this.#feeds.values()) feed.end();
    this.#lists.clear();
    this.#feeds.clear();
  }

  async #handle(request: LiveRequest): Promise<void> {
    if (request.op === 'unsubscribe') {
      this.#drop(request.id);
      this.send(`{"type":"unsubscribed","id":${JSON.stringify(request.id)}}`);
      return;
    }
    const channel = parseChannel(request.channel);
    if (channel === undefined) {
      throw new FreshetError('bad_request', {
        problem: `Expected channel to be user:ID, session:ID, item:ID, list:NAME, activity or system, got ${request.channel}.`,
      });
    }
    this.#drop(request.id);
    const { subscriptionsPerSocketMax } = this.#parts.options;
    if (this.subscriptionCount >= subscriptionsPerSocketMax) {
      throw new FreshetError('bad_request', {
        problem: `Expected at most ${subscriptionsPerSocketMax} subscriptions on a socket, got more.`,
      });
    }
    if (isList(channel)) await this.#watch(request, channel);
    else this.#listen(request, channel.kind);
  }

  #listen(request: Subscribing, kind: FeedChannel['kind']): void {
    const feed = kind === 'activity' ? this.#parts.activity : this.#parts.system;
    if (feed === undefined) throw new FreshetError('unavailable', { why: `no ${kind} here` });
    let seq = this.#firstSeq();
    const id = JSON.stringify(request.id);
    if (request.op === 'resume') this.#sendResumed(request.id, seq, 'snapshot');
    const end = feed.listen((fields) => {
      // A feed is no list: what a slow client misses of it is gone.
      if (!this.isFull) this.send(`{"type":"${kind}","id":${id},"seq":${++seq},${fields}}`);
    });
    this.#feeds.set(request.id, { end });
  }

  async #watch(request: Subscribing, channel: ListChannel): Promise<void> {
    const { hub, parked, catalogue, clock, options } = this.#parts;
    const params: LiveParams = request.params ?? {};
    const list = hub.open(channel, params);
    const given = { id: request.id, list, catalogue, clock, sentKept: options.sentKept };
    const sent =
      request.op === 'resume' ? parked.take(list.key, request.id, request.seq) : undefined;
    const firstSeq = sent?.at(-1)?.seq ?? this.#firstSeq();
    const subscription = new LiveSubscription(given, firstSeq, sent);
    this.#lists.set(request.id, subscription);
    try {
      if (request.op === 'resume') {
        this.#sendResumed(request.id, firstSeq, sent === undefined ? 'snapshot' : 'seq');
      }
      if (sent === undefined) await subscription.begin(this);
      else await subscription.goOn(this);
    } catch (error) {
      this.#lists.delete(request.id);
      this.#endList(subscription);
      throw error;
    }
    // The socket may have closed, or the id been given to another, while the list was made.
    if (this.#lists.get(request.id) !== subscription) subscription.end();
  }

  #drop(id: string): void {
    this.#feeds.get(id)?.end();
    this.#feeds.delete(id);
    const subscription = this.#lists.get(id);
    this.#lists.delete(id);
    if (subscription !== undefined) this.#endList(subscription);
  }

  #endList(subscription: LiveSubscription): void {
    subscription.end();
    this.#parts.hub.release(subscription.list);
  }

  #sendResumed(id: string, seq: number, from: 'seq' | 'snapshot'): void {
    this.send(`{"type":"resumed","id":${JSON.stringify(id)},"seq":${seq},"from":"${from}"}`);
  }

  /**
   * Numbers begin anywhere, so that one server process does not take a number of another, or of
   * somebody else's subscription, for its own.
   */
  #firstSeq(): number {
    return Math.floor(this.#parts.random() * 2 ** 31) * 2 ** 16;
  }

  #taken(): void {
    if (this.#isEnded || this.isFull) return;
    for (const subscription of this.#lists.values()) subscription.flush();
  }

  #isWithinRate(): boolean {
    const { clock, options } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#secondBeganMs >= SECOND_MS) {
      this.#secondBeganMs = nowMs;
      this.#messagesThisSecond = 0;
    }
    this.#messagesThisSecond++;
    if (this.#messagesThisSecond <= options.messagesPerSecondMax) return true;
    const limit = options.messagesPerSecondMax;
    this.#refuse(null, new FreshetError('too_many_requests', { limit, retryAfterSeconds: 1 }));
    return false;
  }

  #refuse(id: string | null, error: unknown): void {
    if (this.#isEnded) return;
    const told = isFreshetError(error) ? error : new FreshetError('internal', {}, { cause: error });
    if (told.code === 'internal') this.#parts.logger.error('A live message failed', { error });
    const { code, message } = told;
    this.send(JSON.stringify({ type: 'error', id, error: { code, message } }));
    this.#badMessages++;
    if (this.#badMessages > this.#parts.options.badMessagesMax) {
      this.#carrier.close(CLOSE_POLICY, 'too many bad messages');
    }
  }
}

const ajv = new Ajv({ coerceTypes: false, strict: false, verbose: true });
const validators = new Map<string, ValidateFunction>(
  Object.entries(LIVE_REQUESTS).map(([op, schema]) => [op, ajv.compile(schema)]),
);

const badMessage = (expected: string, got: string): FreshetError =>
  new FreshetError('bad_request', { problem: `Expected a message of ${expected}, got ${got}.` });

const parseRequest = (text: string): LiveRequest => {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    throw new FreshetError('bad_json', { problem: 'something else' });
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    throw badMessage('an object', 'another value');
  }
  const { op } = message as { readonly op?: unknown };
  const validate = typeof op === 'string' ? validators.get(op) : undefined;
  if (validate === undefined) {
    const known = [...validators.keys()].join(', ');
    throw new FreshetError('bad_request', {
      problem: `Expected op to be one of ${known}, got ${String(op).slice(0, 40)}.`,
    });
  }
  if (!validate(message)) {
    throw new FreshetError('bad_request', {
      problem: validationMessage(validate.errors![0]!, 'the message'),
    });
  }
  return message as LiveRequest;
};
