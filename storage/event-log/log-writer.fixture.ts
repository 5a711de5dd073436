/**
 * A process of its own that appends until it is killed. It writes one line for every batch that was
 * acknowledged: partition, first offset, last offset and the name of the batch.
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { epochMs, partitionIndex } from '../../schemas/ids.ts';
import { CONTRACT_TOPICS } from './contract-topics.fixture.ts';
import { openLmdbEventLog } from './lmdb-event-log.ts';

const [directory = '', run = ''] = process.argv.slice(2);
const log = await openLmdbEventLog({
  directory,
  topics: CONTRACT_TOPICS,
  clock: { sleep: (duration) => sleepFor(duration) },
  random: () => 0.5,
});

const writeForEver = async (writer: number): Promise<never> => {
  const partition = partitionIndex(writer % 3);
  for (let count = 0; ; count += 1) {
    const name = `${run}.${writer}.${count}`;
    const records = Array.from({ length: 1 + (count % 5) }, (_, at) => ({
      key: null,
      value: new TextEncoder().encode(`${name}/${at}`.padEnd(40 + ((count * 37) % 900), '.')),
      timestamp: epochMs(count),
    }));
    const { firstOffset, lastOffset } = await log.append('contract-delete', partition, records);
    writeSync(1, `${partition} ${firstOffset} ${lastOffset} ${name}\n`);
  }
};

await Promise.all(Array.from({ length: 6 }, (_, writer) => writeForEver(writer)));
