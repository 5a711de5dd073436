import { afterEach, describe, expect, it } from 'vitest';
import { BusThread } from './bus-thread.fixture.ts';
import { createInProcessLiveBus } from './in-process-live-bus.ts';
import { liveBusContract, until } from './live-bus.contract.ts';
import type { LiveBus } from './live-bus.ts';

const QUEUE_MAX = 64;
let names = 0;

const threadOf = (name: string, channel: string): Promise<BusThread> =>
  BusThread.start({ kind: 'in-process', options: { name, queueMax: QUEUE_MAX } }, channel);

liveBusContract({
  name: 'InProcessLiveBus',
  create: async () => {
    names += 1;
    const name = `contract-${names}`;
    const buses: LiveBus[] = [];
    const threads: BusThread[] = [];
    const join = async (): Promise<LiveBus> => {
      const bus = createInProcessLiveBus({ name, queueMax: QUEUE_MAX });
      buses.push(bus);
      return bus;
    };
    const bus = await join();
    return {
      bus,
      join,
      joinStalled: async (channel) => {
        const thread = await threadOf(name, channel);
        threads.push(thread);
        return thread.stall(bus, channel);
      },
      queueMax: QUEUE_MAX,
      remove: async () => {
        for (const thread of threads) await thread.close();
        for (const one of buses) await one.close();
      },
    };
  },
});

describe('a live bus across threads', () => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });

  const start = async (name: string): Promise<{ bus: LiveBus; thread: BusThread }> => {
    const bus = createInProcessLiveBus({ name, queueMax: QUEUE_MAX });
    const thread = await threadOf(name, 'hints');
    open.push(thread, bus);
    return { bus, thread };
  };

  it('[B1] carries hints to another thread, in order', async () => {
    const { bus, thread } = await start('threads-1');
    let heard: readonly unknown[] = [];
    while (heard.length === 0) {
      bus.publish('hints', 'probe');
      heard = await thread.heard();
    }
    const hints = Array.from({ length: QUEUE_MAX / 2 }, (_, at) => ({
      partition: 'p.0',
      from: at,
    }));
    for (const hint of hints) bus.publish('hints', hint);
    while (JSON.stringify(heard.at(-1)) !== JSON.stringify(hints.at(-1))) {
      heard = await thread.heard();
    }
    expect(heard.filter((message) => message !== 'probe')).toEqual(hints);
  });

  it('[B1] a bus of another name hears nothing', async () => {
    const { bus, thread } = await start('threads-2');
    const stranger = createInProcessLiveBus({ name: 'threads-2-other' });
    open.push(stranger);
    const heard: unknown[] = [];
    stranger.subscribe('hints', (message) => heard.push(message));
    while ((await thread.heard()).length === 0) bus.publish('hints', 1);
    expect(heard).toEqual([]);
  });

  it('[B2] [B3] a thread that died without a word costs no more than its queue', async () => {
    const { bus, thread } = await start('threads-3');
    open.shift();
    while ((await thread.heard()).length === 0) bus.publish('hints', 'probe');
    await thread.kill();
    const own: unknown[] = [];
    bus.subscribe('hints', (message) => own.push(message));
    for (let at = 0; at < QUEUE_MAX * 2; at += 1) {
      bus.publish('hints', at);
      await until(() => own.length > at);
    }
    expect(bus.counters().dropped).toBeGreaterThanOrEqual(QUEUE_MAX);
  });

  it('[B2] a subscriber that throws does not keep the message from others', async () => {
    const bus = createInProcessLiveBus({ name: 'throwing' });
    open.push(bus);
    const thrown: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => thrown.push(error.message));
    const heard: unknown[] = [];
    bus.subscribe('a', () => {
      throw new Error('mine');
    });
    bus.subscribe('a', (message) => heard.push(message));
    bus.publish('a', 1);
    await until(() => heard.length > 0 && thrown.length > 0);
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect([heard, thrown]).toEqual([[1], ['mine']]);
  });
});
