/**
 * What the state on Redis survives: the server killed, with and without the end of its file; replies
 * that are lost; a server without room, one that became a replica, one that is away or stalls. A run is
 * repeated by its seed.
 */
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type LogId,
  NO_OFFSET,
  offset,
  partitionIndex,
  statePartition,
} from '../../schemas/ids.ts';
import { STATE_FORMAT } from '../../schemas/state/state-format.ts';
import { startFaultProxy } from '../../test/services/fault-proxy.ts';
import { freePort } from '../../test/services/free-port.ts';
import { LostReplies } from '../../test/services/lost-replies.ts';
import { KEEPS_ALL, RedisServer } from '../../test/services/redis-server.ts';
import { partitionKeys } from './redis-layout.ts';
import { openRedisStateStore, type RedisStateStoreOptions } from './redis-state-store.ts';
import type { ApplyRequest, StateStore } from './state-store.ts';
import { untilAnswered } from './until-answered.fixture.ts';

const P0 = statePartition('interactions', partitionIndex(0));
const P1 = statePartition('interactions', partitionIndex(1));
const LOG = 'log-a' as LogId;
/** Two thousand round trips and a thousand connections, of which each may have to wait for a turn. */
const BUSY_MACHINE_MS = 400_000;
const KEYS = 40;
const SEED = 20_260_131;
const TIMING = { connectTimeoutMs: 2_000, callTimeoutMs: 1_000, reconnectMsMax: 50 };

/** mulberry32 */
const randomOf = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** The record at an offset of the log changes these keys; what it makes of them follows from it alone. */
const keysAt = (at: number): readonly string[] =>
  Array.from({ length: 5 }, (_, step) => `k${(at * 7 + step * step) % KEYS}`);

const applyAt = (at: number, epoch: number, expected = at - 1): ApplyRequest => ({
  epoch,
  expectedOffset: offset(expected),
  coveredOffset: offset(at),
  logId: LOG,
  recordHash: at,
  changes: keysAt(at).map((key) => ({ key, value: Buffer.from(`${at}`) })),
});

/** What the store holds once it covers an offset. */
const stateAt = (covered: number): Readonly<Record<string, string>> => {
  const state: Record<string, string> = {};
  for (let at = 0; at <= covered; at += 1) for (const key of keysAt(at)) state[key] = `${at}`;
  return state;
};

const contentOf = async (store: StateStore): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(
    (await store.scan(P0, { prefix: '', limit: 1_000 })).map(({ key, value }) => [
      key,
      Buffer.from(value).toString(),
    ]),
  );

let namespaces = 0;
const placeOf = (number: number) => ({ namespace: `crash-${number}`, stateFormat: STATE_FORMAT });

describe('the state on Redis', () => {
  let server: RedisServer;
  const opened: { close(): Promise<void> }[] = [];
  beforeAll(async () => {
    server = await RedisServer.start({ settings: KEEPS_ALL });
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });
  afterAll(() => server.remove());

  const open = async (options: Partial<RedisStateStoreOptions> = {}): Promise<StateStore> => {
    const store = await openRedisStateStore({
      servers: { urls: [server.url] },
      ...placeOf(namespaces),
      timing: TIMING,
      ...options,
    });
    opened.push(store);
    return store;
  };
  const openAnew = (options: Partial<RedisStateStoreOptions> = {}): Promise<StateStore> => {
    namespaces += 1;
    return open(options);
  };
  const openProxy = async (): Promise<{ lost: LostReplies; url: string }> => {
    const lost = new LostReplies();
    const port = await freePort();
    const proxy = await startFaultProxy({ port, targetPort: server.port, editor: lost.editor });
    opened.push({ close: () => proxy.stop() });
    return { lost, url: `redis://127.0.0.1:${port}` };
  };
  const admin = async (...words: readonly string[]): Promise<void> => {
    const client = new Redis({ host: '127.0.0.1', port: server.port });
    await client.call(words[0]!, ...words.slice(1));
    client.disconnect();
  };

  it('[S2] a killed server comes back with all that it had answered', async () => {
    const store = await openAnew();
    const { epoch } = await store.claim(P0);
    for (let at = 0; at < 20; at += 1) await store.apply(P0, applyAt(at, epoch));
    await server.kill();
    await server.start();
    const after = await open();
    expect(await after.position(P0)).toMatchObject({ epoch, coveredOffset: 19 });
    expect(await contentOf(after)).toEqual(stateAt(19));
  });

  it(`[S2] a server that lost the end of its file has values and position of one moment (seed ${SEED})`, async () => {
    const random = randomOf(SEED);
    for (let round = 0; round < 8; round += 1) {
      const store = await openAnew();
      const { epoch } = await store.claim(P0);
      const before = await server.writtenBytes();
      for (let at = 0; at < 60; at += 1) await store.apply(P0, applyAt(at, epoch));
      const written = (await server.writtenBytes()) - before;
      await server.kill();
      await server.loseTail(Math.floor(random() * written));
      await server.start();
      const after = await open();
      const { coveredOffset, recordHash } = (await after.position(P0))!;
      expect(coveredOffset).toBeLessThan(59);
      expect(recordHash).toBe(Math.max(coveredOffset, 0));
      expect(await contentOf(after)).toEqual(stateAt(coveredOffset));
      await readAgain(after, epoch);
      expect(await contentOf(after)).toEqual(stateAt(70));
    }
  });

  /** As the stream does: the next apply is refused with the older position, and the log is read from there. */
  const readAgain = async (store: StateStore, epoch: number): Promise<void> => {
    const refused = await store.apply(P0, applyAt(60, epoch));
    expect(refused).toMatchObject({ outcome: 'mismatch' });
    const claimed = await store.claim(P0);
    for (let at = claimed.coveredOffset + 1; at <= 70; at += 1) {
      const result = await store.apply(P0, applyAt(at, claimed.epoch));
      expect(result).toEqual({ outcome: 'applied' });
    }
  };

  it('[S3] an emptied server refuses its owner, and is filled again from the log', async () => {
    const store = await openAnew();
    const { epoch } = await store.claim(P0);
    for (let at = 0; at < 10; at += 1) await store.apply(P0, applyAt(at, epoch));
    await admin('FLUSHALL');
    expect(await store.position(P0)).toBeUndefined();
    await readAgain(store, epoch);
    expect(await contentOf(store)).toEqual(stateAt(70));
  });

  it('[S3] a replica that lags and takes over refuses the owner, who reads the log again from there', async () => {
    const settings = { 'repl-diskless-sync-delay': '0' };
    const master = await RedisServer.start({ settings });
    const replica = await RedisServer.start();
    const order = async ({ port }: RedisServer, ...words: readonly string[]): Promise<void> => {
      const client = new Redis({ host: '127.0.0.1', port });
      await client.call(words[0]!, ...words.slice(1));
      client.disconnect();
    };
    const store = await openAnew({ servers: { urls: [master.url, replica.url] } });
    const { epoch } = await store.claim(P0);
    for (let at = 0; at < 30; at += 1) await store.apply(P0, applyAt(at, epoch));
    await order(replica, 'REPLICAOF', '127.0.0.1', `${master.port}`);
    const copy = await open({ servers: { urls: [replica.url] } });
    while (((await copy.position(P0))?.coveredOffset ?? NO_OFFSET) < 29);
    await order(replica, 'REPLICAOF', 'NO', 'ONE');
    for (let at = 30; at < 60; at += 1) await store.apply(P0, applyAt(at, epoch));
    await master.kill();
    expect(await untilAnswered(() => store.apply(P0, applyAt(60, epoch)))).toMatchObject({
      outcome: 'mismatch',
      stored: { epoch, coveredOffset: 29 },
    });
    await readAgain(store, epoch);
    expect(await contentOf(store)).toEqual(stateAt(70));
    for (const server of [master, replica]) await server.remove();
  });

  it('[S3] replies that are lost make nothing happen twice, and nothing be left out', async () => {
    const { lost, url } = await openProxy();
    const store = await openAnew({ servers: { urls: [url] } });
    const { epoch } = await store.claim(P0);
    await store.apply(P0, applyAt(0, epoch));
    let calls = 0;
    lost.to = (request) => /EVAL/.test(request) && ++calls % 3 === 0;
    let repeated = 0;
    for (let at = 1; at <= 60; at += 1) {
      const { outcome } = await untilAnswered(() => store.apply(P0, applyAt(at, epoch)));
      expect(outcome).not.toBe('mismatch');
      if (outcome === 'already-applied') repeated += 1;
    }
    expect(lost.count).toBeGreaterThan(15);
    expect(repeated).toBeGreaterThan(15);
    lost.to = undefined;
    expect(await contentOf(store)).toEqual(stateAt(60));
  });

  it(
    '[S3] a thousand connections are cut between an apply and its answer: each was done once',
    async () => {
      const { lost, url } = await openProxy();
      const timing = { ...TIMING, reconnectMsMax: 2 };
      const store = await openAnew({ servers: { urls: [url] }, timing });
      const { epoch } = await store.claim(P0);
      let calls = 0;
      lost.to = (request) => /EVAL/.test(request) && ++calls % 2 === 1;
      let at = 0;
      for (; lost.count < 1_000; at += 1) {
        const { outcome } = await untilAnswered(() => store.apply(P0, applyAt(at, epoch)));
        expect(outcome).not.toBe('mismatch');
      }
      lost.to = undefined;
      expect(await contentOf(store)).toEqual(stateAt(at - 1));
    },
    BUSY_MACHINE_MS,
  );

  it('[S5] a partition that is lost alone leaves the others as they are', async () => {
    const store = await openAnew();
    const claims = [await store.claim(P0), await store.claim(P1)];
    for (let at = 0; at < 10; at += 1) {
      await store.apply(P0, applyAt(at, claims[0]!.epoch));
      await store.apply(P1, applyAt(at, claims[1]!.epoch));
    }
    const { meta, index, changes, buckets } = partitionKeys(placeOf(namespaces), P0);
    await admin('UNLINK', meta, index, changes, ...buckets);
    expect(await store.apply(P1, applyAt(10, claims[1]!.epoch))).toEqual({ outcome: 'applied' });
    await readAgain(store, claims[0]!.epoch);
    expect(await contentOf(store)).toEqual(stateAt(70));
  });

  it('state of another format is as if it were not there, and stays as it is', async () => {
    const before = await openAnew();
    const { epoch } = await before.claim(P0);
    await before.apply(P0, applyAt(0, epoch));
    const after = await open({ stateFormat: STATE_FORMAT + 1 });
    expect(await after.position(P0)).toBeUndefined();
    await after.claim(P0);
    await after.clear(P0);
    expect(await contentOf(before)).toEqual(stateAt(0));
    expect(await before.apply(P0, applyAt(1, epoch))).toEqual({ outcome: 'applied' });
  });

  it('[S3] a claim whose reply was lost counts once', async () => {
    const { lost, url } = await openProxy();
    const store = await openAnew({ servers: { urls: [url] } });
    lost.to = (request) => /EVAL/.test(request) && lost.count === 0;
    expect(await untilAnswered(() => store.claim(P0))).toMatchObject({ epoch: 1 });
    expect(lost.count).toBe(1);
  });

  it('[S2] without the comparison of positions, a repeated apply would go back: the test has teeth', async () => {
    const store = await openAnew({ seams: { ignoreStoredPosition: true } });
    const { epoch } = await store.claim(P0);
    for (const at of [0, 1, 0]) await store.apply(P0, applyAt(at, epoch));
    expect(await store.position(P0)).toMatchObject({ coveredOffset: 0 });
  });

  it('[S2] a server without room refuses an apply whole, and reads go on', async () => {
    const store = await openAnew();
    const { epoch } = await store.claim(P0);
    await store.apply(P0, applyAt(0, epoch));
    await admin('CONFIG', 'SET', 'maxmemory', '1mb');
    await expect(store.apply(P0, applyAt(1, epoch))).rejects.toMatchObject({ code: 'state_full' });
    expect(await contentOf(store)).toEqual(stateAt(0));
    expect(await store.position(P0)).toMatchObject({ coveredOffset: 0 });
    await admin('CONFIG', 'SET', 'maxmemory', '0');
    expect(await store.apply(P0, applyAt(1, epoch))).toEqual({ outcome: 'applied' });
  });

  it('a server that became a replica is said to be unavailable until it is a master again', async () => {
    const store = await openAnew();
    const { epoch } = await store.claim(P0);
    await admin('REPLICAOF', '127.0.0.1', '1');
    await expect(store.apply(P0, applyAt(0, epoch))).rejects.toMatchObject({
      code: 'state_unavailable',
    });
    await admin('REPLICAOF', 'NO', 'ONE');
    expect(await untilAnswered(() => store.apply(P0, applyAt(0, epoch)))).toEqual({
      outcome: 'applied',
    });
  });

  it('a server that is away is said to be so at once, and is found again by itself', async () => {
    const store = await openAnew();
    await store.claim(P0);
    await server.kill();
    await expect(store.position(P0)).rejects.toMatchObject({ code: 'state_unavailable' });
    await expect(open({ timing: { ...TIMING, connectTimeoutMs: 100 } })).rejects.toMatchObject({
      code: 'state_unavailable',
    });
    await server.start();
    expect(await untilAnswered(() => store.position(P0))).toMatchObject({ epoch: 1 });
  });

  it('a server that stalls is given up in time, and what it does later harms nothing', async () => {
    const store = await openAnew();
    const { epoch } = await store.claim(P0);
    server.signal('SIGSTOP');
    await expect(store.apply(P0, applyAt(0, epoch))).rejects.toMatchObject({
      code: 'state_unavailable',
    });
    server.signal('SIGCONT');
    const { outcome } = await untilAnswered(() => store.apply(P0, applyAt(0, epoch)));
    expect(['applied', 'already-applied']).toContain(outcome);
    expect(await contentOf(store)).toEqual(stateAt(0));
  });

  it('[S2] a value that is no longer what was written is refused by name', async () => {
    const store = await openAnew();
    const { epoch } = await store.claim(P0);
    await store.apply(P0, applyAt(0, epoch));
    const client = new Redis({ host: '127.0.0.1', port: server.port });
    const [key] = keysAt(0);
    for (const name of partitionKeys(placeOf(namespaces), P0).buckets) {
      if (await client.hexists(name, key!)) await client.hset(name, key!, 'something else');
    }
    client.disconnect();
    await expect(store.getMany(P0, [key!])).rejects.toMatchObject({ code: 'state_corrupt' });
    await expect(contentOf(store)).rejects.toMatchObject({ code: 'state_corrupt' });
  });

  it('a value that was deleted is in no file of the server once those are rewritten', async () => {
    const store = await openAnew();
    const { epoch } = await store.claim(P0);
    const secret = 'nothing-of-this-is-to-be-found';
    const write = (at: number, value: Buffer | undefined) =>
      store.apply(P0, { ...applyAt(at, epoch), changes: [{ key: 'a person', value }] });
    await write(0, Buffer.from(secret));
    await write(1, undefined);
    expect(await server.holds(secret)).toBe(true);
    const client = new Redis({ host: '127.0.0.1', port: server.port });
    await client.call('BGREWRITEAOF');
    while (/aof_rewrite_(in_progress|scheduled):1/.test(await client.info('persistence')));
    client.disconnect();
    expect(await server.holds(secret)).toBe(false);
  });

  it('a server that forgot its scripts is told them again', async () => {
    const store = await openAnew();
    await store.claim(P0);
    await admin('SCRIPT', 'FLUSH');
    expect(await store.claim(P0)).toMatchObject({ epoch: 2, coveredOffset: NO_OFFSET });
  });
});
