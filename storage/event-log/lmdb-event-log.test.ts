import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { CONTRACT_TOPICS } from './contract-topics.fixture.ts';
import { eventLogContract } from './event-log.contract.ts';
import type { EventLog } from './event-log.ts';
import { openLmdbEventLog } from './lmdb-event-log.ts';

let drawn = 0;
const random = (): number => {
  drawn += 1;
  return (drawn * 0.6180339887498949) % 1;
};

/** A tail that is never called would wait for ever: nothing here may rest on the slow poll. */
const clock = {
  sleep: (_: number, signal?: AbortSignal) => sleepFor(60_000, undefined, signal ? { signal } : {}),
};

const open = (directory: string): Promise<EventLog> =>
  openLmdbEventLog({ directory, topics: CONTRACT_TOPICS, clock, random });

eventLogContract({
  name: 'LmdbEventLog',
  create: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'freshet-log-'));
    let log = await open(directory);
    return {
      log,
      reopen: async () => {
        await log.close();
        log = await open(directory);
        return log;
      },
      recreate: async () => {
        await log.close();
        await rm(directory, { recursive: true });
        log = await open(directory);
        return log;
      },
      remove: async () => {
        await log.close();
        await rm(directory, { recursive: true });
      },
    };
  },
});
