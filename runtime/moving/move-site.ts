/**
 * Puts a site on servers that have none: log at the same offsets, state, releases, rows of the warehouse;
 * or, in other numbers of partitions, the log alone, of which the stream makes the rest.
 *
 * Until all of it is there the topics are held, so that nothing can be started on a part of it; ended in
 * between, it goes on from there when it is asked again.
 */
import type { Clock, CrashPoint } from '../../schemas/environment.ts';
import { FreshetError, isFreshetError } from '../../schemas/errors.ts';
import { NO_OFFSET, statePartition } from '../../schemas/ids.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import type { Servers } from '../distributed/servers.ts';
import { formatCount, type Terminal } from '../terminal.ts';
import type { PartitionCounts } from '../topic-plan.ts';
import { copyLog, logIdsOf } from './copy-log.ts';
import { copyReleases, copyRows, rowPlacesOf } from './copy-rows.ts';
import { copyState, statePlacesOf } from './copy-state.ts';
import { copyRekeyed } from './rekeyed-log.ts';
import type { SiteSource } from './site-source.ts';

export interface MoveOptions {
  readonly source: SiteSource;
  readonly servers: Servers;
  readonly clock: Clock;
  readonly terminal: Pick<Terminal, 'progress'>;
  /** Whether keys may find their partitions anew where the numbers of them differ. */
  readonly mayRepartition: boolean;
  readonly signal: AbortSignal;
  /** Passed at each step. */
  readonly crashPoint?: CrashPoint;
}

/** What has arrived when one who moves a site is killed. */
export const MOVING_CRASH_POINTS = [
  'moving.topics-held',
  'moving.log-copied',
  'moving.state-copied',
  'moving.rows-copied',
  'moving.releases-copied',
] as const;

export interface Moved {
  readonly records: number;
  readonly entries: number;
  readonly releases: number;
  readonly rows: number;
}

export const moveSite = async (options: MoveOptions): Promise<Moved> => {
  const { source, servers, terminal, signal, crashPoint } = options;
  if (!options.mayRepartition) refuseOtherCounts(source.counts, servers.counts);
  await refuseSite(options);
  const log = await servers.openLog('held');
  crashPoint?.('moving.topics-held');
  const moved = hasSameCounts(source.counts, servers.counts)
    ? await moveAsItIs(options, log)
    : await moveRekeyed(options, log);
  const bar = terminal.progress('Releases');
  const releases = await copyReleases({
    source,
    target: servers.artifactStore,
    signal,
    onProgress: bar.update,
  });
  bar.end(formatCount(releases));
  crashPoint?.('moving.releases-copied');
  await servers.letGo();
  return { ...moved, releases };
};

export const hasSameCounts = (one: PartitionCounts, other: PartitionCounts): boolean =>
  one.userPartitions === other.userPartitions && one.itemPartitions === other.itemPartitions;

/** A key's partition depends on how many there are. */
export const refuseOtherCounts = (there: PartitionCounts, wanted: PartitionCounts): void => {
  if (hasSameCounts(there, wanted)) return;
  throw new FreshetError('site_differs', {
    expected: `--user-partitions ${there.userPartitions} and --item-partitions ${there.itemPartitions}, which the site has, or --repartition`,
    got: `${wanted.userPartitions} and ${wanted.itemPartitions}`,
  });
};

type MovedData = Omit<Moved, 'releases'>;

const moveAsItIs = async (options: MoveOptions, log: EventLog): Promise<MovedData> => {
  const { source, servers, clock, terminal, signal, crashPoint } = options;
  const ids = await logIdsOf(source, log);
  const logBar = terminal.progress('Log');
  const records = await copyLog({
    source,
    target: log,
    ids,
    clock,
    signal,
    onProgress: logBar.update,
  });
  logBar.end(`${formatCount(records)} records`);
  crashPoint?.('moving.log-copied');
  const stateBar = terminal.progress('State');
  const entries = await copyState({
    source,
    log,
    target: servers.state,
    ids,
    signal,
    onProgress: stateBar.update,
  });
  stateBar.end(`${formatCount(entries)} entries`);
  crashPoint?.('moving.state-copied');
  const rowBar = terminal.progress('Warehouse');
  const rows = await copyRows({
    source,
    target: servers.warehouse,
    signal,
    onProgress: rowBar.update,
  });
  rowBar.end(`${formatCount(rows)} rows`);
  crashPoint?.('moving.rows-copied');
  return { records, entries, rows };
};

/** State and rows go by offsets, and those are new: the stream makes both from the log. */
const moveRekeyed = async (options: MoveOptions, log: EventLog): Promise<MovedData> => {
  const { source, terminal, signal } = options;
  const bar = terminal.progress('Log');
  const records = await copyRekeyed({ source, target: log, signal, onProgress: bar.update });
  bar.end(`${formatCount(records)} records`);
  return { records, entries: 0, rows: 0 };
};

/** What is half there was begun by one like us, and is held against the source piece by piece. */
export const refuseSite = async ({ servers }: Pick<MoveOptions, 'servers'>): Promise<void> => {
  const topics = await servers.topics();
  if (topics === 'held') return;
  if (topics === 'in use') throw notEmpty('topics');
  for (const { topic, partition } of statePlacesOf(servers.counts)) {
    const name = statePartition(topic, partition);
    const found = await servers.state.position(name);
    if (found !== undefined) throw notEmpty(`state ${name}`);
  }
  if ((await servers.artifactStore.list()).length > 0) throw notEmpty('releases');
  for (const place of rowPlacesOf(servers.counts)) {
    const covered = await servers.warehouse.coveredOffset(place).catch(noTables);
    if (covered > NO_OFFSET) throw notEmpty(`rows of ${place.topic}`);
  }
};

const noTables = (error: unknown): typeof NO_OFFSET => {
  if (isFreshetError(error, 'warehouse_reset')) return NO_OFFSET;
  throw error;
};

const notEmpty = (problem: string): FreshetError => new FreshetError('site_not_empty', { problem });
