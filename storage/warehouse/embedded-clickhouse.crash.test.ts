/**
 * The engine is killed while rows are written, again and again: what was acknowledged is there, what
 * was sent twice is there once. A run is repeated by its seed.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { isFreshetError } from '../../schemas/errors.ts';
import type { ClickHouseWarehouse } from './clickhouse-warehouse.ts';
import { CutReplyProxy } from './cut-reply-proxy.fixture.ts';
import { startTestEngine, type TestEngine, warehouseAt } from './embedded-engine.fixture.ts';
import { embeddedClickHouseAvailable } from './engine-library.ts';
import { covered, fingerprint, ROWS_PER_RANGE, randomOf, send } from './written-ranges.fixture.ts';

const { available } = embeddedClickHouseAvailable();
const SEED = 20_260_131;
const KILLS = 5;

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
