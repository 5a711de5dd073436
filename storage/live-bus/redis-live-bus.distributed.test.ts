/** The contract over a real server and over a cluster; and a server that goes away and comes back. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RedisCluster } from '../../test/services/redis-cluster.ts';
import { RedisServer } from '../../test/services/redis-server.ts';
import type { RedisServers } from '../redis/redis-link.ts';
import { BusThread } from './bus-thread.fixture.ts';
import { linked, liveBusContract, until } from './live-bus.contract.ts';
import type { LiveBus } from './live-bus.ts';
import { openRedisLiveBus, type RedisLiveBusOptions } from './redis-live-bus.ts';

const QUEUE_MAX = 64;
/** A subscriber that does not read is cut off once so much waits for it in the server. */
const SETTINGS = { 'client-output-buffer-limit': 'pubsub 1mb 0 0' };
const TIMING = { connectTimeoutMs: 2_000, callTimeoutMs: 2_000, reconnectMsMax: 50 };

let namespaces = 0;

const nextOptions = (servers: RedisServers): RedisLiveBusOptions => {
  namespaces += 1;
  return { servers, namespace: `site-${namespaces}`, queueMax: QUEUE_MAX, timing: TIMING };
};

const underContract = (name: string, servers: () => RedisServers): void =>
  liveBusContract({
    name,
    create: async () => {
      const options = nextOptions(servers());
      const buses: LiveBus[] = [];
      const threads: BusThread[] = [];
      const join = async (): Promise<LiveBus> => {
        const bus = await openRedisLiveBus(options);
        buses.push(bus);
        await linked(bus, bus, 'joined');
        return bus;
      };
      const bus = await join();
      return {
        bus,
        join,
        joinStalled: async (channel) => {
          const thread = await BusThread.start({ kind: 'redis', options }, channel);
          threads.push(thread);
          return thread.stall(bus, channel);
        },
        queueMax: QUEUE_MAX,
        stallingBytes: 200_000,
        remove: async () => {
          for (const thread of threads) await thread.close();
          for (const one of buses) await one.close();
        },
      };
    },
  });

describe('on one server', () => {
  let server: RedisServer;
  const open: LiveBus[] = [];
  beforeAll(async () => {
    server = await RedisServer.start({ settings: SETTINGS });
  });
  afterEach(async () => {
    for (const bus of open.splice(0)) await bus.close();
  });
  afterAll(() => server.remove());

  underContract('RedisLiveBus', () => ({ urls: [server.url] }));

  const openBus = async (options: RedisLiveBusOptions): Promise<LiveBus> => {
    const bus = await openRedisLiveBus(options);
    open.push(bus);
    return bus;
  };

  it.each(['namespace', 'format of the state'])('[B1] another %s hears nothing', async (what) => {
    const options = nextOptions({ urls: [server.url] });
    const bus = await openBus(options);
    const stranger = await openBus(
      what === 'namespace' ? nextOptions({ urls: [server.url] }) : { ...options, stateFormat: 99 },
    );
    const heard: unknown[] = [];
    stranger.subscribe('a', (message) => heard.push(message));
    await linked(stranger, stranger, 'end');
    await linked(bus, bus, 'a');
    await linked(stranger, stranger, 'end');
    expect(heard).toEqual([]);
  });

  it('[B2] [B3] while the server is away hints are dropped and counted, and afterwards they arrive again', async () => {
    const options = nextOptions({ urls: [server.url] });
    const bus = await openBus(options);
    const other = await openBus(options);
    const heard: unknown[] = [];
    other.subscribe('a', (message) => heard.push(message));
    await linked(bus, other, 'a');
    await server.kill();
    const before = bus.counters();
    await until(() => {
      bus.publish('a', 'lost');
      return bus.counters().dropped > before.dropped;
    });
    await server.start();
    heard.length = 0;
    await until(() => {
      bus.publish('a', 'back');
      return heard.includes('back');
    });
    expect(heard).not.toContain('lost');
  });
});

describe('on a cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start(SETTINGS);
  });
  afterAll(() => cluster.remove());
  underContract('RedisLiveBus on a cluster', () => ({ urls: cluster.urls, isCluster: true }));

  it('[B2] goes over to the next node when its own is killed, and on to those that are there', async () => {
    const options = nextOptions({ urls: cluster.urls, isCluster: true });
    const [bus, other] = [await openRedisLiveBus(options), await openRedisLiveBus(options)];
    await linked(bus, other, 'a');
    for (const server of cluster.servers) {
      await server.kill();
      await linked(bus, other, 'a');
      await server.start();
    }
    for (const one of [bus, other]) await one.close();
  });
});
