/**
 * Makes the state of a data directory anew. Where the log has let go of its beginning, that comes from the
 * warehouse, and what was derived from it is derived again in a new `item-signals`. Killed half-way,
 * the state stands before the log: the next start says so, and another rebuild goes through.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Logger } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { WAREHOUSE_TABLES } from '../../schemas/tables.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { createInProcessLiveBus } from '../../storage/live-bus/in-process-live-bus.ts';
import { ClickHouseWarehouse } from '../../storage/warehouse/clickhouse-warehouse.ts';
import {
  type ExpiredPartition,
  expiredIn,
  rebuildFromArchive,
  rebuildState,
} from '../../stream/rebuild.ts';
import type { StreamDependencies } from '../../stream/stream.ts';
import { createCrashPoint } from '../crash-point.ts';
import type { DataDirectory } from '../data-directory.ts';
import { environment } from '../environment.ts';
import { type Openings, openedOrClosed } from '../openings.ts';
import { streamOptionsOf } from '../option-mapping.ts';
import { openPersonKeys } from '../person-keys.ts';
import type { Settings } from '../settings.ts';
import { allPartitionsOf, STREAM_TOPICS } from '../topic-plan.ts';
import { discardState, isStateOld } from './old-state.ts';
import { openEmbeddedLog, openEmbeddedState } from './stores.ts';
import { startWarehouseHost } from './warehouse-host.ts';

export interface RebuildOptions {
  readonly directory: DataDirectory;
  readonly settings: Settings;
  /** Goes on where neither log nor warehouse has some of the events. */
  readonly acceptsLoss: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Rebuilt {
  /** Events that the log had let go of, and how many of them the warehouse had. */
  readonly expired: number;
  readonly fromWarehouse: number;
}

export const rebuildDirectory = (options: RebuildOptions): Promise<Rebuilt> =>
  openedOrClosed(async (openings) => {
    const expired = await expiredPartitions(options);
    const rebuilt =
      expired.length === 0
        ? await fromLog(options, openings)
        : await fromArchive(options, expired, openings);
    await openings.close();
    return rebuilt;
  });

const openLog = ({ directory, clock }: RebuildOptions): Promise<EventLog> =>
  openEmbeddedLog({
    directory: directory.paths.log,
    keys: openPersonKeys(directory.paths),
    counts: directory.facts,
    writableTopics: STREAM_TOPICS,
    clock,
  });

/** Of both topics: what is derived may have expired where its sources have not. */
const expiredPartitions = async (options: RebuildOptions): Promise<readonly ExpiredPartition[]> => {
  const { interactions, itemSignals } = allPartitionsOf(options.directory.facts);
  const log = await openLog(options);
  try {
    return [
      ...(await expiredIn(log, TOPICS.interactions.name, interactions)),
      ...(await expiredIn(log, TOPICS.itemSignals.name, itemSignals)),
    ];
  } finally {
    await log.close();
  }
};

const fromLog = async (options: RebuildOptions, openings: Openings): Promise<Rebuilt> => {
  await discardOlder(options);
  await rebuildState(await openDependencies(options, openings));
  return { expired: 0, fromWarehouse: 0 };
};

const fromArchive = async (
  options: RebuildOptions,
  expired: readonly ExpiredPartition[],
  openings: Openings,
): Promise<Rebuilt> => {
  const warehouse = await openWarehouse(options, expired[0]!, openings);
  const events = expired.filter(({ topic }) => topic === TOPICS.interactions.name);
  if (!options.acceptsLoss) for (const place of events) await refuseHole(warehouse, place);
  const fromWarehouse = await countOf(warehouse, events);
  const { paths } = options.directory;
  await discardOlder(options);
  await rm(join(paths.log, TOPICS.itemSignals.name), { recursive: true, force: true });
  const deps = await openDependencies(options, openings);
  await rebuildFromArchive({ ...deps, warehouse });
  return { expired: events.reduce((sum, { low }) => sum + low, 0), fromWarehouse };
};

const discardOlder = async ({ directory, logger }: RebuildOptions): Promise<void> => {
  if (isStateOld(directory)) await discardState(directory, logger);
};

const openWarehouse = async (
  { directory, settings, clock, logger }: RebuildOptions,
  expired: ExpiredPartition,
  openings: Openings,
): Promise<ClickHouseWarehouse> => {
  const host = openings.add(
    await startWarehouseHost({ directory: directory.paths.warehouse, settings, clock, logger }),
    (opened) => opened.close(),
  );
  if (!host.connection) throw new FreshetError('log_expired', { ...expired });
  const warehouse = openings.add(
    new ClickHouseWarehouse({ connection: host.connection, database: settings.namespace }),
    (opened) => opened.close(),
  );
  await warehouse.migrate();
  return warehouse;
};

const TABLE = WAREHOUSE_TABLES.interactions.name;

/** What expired before it was copied is nowhere. */
const refuseHole = async (
  warehouse: ClickHouseWarehouse,
  { topic, partition, low }: ExpiredPartition,
): Promise<void> => {
  const covered = await warehouse.coveredOffset({ table: TABLE, topic, partition });
  const missing = low - 1 - covered;
  if (missing > 0) throw new FreshetError('archive_incomplete', { topic, partition, missing });
};

const COUNT = {
  name: 'count what the log has let go of',
  sql: `SELECT count() AS events FROM ${TABLE} FINAL
    WHERE topic = {topic:String} AND partition = {partition:UInt32} AND offset < {low:UInt64}`,
};

const countOf = async (
  warehouse: ClickHouseWarehouse,
  expired: readonly ExpiredPartition[],
): Promise<number> => {
  let events = 0;
  for (const { topic, partition, low } of expired) {
    const [row] = await warehouse.query(COUNT, { topic, partition, low });
    events += Number(row?.events ?? 0);
  }
  return events;
};

const openDependencies = async (
  options: RebuildOptions,
  openings: Openings,
): Promise<StreamDependencies> => {
  const { directory, settings, clock, logger } = options;
  const eventLog = openings.add(await openLog(options), (opened) => opened.close());
  const stateStore = openings.add(
    await openEmbeddedState({ directory: directory.paths.state, readOnly: false, clock, logger }),
    (opened) => opened.close(),
  );
  const liveBus = openings.add(createInProcessLiveBus({ name: 'rebuild' }), (opened) =>
    opened.close(),
  );
  return {
    eventLog,
    stateStore,
    liveBus,
    clock,
    logger,
    crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
    options: streamOptionsOf(settings, directory.facts),
    kinds: kindTable(DEFAULT_KINDS),
    partitions: allPartitionsOf(directory.facts),
  };
};
