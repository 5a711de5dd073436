import { describe, it } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { EVENTS } from './contract-tables.fixture.ts';
import { startTestEngine } from './embedded-engine.fixture.ts';
import { embeddedClickHouseAvailable } from './engine-library.ts';
import { warehouseContract } from './warehouse.contract.ts';
import type { Warehouse } from './warehouse.ts';

const { available, why } = embeddedClickHouseAvailable();

if (available) {
  warehouseContract({
    name: 'ClickHouseWarehouse',
    create: async () => {
      const { warehouse, remove } = await startTestEngine(systemClock);
      const reader = warehouse();
      const opened: Warehouse[] = [reader];
      return {
        open: async () => {
          const one = warehouse();
          opened.push(one);
          return one;
        },
        lose: () => reader.command({ name: 'lose', sql: 'DROP DATABASE freshet_test SYNC' }),
        events: (topic) =>
          reader.query(
            {
              name: 'events',
              sql: `SELECT * FROM ${EVENTS.name} FINAL WHERE topic = {topic:String} ORDER BY partition, offset`,
            },
            { topic },
          ),
        remove: async () => {
          for (const one of opened) await one.close();
          await remove();
        },
      };
    },
  });
} else {
  describe('ClickHouseWarehouse', () =>
    it.skip(`keeps the rules of the Warehouse (skipped: ${why})`));
}
