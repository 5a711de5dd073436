/** The embedded log in two threads of one process, each writing what the other reads. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { epochMs, offset, partitionIndex } from '../../schemas/ids.ts';
import { CONTRACT_TOPICS } from './contract-topics.fixture.ts';
import { openLmdbEventLog } from './lmdb-event-log.ts';

const P0 = partitionIndex(0);

/** A tail that nobody calls waits for ever. */
const clock = {
  sleep: (_: number, signal?: AbortSignal) => sleepFor(60_000, undefined, signal ? { signal } : {}),
};

describe('LmdbEventLog in two threads', () => {
  it('[L4] each is called for what the other appends, sees all of it once and in order', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'freshet-log-'));
    const log = await openLmdbEventLog({
      directory,
      topics: CONTRACT_TOPICS,
      writableTopics: ['contract-delete'],
      clock,
      random: () => 0.25,
    });
    const worker = new Worker(join(import.meta.dirname, 'log-follower.fixture.ts'), {
      workerData: { directory },
    });
    const exited = once(worker, 'exit');
    await once(worker, 'message');

    const sent = Array.from({ length: 300 }, (_, at) => `event ${at}`);
    const seen: string[] = [];
    const stop = new AbortController();
    const echo = (async () => {
      const limits = { recordsMax: 100, bytesMax: 100_000, signal: stop.signal };
      for await (const records of log.tail('contract-compact', P0, offset(0), limits)) {
        for (const { value } of records) seen.push(new TextDecoder().decode(value!));
        if (seen.length === sent.length) stop.abort();
      }
    })();
    for (const text of sent) {
      const value = new TextEncoder().encode(text);
      const record = { key: null, value, timestamp: epochMs(1) };
      if (seen.length % 3 === 0) await log.append('contract-delete', P0, [record]);
      else void log.append('contract-delete', P0, [record]);
    }
    await echo;
    expect(seen).toEqual(sent);
    worker.postMessage('stop');
    await exited;
    await log.close();
    rmSync(directory, { recursive: true });
  });

  it('a topic opened for reading only refuses to be written, as a mistake of the caller', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'freshet-log-'));
    const log = await openLmdbEventLog({
      directory,
      topics: CONTRACT_TOPICS,
      writableTopics: [],
      clock,
      random: () => 0.25,
    });
    const record = { key: null, value: null, timestamp: epochMs(1) };
    await expect(log.append('contract-delete', P0, [record])).rejects.toThrow(/opened for writing/);
    await log.close();
    rmSync(directory, { recursive: true });
  });
});
