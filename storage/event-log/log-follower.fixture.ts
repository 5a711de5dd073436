/**
 * A thread of its own with the log open: it follows one topic and appends to another what it saw, as the
 * stream does. Its clock never wakes it: whatever it sees, it was called for.
 */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { offset, partitionIndex } from '../../schemas/ids.ts';
import { CONTRACT_TOPICS } from './contract-topics.fixture.ts';
import { openLmdbEventLog } from './lmdb-event-log.ts';

const { directory } = workerData as { directory: string };
const log = await openLmdbEventLog({
  directory,
  topics: CONTRACT_TOPICS,
  writableTopics: ['contract-compact'],
  clock: { sleep: (_, signal) => sleepFor(60_000, undefined, signal ? { signal } : {}) },
  random: () => 0.5,
});
const stop = new AbortController();
parentPort!.on('message', () => stop.abort());
parentPort!.postMessage('ready');

const P0 = partitionIndex(0);
const limits = { recordsMax: 100, bytesMax: 100_000, signal: stop.signal };
for await (const records of log.tail('contract-delete', P0, offset(0), limits)) {
  const seen = records.map(({ value, timestamp }) => ({ key: value, value, timestamp }));
  await log.append('contract-compact', P0, seen);
}
await log.close();
parentPort!.close();
