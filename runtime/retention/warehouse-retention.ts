/**
 * Keeps the warehouse within its bytes. Events are its bulk: when it is over the limit, those that
 * happened longest ago go, so many that about four fifths of the limit stay. Of each item only the
 * present state then stays. ClickHouse rewrites the parts concerned, which for a moment takes the room
 * of both; so this happens seldom and takes much at a time.
 *
 * Rows that the log still holds may be among them; the sink's mark stays, so they do not come back.
 */
import type { Clock, Logger } from '../../schemas/environment.ts';
import type { DurationMs } from '../../schemas/ids.ts';
import { WAREHOUSE_TABLES } from '../../schemas/tables.ts';
import type { Statement, Warehouse } from '../../storage/warehouse/warehouse.ts';

export interface WarehouseRetentionStatus {
  readonly liveBytes: number;
  readonly problem: string | null;
}

export interface WarehouseRetention {
  pass(): Promise<void>;
  status(): WarehouseRetentionStatus;
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 600_000 as DurationMs;
const FILLED_SHARE = 0.8;
const ROUNDS_MAX = 4;
const EVENT_TABLES = [WAREHOUSE_TABLES.interactions.name, WAREHOUSE_TABLES.impressions.name];

const SIZE: Statement = {
  name: 'size of the warehouse',
  sql: 'SELECT sum(bytes_on_disk) AS bytes FROM system.parts WHERE database = currentDatabase() AND active',
};

const CUT_OFF: Statement = {
  name: 'age of the events to drop',
  sql: 'SELECT quantileOrNull({share:Float64})(toUnixTimestamp64Milli(occurredAt)) AS before FROM {table:Identifier}',
};

const DROP_OLD: Statement = {
  name: 'drop the oldest events',
  sql: 'ALTER TABLE {table:Identifier} DELETE WHERE toUnixTimestamp64Milli(occurredAt) < {before:Int64} SETTINGS mutations_sync = 1',
};

const { name: ITEMS } = WAREHOUSE_TABLES.items;
const DROP_FORMER_ITEMS: Statement = {
  name: 'drop former states of items',
  sql: `ALTER TABLE ${ITEMS} DELETE WHERE (itemId, offset) NOT IN (SELECT itemId, max(offset) FROM ${ITEMS} GROUP BY itemId) SETTINGS mutations_sync = 1`,
};

export const keepWarehouseWithinLimit = (
  parts: { readonly warehouse: Warehouse; readonly clock: Clock; readonly logger: Logger },
  bytesMax: number,
): WarehouseRetention => {
  const { warehouse, clock, logger } = parts;
  const stopping = new AbortController();
  let status: WarehouseRetentionStatus = { liveBytes: 0, problem: null };
  const pass = async (): Promise<void> => {
    try {
      let liveBytes = await sizeOf(warehouse);
      // Fewer rows compress worse, so once may not be enough; what cannot be less stays.
      for (let round = 0; liveBytes > bytesMax && round < ROUNDS_MAX; round += 1) {
        await shrink(warehouse, 1 - (FILLED_SHARE * bytesMax) / liveBytes);
        liveBytes = await sizeOf(warehouse);
      }
      status = { liveBytes, problem: null };
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (status.problem === null) logger.warn('the warehouse is not being shortened', { error });
      status = { ...status, problem };
    }
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, stopping.signal).catch(() => undefined);
      if (!stopping.signal.aborted) await pass();
    }
  };
  const running = run();
  return {
    pass,
    status: () => status,
    async stop() {
      stopping.abort();
      await warehouse.close();
      await running;
    },
  };
};

const sizeOf = async (warehouse: Warehouse): Promise<number> => {
  const [row] = await warehouse.query(SIZE);
  return (row as { readonly bytes: number }).bytes;
};

const shrink = async (warehouse: Warehouse, share: number): Promise<void> => {
  for (const table of EVENT_TABLES) {
    const [row] = await warehouse.query(CUT_OFF, { table, share });
    const { before } = row as { readonly before: number | null };
    if (before !== null) await warehouse.command(DROP_OLD, { table, before: Math.floor(before) });
  }
  await warehouse.command(DROP_FORMER_ITEMS);
};
