import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { FIXTURE_NOW, ManualClock } from '../../test/serving/serving-fixture.ts';
import { Catalogue } from '../catalogue.ts';
import { ItemSlots } from '../item-slots.ts';
import { DEFAULT_SERVING_OPTIONS } from '../options.ts';
import { type Carrier, LiveConnection, type LiveParts } from './live-connection.ts';
import type { Feed, FeedListener } from './live-feeds.ts';
import { ParkedSubscriptions } from './parked-subscriptions.ts';

/** A network that takes nothing until it is told to. */
class StuckCarrier implements Carrier {
  queuedBytes = 0;
  isTerminated = false;
  closed: number | undefined;
  readonly messages: string[] = [];
  #taken: (() => void)[] = [];

  send(message: string, taken: () => void): void {
    this.messages.push(message);
    this.queuedBytes += message.length;
    this.#taken.push(taken);
  }

  close(code: number): void {
    this.closed = code;
  }

  terminate(): void {
    this.isTerminated = true;
  }

  drain(): void {
    this.queuedBytes = 0;
    for (const taken of this.#taken.splice(0)) taken();
  }
}

class TestFeed implements Feed {
  tell: FeedListener = () => undefined;
  isListenedTo = false;

  listen(listener: FeedListener): () => void {
    this.tell = listener;
    this.isListenedTo = true;
    return () => {
      this.isListenedTo = false;
    };
  }

  stop = async (): Promise<void> => undefined;
}

const options = { ...DEFAULT_SERVING_OPTIONS.live, coalesceBytes: 1_000, queuedBytesMax: 4_000 };
let clock: ManualClock;
let carrier: StuckCarrier;
let activity: TestFeed;
let parts: LiveParts;
let connection: LiveConnection;

beforeEach(() => {
  clock = new ManualClock();
  carrier = new StuckCarrier();
  activity = new TestFeed();
  parts = {
    counters: { coalesced: 0, ended: 0 },
    hub: undefined as unknown as LiveParts['hub'],
    activity,
    system: undefined,
    parked: new ParkedSubscriptions(options, clock),
    catalogue: new Catalogue(new ItemSlots()),
    clock,
    random: () => 0.5,
    logger: silentLogger,
    options,
  };
  connection = new LiveConnection(parts, carrier);
});

const subscribe = (): Promise<void> =>
  connection.receive(JSON.stringify({ op: 'subscribe', id: 'a', channel: 'activity' }));

describe('a client that reads nothing', () => {
  it('has a bounded queue: what comes while it is full is left out', async () => {
    await subscribe();
    for (let index = 0; index < 1_000; index++) activity.tell('"events":[],"skipped":0');
    expect(carrier.queuedBytes).toBeLessThan(1_200);
    carrier.drain();
    activity.tell('"events":[],"skipped":7');
    expect(carrier.messages.at(-1)).toContain('"skipped":7');
  });

  it('is ended before more than the limit is queued for it', async () => {
    for (let index = 0; index < 100 && !carrier.isTerminated; index++) {
      clock.time += 1_000;
      await connection.receive('x'.repeat(10));
    }
    expect(carrier.isTerminated || carrier.closed === 1008).toBe(true);
    expect(carrier.queuedBytes).toBeLessThanOrEqual(4_000);
    connection.send('y'.repeat(5_000));
    expect(carrier.isTerminated).toBe(true);
    expect(parts.counters.ended).toBe(1);
  });

  it('is gone when it answered no heartbeat', () => {
    expect(connection.beat()).toBe(true);
    expect(connection.beat()).toBe(false);
    connection.heard();
    expect(connection.beat()).toBe(true);
    expect(carrier.messages[0]).toBe(
      `{"type":"heartbeat","at":"${new Date(FIXTURE_NOW).toISOString()}"}`,
    );
  });
});

describe('what a connection ends', () => {
  it('its feeds are no longer listened to, and a name given again takes the place of the old', async () => {
    await subscribe();
    await subscribe();
    expect(connection.subscriptionCount).toBe(1);
    connection.end();
    expect(activity.isListenedTo).toBe(false);
    await subscribe();
    expect(connection.subscriptionCount).toBe(0);
  });
});
