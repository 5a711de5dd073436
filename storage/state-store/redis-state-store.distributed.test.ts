/** The contract on one real server, on a cluster of three masters, and with TLS and a user of its own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type LogId,
  NO_OFFSET,
  offset,
  partitionIndex,
  statePartition,
} from '../../schemas/ids.ts';
import { STATE_FORMAT } from '../../schemas/state/state-format.ts';
import { RedisCluster } from '../../test/services/redis-cluster.ts';
import { KEEPS_ALL, RedisServer } from '../../test/services/redis-server.ts';
import { makeTlsFiles, type TlsFiles } from '../../test/services/tls-files.ts';
import type { RedisServers } from '../redis/redis-link.ts';
import { partitionKeys } from './redis-layout.ts';
import { openRedisStateStore } from './redis-state-store.ts';
import { stateStoreContract } from './state-store.contract.ts';
import type { StateStore } from './state-store.ts';
import { untilAnswered } from './until-answered.fixture.ts';

const P0 = statePartition('interactions', partitionIndex(0));

/** What `docs/deployment.md` tells to grant. */
const USER_RULES = [
  'freshet on >secret resetkeys ~{site-a:*}:* resetchannels &site-a:* -@all',
  '+hello +ping +info +client|setname +cluster|slots +cluster|info +asking',
  '+evalsha +eval +hget +hmget +hset +hdel +hincrby +zadd +zrem +zrangebylex',
  '+rpush +lpop +lrange +unlink +scan +memory|usage +bgrewriteaof +bgsave',
  '+publish +subscribe +unsubscribe',
].join(' ');

let namespaces = 0;
const nextNamespace = (): string => {
  namespaces += 1;
  return `contract-${namespaces}`;
};

const underContract = (name: string, servers: () => RedisServers): void =>
  stateStoreContract({
    name,
    create: async ({ changedKeysKept }) => {
      const namespace = nextNamespace();
      const opened: StateStore[] = [];
      const open = async () => {
        const store = await openRedisStateStore({
          servers: servers(),
          namespace,
          changedKeysKept,
        });
        opened.push(store);
        return store;
      };
      const store = await open();
      return {
        store,
        reopen: async () => {
          await store.close();
          return open();
        },
        openAnother: open,
        remove: async () => {
          for (const each of opened) await each.close();
        },
      };
    },
  });

describe('on one server', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.remove());
  underContract('RedisStateStore', () => ({ urls: [server.url] }));
});

describe('on a cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });
  afterAll(() => cluster.remove());
  underContract('RedisStateStore on a cluster', () => ({ urls: cluster.urls, isCluster: true }));

  it('goes on, exactly, while the slot of its partition is handed from master to master', async () => {
    const namespace = nextNamespace();
    const store = await openRedisStateStore({
      servers: { urls: cluster.urls, isCluster: true },
      namespace,
    });
    const { epoch } = await store.claim(P0);
    let covered = NO_OFFSET as number;
    let isMoving = true;
    const writing = (async () => {
      while (isMoving) {
        const changes = Array.from({ length: 60 }, (_, at) => ({
          key: `k${at}`,
          value: Buffer.from(`${covered + 1}`),
        }));
        const request = {
          epoch,
          expectedOffset: offset(covered),
          coveredOffset: offset(covered + 1),
          logId: 'log-a' as LogId,
          recordHash: 0,
          changes,
        };
        // A call that gave up may have been done: the same again tells.
        const { outcome } = await untilAnswered(() => store.apply(P0, request));
        expect(['applied', 'already-applied']).toContain(outcome);
        covered += 1;
      }
    })();
    const keys = Array.from({ length: 60 }, (_, at) => `k${at}`);
    const reading = (async () => {
      while (isMoving) {
        const values = await untilAnswered(() => store.getMany(P0, keys));
        const seen = new Set(values.map((value) => String(value)));
        expect(seen.size).toBe(1);
      }
    })();
    for (let move = 0; move < 6; move += 1) {
      await cluster.moveSlotOf(partitionKeys({ namespace, stateFormat: STATE_FORMAT }, P0).meta);
    }
    isMoving = false;
    await Promise.all([writing, reading]);
    expect(await store.position(P0)).toMatchObject({ epoch, coveredOffset: covered });
    expect(String((await store.getMany(P0, ['k59']))[0])).toBe(`${covered}`);
    await store.close();
  });
});

describe('on a cluster whose masters are killed', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start(KEEPS_ALL);
  });
  afterAll(() => cluster.remove());

  it('each is missed only while it is away, and comes back with all that it had answered', async () => {
    const store = await openRedisStateStore({
      servers: { urls: cluster.urls, isCluster: true },
      namespace: nextNamespace(),
    });
    const { epoch } = await store.claim(P0);
    let covered = NO_OFFSET as number;
    const apply = async (): Promise<void> => {
      const request = {
        epoch,
        expectedOffset: offset(covered),
        coveredOffset: offset(covered + 1),
        logId: 'log-a' as LogId,
        recordHash: 0,
        changes: [{ key: `k${covered % 7}`, value: Buffer.from(`${covered + 1}`) }],
      };
      const { outcome } = await untilAnswered(() => store.apply(P0, request));
      expect(['applied', 'already-applied']).toContain(outcome);
      covered += 1;
    };
    for (const server of cluster.servers) {
      for (let at = 0; at < 20; at += 1) await apply();
      await server.kill();
      const during = apply();
      await server.start();
      await during;
    }
    for (let at = 0; at < 20; at += 1) await apply();
    expect(await store.position(P0)).toMatchObject({ epoch, coveredOffset: covered });
    expect(await store.scan(P0, { prefix: '', limit: 99 })).toHaveLength(8);
    await store.close();
  });
});

describe('who may use the server', () => {
  let tls: TlsFiles;
  let server: RedisServer;
  const user = { username: 'freshet', password: 'secret' };
  beforeAll(async () => {
    tls = makeTlsFiles();
    server = await RedisServer.start({ tls, settings: { user: USER_RULES } });
  });
  afterAll(async () => {
    await server.remove();
    tls.remove();
  });

  const open = (servers: Partial<RedisServers>, namespace = 'site-a') =>
    openRedisStateStore({
      servers: { urls: [server.url], caCertificate: tls.authority, ...user, ...servers },
      namespace,
      timing: { connectTimeoutMs: 1_000, callTimeoutMs: 2_000, reconnectMsMax: 50 },
    });

  it('every call works with the rights that the documentation names, and no more', async () => {
    const store = await open({});
    const { epoch } = await store.claim(P0);
    const changes = [
      { key: 'a', value: Buffer.from('1') },
      { key: 'gone', value: undefined },
    ];
    const request = {
      epoch,
      expectedOffset: NO_OFFSET,
      coveredOffset: offset(0),
      logId: 'log-a' as LogId,
      recordHash: 1,
      changes,
    };
    expect(await store.apply(P0, request)).toEqual({ outcome: 'applied' });
    expect(await store.position(P0)).toMatchObject({ coveredOffset: 0 });
    expect(await store.getMany(P0, ['a', 'b', 'c'])).toEqual([
      Buffer.from('1'),
      undefined,
      undefined,
    ]);
    expect(await store.scan(P0, { prefix: '', limit: 9 })).toHaveLength(1);
    expect(await store.changesSince(P0, NO_OFFSET)).toMatchObject({ complete: true });
    expect(await store.sizeBytes()).toBeGreaterThan(0);
    await store.clear(P0);
    await store.close();
  });

  it('keys of another namespace are refused', async () => {
    const store = await open({}, 'site-b');
    await expect(store.claim(P0)).rejects.toMatchObject({ code: 'bad_settings' });
    await store.close();
  });

  it('a wrong password is refused, and is not in the error', async () => {
    const refused = await open({ password: 'not the secret' }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'bad_settings' });
    expect(JSON.stringify(refused, Object.getOwnPropertyNames(refused))).not.toContain(
      'not the secret',
    );
  });

  it('a certificate that nobody vouches for is refused', async () => {
    const opening = openRedisStateStore({
      servers: { urls: [server.url], ...user },
      namespace: 'site-a',
      timing: { connectTimeoutMs: 500, callTimeoutMs: 500, reconnectMsMax: 50 },
    });
    await expect(opening).rejects.toMatchObject({ code: 'state_unavailable' });
  });

  for (const url of ['http://x', 'redis://user:secret@x', 'redis://']) {
    it(`${url} is no address of a server`, async () => {
      await expect(open({ urls: [url] })).rejects.toMatchObject({ code: 'bad_settings' });
    });
  }

  it('a server that may evict keys is refused', async () => {
    const evicting = await RedisServer.start({
      settings: { maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' },
    });
    const opening = openRedisStateStore({ servers: { urls: [evicting.url] }, namespace: 'a' });
    await expect(opening).rejects.toMatchObject({ code: 'bad_settings' });
    await evicting.remove();
  });
});
