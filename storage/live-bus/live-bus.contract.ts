/**
 * The rules of the LiveBus, run against every adapter.
 *
 * B1 at most once, in order per channel and publisher. B2 a slow subscriber holds up neither a
 * publisher nor another subscriber. B3 what is dropped is counted.
 *
 * Who counts what a slow subscriber misses is the adapter's: the publisher that drops for it, or the
 * subscriber that notices what never came.
 *
 * Beyond the port's own: B4 only subscribers of a channel, from their subscription on, hear it; B5
 * after close every call rejects with its code; B6 what a subscriber gets is a copy.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LiveBus } from './live-bus.ts';

/** A subscriber that takes nothing in until it is let go. */
export interface StalledSubscriber {
  resume(): void;
  /** What it got, and what it knows to have missed, since it stalled. */
  seen(): Promise<{ readonly messages: readonly unknown[]; readonly dropped: number }>;
}

export interface LiveBusFixture {
  readonly bus: LiveBus;
  /** Another bus of the same name. */
  join(): Promise<LiveBus>;
  /** A subscriber of a channel, somewhere else, that is busy. */
  joinStalled(channel: string): Promise<StalledSubscriber>;
  /** So many messages may wait for one subscriber before some are dropped. */
  readonly queueMax: number;
  /** How large messages must be for that many times two to fill what lies between the buses. */
  readonly stallingBytes?: number;
  remove(): Promise<void>;
}

export interface LiveBusUnderTest {
  readonly name: string;
  readonly create: () => Promise<LiveBusFixture>;
}

/** Turns of the event loop, until it holds; the test's own limit ends a wait in vain. */
export const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await nextTurn();
};

/**
 * Publishes marks until the newest one has arrived: then a link is there, and, since messages keep their
 * order, nothing that was published before is under way any more.
 */
export const settled = async (
  publish: (mark: Mark) => void,
  newest: () => number | Promise<number>,
): Promise<void> => {
  for (let mark = 1; ; mark += 1) {
    publish({ mark });
    for (let turn = 0; turn < TURNS_PER_MARK; turn += 1) {
      if ((await newest()) === mark) return;
      await nextTurn();
    }
  }
};

export interface Mark {
  readonly mark: number;
}

/** 0 for what is no mark. */
export const markOf = (message: unknown): number => (message as Partial<Mark>).mark ?? 0;

const TURNS_PER_MARK = 500;

/** Resolves once what `from` publishes on the channel arrives at `to`, and nothing is under way. */
export const linked = async (from: LiveBus, to: LiveBus, channel: string): Promise<void> => {
  let newest = 0;
  const subscription = to.subscribe(channel, (message) => {
    newest = markOf(message);
  });
  await settled(
    (mark) => from.publish(channel, mark),
    () => newest,
  );
  subscription.close();
};

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);

export const liveBusContract = (adapter: LiveBusUnderTest): void => {
  describe(`${adapter.name} keeps the rules of the LiveBus`, () => {
    let fixture: LiveBusFixture;
    let bus: LiveBus;
    let other: LiveBus;
    beforeEach(async () => {
      fixture = await adapter.create();
      bus = fixture.bus;
      other = await fixture.join();
    });
    afterEach(() => fixture.remove());

    const listen = (on: LiveBus, channel: string): unknown[] => {
      const heard: unknown[] = [];
      on.subscribe(channel, (message) => heard.push(message));
      return heard;
    };

    for (const where of ['the same bus', 'another bus']) {
      const receiver = (): LiveBus => (where === 'the same bus' ? bus : other);

      it(`[B1] messages arrive once and in order per channel, on ${where}`, async () => {
        await linked(bus, receiver(), 'a');
        await linked(bus, receiver(), 'b');
        const [a, b] = [listen(receiver(), 'a'), listen(receiver(), 'b')];
        const end = listen(receiver(), 'end');
        await linked(bus, receiver(), 'end');
        a.length = 0;
        b.length = 0;
        const count = Math.min(200, Math.floor(fixture.queueMax / 3));
        for (const at of numbers(count)) {
          bus.publish('a', { at });
          bus.publish('b', { at });
        }
        bus.publish('end', 'end');
        await until(() => end.includes('end'));
        expect(a).toEqual(numbers(count).map((at) => ({ at })));
        expect(b).toEqual(a);
      });

      it(`[B4] ${where} hears its own channels only, and no longer after unsubscribing`, async () => {
        await linked(bus, receiver(), 'a');
        const heard: unknown[] = [];
        const subscription = receiver().subscribe('a', (message) => heard.push(message));
        await linked(bus, receiver(), 'end');
        heard.length = 0;
        bus.publish('b', 'not for it');
        bus.publish('a', 1);
        await until(() => heard.length > 0);
        subscription.close();
        bus.publish('a', 2);
        await linked(bus, receiver(), 'end');
        expect(heard).toEqual([1]);
      });

      it(`[B6] a subscriber on ${where} gets a copy`, async () => {
        await linked(bus, receiver(), 'a');
        const heard = listen(receiver(), 'a');
        await linked(bus, receiver(), 'a');
        heard.length = 0;
        const message = { keys: ['item:heat-1995', '__proto__', '☃'] };
        bus.publish('a', message);
        message.keys.push('late');
        await until(() => heard.length > 0);
        expect(heard).toEqual([{ keys: ['item:heat-1995', '__proto__', '☃'] }]);
      });
    }

    it('[B1] publishing does not run a subscriber', async () => {
      const heard = listen(bus, 'a');
      await linked(bus, bus, 'a');
      heard.length = 0;
      bus.publish('a', 1);
      expect(heard).toEqual([]);
      await until(() => heard.length > 0);
    });

    it('[B2] [B3] a stalled subscriber holds up nobody, and what it misses is counted', async () => {
      await linked(bus, other, 'a');
      const heard = listen(other, 'a');
      await linked(bus, other, 'a');
      const stalled = await fixture.joinStalled('a');
      await linked(bus, other, 'end');
      heard.length = 0;
      const before = bus.counters();
      const count = fixture.queueMax * 2;
      const padding = 'x'.repeat(fixture.stallingBytes ?? 0);
      for (const at of numbers(count)) {
        bus.publish('a', { at, padding });
        await until(() => heard.length > at);
      }
      expect(heard).toEqual(numbers(count).map((at) => ({ at, padding })));
      stalled.resume();
      await settled(
        (mark) => bus.publish('a', mark),
        async () => markOf((await stalled.seen()).messages.at(-1) ?? {}),
      );
      const { messages, dropped } = await stalled.seen();
      const after = bus.counters();
      const missed = dropped + after.dropped - before.dropped;
      expect(messages.length + missed).toBe(after.published - before.published);
      expect(messages.filter((message) => markOf(message) === 0).length).toBeLessThan(count);
    });

    it('[B3] published = delivered + dropped on a bus that hears itself', async () => {
      const heard = listen(bus, 'a');
      await linked(bus, bus, 'a');
      heard.length = 0;
      const before = bus.counters();
      const count = fixture.queueMax * 3;
      for (const at of numbers(count)) bus.publish('a', at);
      const since = () => {
        const { published, delivered, dropped } = bus.counters();
        return {
          published: published - before.published,
          passed: delivered - before.delivered + dropped - before.dropped,
        };
      };
      await until(() => since().passed === count);
      expect(since()).toEqual({ published: count, passed: count });
      // The last mark may still take up a place.
      expect(heard.length).toBeGreaterThanOrEqual(fixture.queueMax - 1);
      expect(heard.length).toBeLessThanOrEqual(fixture.queueMax);
      expect(heard).toEqual(numbers(heard.length));
    });

    it('[B4] several subscribers of a channel each hear it, and closing one twice harms none', async () => {
      const first: unknown[] = [];
      const subscription = bus.subscribe('a', (message) => first.push(message));
      const second = listen(bus, 'a');
      subscription.close();
      subscription.close();
      await linked(bus, bus, 'a');
      second.length = 0;
      bus.publish('a', 1);
      await until(() => second.length > 0);
      expect([first, second]).toEqual([[], [1]]);
    });

    it('[B5] after close every call is refused with its code, and closing again is nothing', async () => {
      await bus.close();
      await bus.close();
      expect(() => bus.publish('a', 1)).toThrow(expect.objectContaining({ code: 'bus_closed' }));
      expect(() => bus.subscribe('a', () => {})).toThrow(
        expect.objectContaining({ code: 'bus_closed' }),
      );
    });

    it('[B2] a bus that is closed is no longer waited for', async () => {
      await linked(bus, other, 'a');
      listen(other, 'a');
      await linked(bus, other, 'a');
      await other.close();
      const third = await fixture.join();
      await linked(bus, third, 'a');
      const heard = listen(third, 'a');
      await linked(bus, third, 'a');
      heard.length = 0;
      const { dropped } = bus.counters();
      for (const at of numbers(fixture.queueMax * 2)) {
        bus.publish('a', at);
        await until(() => heard.length > at);
      }
      expect(bus.counters().dropped).toBe(dropped);
    });
  });
};
