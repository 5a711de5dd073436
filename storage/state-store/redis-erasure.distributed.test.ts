import { execFileSync } from 'node:child_process';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type LogId,
  NO_OFFSET,
  offset,
  partitionIndex,
  statePartition,
} from '../../schemas/ids.ts';
import { RedisServer, type RedisServerOptions } from '../../test/services/redis-server.ts';
import { eraseRemoved } from './redis-erasure.ts';
import { openRedisStateStore } from './redis-state-store.ts';
import type { StateStore } from './state-store.ts';

const NAMESPACE = 'erasure';
const P0 = statePartition('interactions', partitionIndex(0));
const LOG = 'log-1' as LogId;
const NAME = 'subject:u:zebra-of-yerevan';
const SECRET = 'what-the-zebra-liked';
const SIGNAL = new AbortController().signal;
const clock = { sleep: (ms: number, signal?: AbortSignal) => sleepFor(ms, undefined, { signal }) };

let server: RedisServer;
let store: StateStore;
afterEach(async () => {
  await store.close();
  await server.remove();
});

const start = async (options: RedisServerOptions = {}): Promise<void> => {
  server = await RedisServer.start(options);
  store = await openRedisStateStore({ servers: { urls: [server.url] }, namespace: NAMESPACE });
};

/** Four applies: others, the one, the one removed, others again. */
const liveAndRemove = async (): Promise<void> => {
  const { epoch } = await store.claim(P0);
  const values: readonly (readonly [string, string | undefined])[] = [
    ['subject:u:other', 'stays'],
    [NAME, SECRET],
    [NAME, undefined],
    ['subject:u:third', 'stays, too'],
  ];
  let covered = NO_OFFSET;
  for (const [key, text] of values) {
    const next = offset(covered + 10);
    await store.apply(P0, {
      epoch,
      expectedOffset: covered,
      coveredOffset: next,
      logId: LOG,
      recordHash: 1,
      changes: [{ key, value: text === undefined ? undefined : Buffer.from(text) }],
    });
    covered = next;
  }
};

/** The third apply took in the record at offset 25. */
const erase = (): Promise<void> =>
  eraseRemoved(
    [{ partition: P0, offset: offset(25) }],
    { servers: { urls: [server.url] }, namespace: NAMESPACE, clock },
    SIGNAL,
  );

const textsLeft = async (): Promise<readonly boolean[]> =>
  Promise.all([NAME, SECRET].map((text) => server.holds(text)));

const command = (...words: readonly string[]): void => {
  execFileSync('redis-cli', ['-p', `${server.port}`, ...words], { stdio: 'ignore' });
};

describe('what was removed from Redis', () => {
  it('is in no file afterwards, and everything else is as it was', async () => {
    await start({ settings: { appendfsync: 'always' } });
    await liveAndRemove();
    expect(await textsLeft()).toEqual([true, true]);
    await erase();
    expect(await textsLeft()).toEqual([false, false]);
    const kept = await store.scan(P0, { prefix: '', limit: 10 });
    expect(kept.map(({ key }) => key)).toEqual(['subject:u:other', 'subject:u:third']);
    expect((await store.position(P0))?.coveredOffset).toBe(39);
  });

  it('is news to who is that far behind, and who is not reads on', async () => {
    await start();
    await liveAndRemove();
    await erase();
    expect(await store.changesSince(P0, offset(19))).toMatchObject({
      complete: false,
      reachesBackTo: 29,
    });
    expect(await store.changesSince(P0, offset(29))).toMatchObject({
      complete: true,
      keys: ['subject:u:third'],
    });
  });

  it('is not in a snapshot either', async () => {
    await start({ settings: { appendonly: 'no', rdbcompression: 'no' } });
    await liveAndRemove();
    command('save');
    expect(await textsLeft()).toContain(true);
    await erase();
    expect(await textsLeft()).toEqual([false, false]);
  });

  it('is gone although another rewrite was under way', async () => {
    await start();
    await liveAndRemove();
    command('bgrewriteaof');
    await Promise.all([erase(), erase()]);
    expect(await textsLeft()).toEqual([false, false]);
  });

  it('is said to be there where Redis does not let its files be rewritten', async () => {
    await start();
    await liveAndRemove();
    command('acl', 'setuser', 'default', '-bgrewriteaof');
    await expect(erase()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('BGREWRITEAOF'),
    });
  });
});
