/**
 * A process of its own that believes the state it is given and writes the number of the apply that all
 * its values agree on with its position; it fails, or crashes, when they do not.
 */
import { writeSync } from 'node:fs';
import type { StatePartition } from '../../schemas/ids.ts';
import { openLmdbStateStore } from './lmdb-state-store.ts';

const [directory = '', name = '', bootId = ''] = process.argv.slice(2);
const partition = name as StatePartition;
const store = await openLmdbStateStore({ directory, bootId });
const position = await store.position(partition);
const found = await store.scan(partition, { prefix: 'key-', limit: 1_000 });
const numbers = new Set(
  found.map(({ value }) => Number.parseInt(new TextDecoder().decode(value), 10)),
);
const isWhole =
  found.length === 30 && numbers.size === 1 && numbers.has(position?.coveredOffset ?? -1);
if (!isWhole) throw new Error('Expected values and position to agree.');
writeSync(1, `${position?.coveredOffset}`);
