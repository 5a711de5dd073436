import { describe, expect, it } from 'vitest';
import { type EpochMs, type Offset, partitionIndex } from '../../schemas/ids.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { ClickHouseWarehouse } from '../../storage/warehouse/clickhouse-warehouse.ts';
import { startTestEngine } from '../../storage/warehouse/embedded-engine.fixture.ts';
import { embeddedClickHouseAvailable } from '../../storage/warehouse/engine-library.ts';
import { systemClock } from '../clock.ts';
import { keepWarehouseWithinLimit } from './warehouse-retention.ts';

const ROWS = 20_000;
const T0 = 1_760_000_000_000;
const P0 = partitionIndex(0);

const eventRow = (at: number) => ({
  topic: 'interactions',
  partition: P0,
  offset: at as Offset,
  subject: `u:${(at * 7919) % 1000}`,
  userId: `${(at * 7919) % 1000}`,
  itemId: `item-${(at * 104_729) % 997}`,
  kind: 'click',
  occurredAt: (T0 + at * 1000) as EpochMs,
  receivedAt: (T0 + at * 1000) as EpochMs,
  source: 'test',
  eventId: `event-${((at * 2_654_435_761) >>> 0).toString(36)}`,
});

const itemRow = (at: number) => ({
  topic: 'catalogue',
  partition: P0,
  offset: at as Offset,
  itemId: `item-${at % 10}`,
  title: `title ${at}`,
});

const available = embeddedClickHouseAvailable();

describe.skipIf(!available.available)('a warehouse over its limit', () => {
  it('lets go of the oldest events and of former states of items, and keeps its marks', async () => {
    const engine = await startTestEngine(systemClock);
    const open = () =>
      new ClickHouseWarehouse({ connection: engine.engine.connection, database: 'freshet_test' });
    const reader = open();
    await reader.migrate();
    const range = (topic: string, lastOffset: number) => ({
      topic,
      partition: P0,
      firstOffset: 0 as Offset,
      lastOffset: lastOffset as Offset,
    });
    const rows = Array.from({ length: ROWS }, (_, at) => eventRow(at));
    await reader.insert('interactions', rows, range('interactions', ROWS - 1));
    const items = Array.from({ length: 100 }, (_, at) => itemRow(at));
    await reader.insert('items', items, range('catalogue', 99));
    const roomy = keepWarehouseWithinLimit(
      { warehouse: open(), clock: systemClock, logger: silentLogger },
      1_000_000_000,
    );
    await roomy.pass();
    const { liveBytes } = roomy.status();
    await roomy.stop();
    const limit = Math.floor(liveBytes / 2);
    const tight = keepWarehouseWithinLimit(
      { warehouse: open(), clock: systemClock, logger: silentLogger },
      limit,
    );
    try {
      await tight.pass();
      expect(tight.status().problem).toBeNull();
      expect(tight.status().liveBytes).toBeLessThanOrEqual(limit);
      const [kept] = await reader.query({
        name: 'kept',
        sql: 'SELECT count() AS count, min(offset) AS first, max(offset) AS last FROM interactions',
      });
      const { count, first, last } = kept as { count: number; first: number; last: number };
      expect(last).toBe(ROWS - 1);
      expect(first).toBeGreaterThan(ROWS / 4);
      expect(count).toBe(ROWS - first);
      const place = { table: 'interactions', topic: 'interactions', partition: P0 };
      expect(await reader.coveredOffset(place)).toBe(ROWS - 1);
      const states = await reader.query({ name: 'items', sql: 'SELECT offset FROM items' });
      expect(states.map(({ offset }) => offset).sort()).toEqual(
        Array.from({ length: 10 }, (_, at) => 90 + at),
      );
    } finally {
      await tight.stop();
      await reader.close();
      await engine.remove();
    }
  });
});
