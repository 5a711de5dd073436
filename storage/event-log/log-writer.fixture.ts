/**
 * A process of its own that appends until it is killed or cannot. It writes one line for every batch that
 * was acknowledged (partition, first offset, last offset and the name of the batch), and one for a writer
 * that failed: with what, and with what its next append failed.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { isFreshetError } from '../../schemas/errors.ts';
import { epochMs, partitionIndex } from '../../schemas/ids.ts';
import { CONTRACT_TOPICS } from './contract-topics.fixture.ts';
import { openLmdbEventLog } from './lmdb-event-log.ts';

const [directory = '', run = '', mode = ''] = process.argv.slice(2);
const log = await openLmdbEventLog({
  directory,
  topics: CONTRACT_TOPICS,
  clock: { sleep: (duration) => sleepFor(duration) },
  random: () => 0.5,
  seams: { acknowledgeBeforeFlush: mode === 'hasty' },
});

const appendBatch = async (writer: number, count: number): Promise<string> => {
  const partition = partitionIndex(writer % 3);
  const name = `${run}.${writer}.${count}`;
  const records = Array.from({ length: 1 + (count % 5) }, (_, at) => ({
    key: null,
    value: new TextEncoder().encode(`${name}/${at}`.padEnd(40 + ((count * 37) % 900), '.')),
    timestamp: epochMs(count),
  }));
  const { firstOffset, lastOffset } = await log.append('contract-delete', partition, records);
  return `${partition} ${firstOffset} ${lastOffset} ${name}`;
};

const codeOf = (error: unknown): string => (isFreshetError(error) ? error.code : String(error));

const write = async (writer: number): Promise<void> => {
  for (let count = 0; ; count += 1) {
    try {
      writeSync(1, `${await appendBatch(writer, count)}\n`);
    } catch (error) {
      const next = await appendBatch(writer, count + 1).then(String, codeOf);
      writeSync(1, `failed ${codeOf(error)}, then ${next}\n`);
      return;
    }
  }
};

await Promise.all(Array.from({ length: 6 }, (_, writer) => write(writer)));
await log.close();
