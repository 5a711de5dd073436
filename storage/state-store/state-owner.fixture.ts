/**
 * A process or thread of its own that owns a partition and applies until it is killed. As a process it
 * writes one line for every apply that was acknowledged: the offset that is now covered. All values of an
 * apply but the filling name its number; the filling makes the file grow.
 */
import { writeSync } from 'node:fs';
import { isMainThread, parentPort } from 'node:worker_threads';
import { type LogId, offset, type StatePartition } from '../../schemas/ids.ts';
import { openLmdbStateStore } from './lmdb-state-store.ts';

const [directory = '', name = ''] = process.argv.slice(2);
const partition = name as StatePartition;
const store = await openLmdbStateStore({ directory });
const { epoch, coveredOffset } = await store.claim(partition);

let isStopped = false;
parentPort?.once('message', () => {
  isStopped = true;
});
for (let number = coveredOffset + 1; !isStopped; number += 1) {
  const value = new TextEncoder().encode(`${number}`.padEnd(20 + ((number * 97) % 700), '.'));
  await store.apply(partition, {
    epoch,
    expectedOffset: offset(number - 1),
    coveredOffset: offset(number),
    logId: 'log' as LogId,
    recordHash: number,
    changes: [
      ...Array.from({ length: 30 }, (_, at) => ({ key: `key-${at}`, value })),
      { key: `filling-${number}`, value: new Uint8Array(5_000) },
    ],
  });
  if (isMainThread) writeSync(1, `${number}\n`);
  await new Promise((resolve) => setImmediate(resolve));
}
await store.close();
