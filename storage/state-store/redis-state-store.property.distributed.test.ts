/** Random histories of the store on Redis; a kill is one of the server, which starts again on its file. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { KEEPS_ALL, RedisServer } from '../../test/services/redis-server.ts';
import { openRedisStateStore } from './redis-state-store.ts';
import { type HistorySubject, historySteps, StateHistory } from './state-history.fixture.ts';

/** Ten thousand round trips, one after the other, of which each may have to wait for a turn. */
const BUSY_MACHINE_MS = 400_000;

describe('RedisStateStore and its model', () => {
  let server: RedisServer;
  let histories = 0;
  beforeAll(async () => {
    server = await RedisServer.start({ settings: KEEPS_ALL });
  });
  afterAll(() => server.remove());

  const redisSubject = (): HistorySubject => {
    histories += 1;
    const namespace = `history-${histories}`;
    return {
      open: (options) =>
        openRedisStateStore({ servers: { urls: [server.url] }, namespace, ...options }),
      kill: async () => {
        await server.kill();
        await server.start();
      },
      remove: async () => {},
    };
  };

  it(
    'answer the same in any history of claims, applies, clears, reopenings and kills',
    async () => {
      await fc.assert(
        fc.asyncProperty(historySteps, (steps) => new StateHistory(redisSubject()).run(steps)),
        { numRuns: 20, seed: 1_234 },
      );
    },
    BUSY_MACHINE_MS,
  );
});
