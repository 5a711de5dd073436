/** Ranges of rows as the sink sends them, and what a test compares of them, whatever their order. */
import { type Offset, offset, partitionIndex } from '../../schemas/ids.ts';
import { EVENTS } from './contract-tables.fixture.ts';
import type { Row, Warehouse } from './warehouse.ts';

const P0 = partitionIndex(0);
export const ROWS_PER_RANGE = 200;

/** mulberry32 */
export const randomOf = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const rowsOf = (topic: string, first: number): readonly Row[] =>
  Array.from({ length: ROWS_PER_RANGE }, (_, at) => ({
    topic,
    partition: 0,
    offset: first + at,
    item: `item-${(first + at) % 97}`,
    weight: first + at,
  }));

export const send = (warehouse: Warehouse, topic: string, first: number): Promise<void> =>
  warehouse.insert(EVENTS.name, rowsOf(topic, first), {
    topic,
    partition: P0,
    firstOffset: offset(first),
    lastOffset: offset(first + ROWS_PER_RANGE - 1),
  });

export const covered = (warehouse: Warehouse, topic: string): Promise<Offset> =>
  warehouse.coveredOffset({ table: EVENTS.name, topic, partition: P0 });

/** Count, distinct offsets, sum and xor: what was found, whatever its order. */
export const fingerprint = async (warehouse: Warehouse, topic: string): Promise<Row> => {
  const sql = `SELECT count() AS rows, uniqExact(offset) AS offsets, sum(weight) AS weights,
    toUInt128(groupBitXor(cityHash64(offset, item, weight))) AS hash
    FROM ${EVENTS.name} FINAL WHERE topic = {topic:String}`;
  return (await warehouse.query({ name: 'fingerprint', sql }, { topic }))[0]!;
};
