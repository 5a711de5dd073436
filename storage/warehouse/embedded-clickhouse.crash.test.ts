/**
 * The engine is killed while rows are written, again and again: what was acknowledged is there, what
 * was sent twice is there once. A run is repeated by its seed.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { isFreshetError } from '../../schemas/errors.ts';
import { type Offset, offset, partitionIndex } from '../../schemas/ids.ts';
import type { ClickHouseWarehouse } from './clickhouse-warehouse.ts';
import { EVENTS } from './contract-tables.fixture.ts';
import { CutReplyProxy } from './cut-reply-proxy.fixture.ts';
import { startTestEngine, type TestEngine, warehouseAt } from './embedded-engine.fixture.ts';
import { embeddedClickHouseAvailable } from './engine-library.ts';
import type { Row, Warehouse } from './warehouse.ts';

const { available } = embeddedClickHouseAvailable();
const P0 = partitionIndex(0);
const SEED = 20_260_131;
const KILLS = 5;
const ROWS_PER_RANGE = 200;

/** mulberry32 */
const randomOf = (seed: number): (() => number) => {
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

const send = (warehouse: Warehouse, topic: string, first: number): Promise<void> =>
  warehouse.insert(EVENTS.name, rowsOf(topic, first), {
    topic,
    partition: P0,
    firstOffset: offset(first),
    lastOffset: offset(first + ROWS_PER_RANGE - 1),
  });

const covered = (warehouse: Warehouse, topic: string): Promise<Offset> =>
  warehouse.coveredOffset({ table: EVENTS.name, topic, partition: P0 });

/** Count, distinct offsets, sum and xor: what was found, whatever its order. */
const fingerprint = async (warehouse: Warehouse, topic: string): Promise<Row> => {
  const sql = `SELECT count() AS rows, uniqExact(offset) AS offsets, sum(weight) AS weights,
    toUInt128(groupBitXor(cityHash64(offset, item, weight))) AS hash
    FROM ${EVENTS.name} FINAL WHERE topic = {topic:String}`;
  return (await warehouse.query({ name: 'fingerprint', sql }, { topic }))[0]!;
};

describe.skipIf(!available)('the embedded engine under kills', () => {
  let test: TestEngine;
  let warehouse: ClickHouseWarehouse;
  beforeAll(async () => {
    test = await startTestEngine(systemClock, {
      timing: { pingIntervalMs: 50, backOffMinMs: 5, backOffMaxMs: 20 },
    });
    warehouse = test.warehouse();
    await warehouse.migrate();
  });
  afterAll(async () => {
    await warehouse.close();
    await test.remove();
  });

  /** As the sink does: the same range until it is acknowledged. */
  const sendUntilAcknowledged = async (topic: string, first: number): Promise<void> => {
    for (;;) {
      try {
        return await send(warehouse, topic, first);
      } catch (error) {
        if (!isFreshetError(error, 'warehouse_unavailable')) throw error;
        if (test.engine.status().state !== 'ready') await test.next('ready');
      }
    }
  };

  it(`[W2] ${KILLS} kills under writes lose and double nothing (seed ${SEED})`, async () => {
    const random = randomOf(SEED);
    let first = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const quiet = Math.floor(random() * 5);
      for (let range = 0; range < quiet; range += 1, first += ROWS_PER_RANGE) {
        await sendUntilAcknowledged('kills', first);
      }
      const back = test.next('ready');
      const sending = sendUntilAcknowledged('kills', first);
      await systemClock.sleep((random() * 12) as never);
      process.kill(test.engine.status().pid!, 'SIGKILL');
      await Promise.all([back, sending]);
      first += ROWS_PER_RANGE;
      expect(await covered(warehouse, 'kills')).toBe(first - 1);
      expect(await fingerprint(warehouse, 'kills')).toMatchObject({ rows: first, offsets: first });
    }
    for (let at = 0; at < first; at += ROWS_PER_RANGE) await send(warehouse, 'once', at);
    const expected = await fingerprint(warehouse, 'once');
    expect(await fingerprint(warehouse, 'kills')).toEqual(expected);
  });

  it('[W2] a range whose reply was lost counts once, whichever reply it was', async () => {
    const proxy = new CutReplyProxy(test.engine.connection.url);
    const connection = { ...test.engine.connection, url: await proxy.listen() };
    const behind = warehouseAt(connection);
    expect(await covered(behind, 'lost')).toBe(-1);
    for (const lost of ['RowBinary', 'INSERT INTO covered_ranges']) {
      proxy.cuts = (statement) => statement.includes(lost);
      await expect(send(behind, 'lost', 0)).rejects.toMatchObject({
        code: 'warehouse_unavailable',
      });
    }
    expect(proxy.cutCount).toBe(2);
    proxy.cuts = undefined;
    await send(behind, 'lost', 0);
    expect(await fingerprint(warehouse, 'lost')).toMatchObject({ rows: ROWS_PER_RANGE });
    expect(await covered(warehouse, 'lost')).toBe(ROWS_PER_RANGE - 1);
    await behind.close();
    await proxy.close();
  });
});
