/**
 * What the warehouse holds, held against the log: each accepted interaction once. Of a stopped server it
 * starts the engine itself, so that what is read is what is on the disk.
 */
import { systemClock } from '../../runtime/clock.ts';
import { dataPathsOf } from '../../runtime/data-directory.ts';
import { startWarehouseHost } from '../../runtime/embedded/warehouse-host.ts';
import type { Settings } from '../../runtime/settings.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import type { ClickHouseConnection } from '../../storage/clickhouse/clickhouse-connection.ts';
import { ClickHouseWarehouse } from '../../storage/warehouse/clickhouse-warehouse.ts';
import { compareFingerprints, type LoggedInteraction, type PlainEvent } from './oracle.ts';

export const compareWarehouseWithLog = async (
  dataDirectory: string,
  settings: Settings,
  interactions: readonly LoggedInteraction[],
): Promise<readonly string[]> => {
  const host = await startWarehouseHost({
    directory: dataPathsOf(dataDirectory).warehouse,
    settings,
    clock: systemClock,
    logger: silentLogger,
  });
  if (!host.connection) return [`the warehouse did not start: ${host.whyOff}`];
  try {
    const place = { connection: host.connection, database: settings.namespace };
    return await compareTablesWithLog(place, interactions);
  } finally {
    await host.close();
  }
};

/** The same for a server that runs. */
export const compareTablesWithLog = async (
  place: { readonly connection: ClickHouseConnection; readonly database: string },
  interactions: readonly LoggedInteraction[],
): Promise<readonly string[]> => {
  const warehouse = new ClickHouseWarehouse(place);
  try {
    const rows = await warehouse.query({
      name: 'every interaction',
      sql: 'SELECT eventId, value, itemId, toUnixTimestamp64Milli(occurredAt) AS occurredAtMs FROM interactions FINAL',
    });
    const stored = rows.map((row) => ({
      eventId: String(row.eventId),
      value: row.value === null ? null : Number(row.value),
      itemId: String(row.itemId),
      occurredAtMs: Number(row.occurredAtMs),
    }));
    return compareFingerprints(['the log', 'the warehouse'], acceptedOf(interactions), stored);
  } finally {
    await warehouse.close();
  }
};

/** The first arrival of each event; what came again is a duplicate. */
const acceptedOf = (interactions: readonly LoggedInteraction[]): readonly PlainEvent[] => {
  const first = new Map<string, PlainEvent>();
  for (const { record } of interactions) {
    const { eventId, value, itemId, occurredAt } = record;
    const name = `${record.source}\n${record.userId ?? ''}\n${record.sessionId ?? ''}\n${eventId}`;
    if (!first.has(name)) first.set(name, { eventId, value, itemId, occurredAtMs: occurredAt });
  }
  return [...first.values()];
};
