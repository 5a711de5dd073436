/**
 * Copies a site from its servers while it runs on them. Nothing is asked of its processes and nothing is
 * stopped.
 *
 * The copies are not of one moment, so their order is what makes them fit: first the keys of people, which
 * only ever get fewer and so open whatever is copied after them; then the warehouse's rows up
 * to where it says that it holds them, then each state partition as of one position of its own, then the
 * topics that the stream writes, then those that ingest writes, then releases. So the log reaches at least
 * as far as state and rows do; no signal is there whose event is not; and the release that the control
 * log names is among them. What is ahead in the other direction is what a crash also leaves: the stream
 * reads on, and marks drop what was sent before. The vector of positions stands in the manifest.
 */
import { mkdir, rm } from 'node:fs/promises';
import { formatTime } from '../../../schemas/api/time.ts';
import type { Clock, Logger } from '../../../schemas/environment.ts';
import { FreshetError, isFreshetError } from '../../../schemas/errors.ts';
import {
  type DurationMs,
  type EpochMs,
  NO_OFFSET,
  type Offset,
  offset,
  type PartitionIndex,
  partitionIndex,
  type StatePartition,
  statePartition,
} from '../../../schemas/ids.ts';
import { STATE_FORMAT } from '../../../schemas/state/state-format.ts';
import { openDirectoryArtifactStore } from '../../../storage/artifact-store/directory-artifact-store.ts';
import type { EventLog } from '../../../storage/event-log/event-log.ts';
import { partitionSlices } from '../../../storage/event-log/partition-slices.ts';
import { KEY_TOPIC } from '../../../storage/event-log/sealing/key-topic.ts';
import type { StatePosition } from '../../../storage/state-store/state-store.ts';
import type { Servers } from '../../distributed/servers.ts';
import { MOVED_TOPICS } from '../../moving/copy-log.ts';
import { copyReleases, rowPlacesOf } from '../../moving/copy-rows.ts';
import { statePlacesOf } from '../../moving/copy-state.ts';
import { copyAsOfOnePosition } from '../../moving/standing-copy.ts';
import { rowsOf, sourceOfStores } from '../../moving/stores-source.ts';
import { type PartitionCounts, STREAM_TOPICS } from '../../topic-plan.ts';
import { refuseFilled } from '../backup.ts';
import { describeFile, filesBelow } from '../files.ts';
import { FramedFile } from './framed-file.ts';
import {
  artifactsOf,
  bytesOfRow,
  logFileOf,
  placeNameOf,
  rowsFileOf,
  stateFileOf,
} from './site-files.ts';
import {
  SITE_BACKUP_FORMAT,
  SITE_KIND,
  type SiteManifest,
  writeSiteManifest,
} from './site-manifest.ts';

export interface SiteBackupOptions {
  readonly servers: Servers;
  readonly counts: PartitionCounts;
  readonly namespace: string;
  readonly target: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Steps done, of all. */
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

type Parts = SiteBackupOptions & { readonly log: EventLog; readonly step: () => void };

const NO_TIME = 0 as EpochMs;
const NOWHERE = offset(0);
const STATE_TRIES = 5;
const BETWEEN_TRIES_MS = 500 as DurationMs;

export const takeSiteBackup = async (options: SiteBackupOptions): Promise<SiteManifest> => {
  const { servers, target, clock, counts, namespace } = options;
  if ((await servers.topics()) !== 'in use') {
    throw new FreshetError('not_found', { what: `a site ${namespace} on these servers` });
  }
  await refuseFilled(target);
  await mkdir(target, { recursive: true, mode: 0o700 });
  try {
    const log = await servers.openLog('as it is');
    const parts = { ...options, log, step: stepsOf(options) };
    const keys = await copyTopics(parts, [KEY_TOPIC]);
    const covered = await copyRows(parts);
    const positions = await copyState(parts);
    const names = MOVED_TOPICS.map(({ name }) => name).filter((name) => name !== KEY_TOPIC);
    const byStream = names.filter((name) => STREAM_TOPICS.includes(name));
    const byIngest = names.filter((name) => !STREAM_TOPICS.includes(name));
    const topics = { ...keys, ...(await copyTopics(parts, [...byStream, ...byIngest])) };
    await copyModels(parts);
    checkReach(target, positions, topics);
    const files = [];
    for (const path of await filesBelow(target)) files.push(await describeFile(target, path));
    const manifest: SiteManifest = {
      kind: SITE_KIND,
      format: SITE_BACKUP_FORMAT,
      takenAt: formatTime(clock.now()),
      namespace,
      stateFormat: STATE_FORMAT,
      counts,
      topics,
      positions,
      covered,
      files,
    };
    await writeSiteManifest(target, manifest);
    return manifest;
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    throw error;
  }
};

const stepsOf = ({ counts, onProgress, signal }: SiteBackupOptions): (() => void) => {
  const partitions = counts.userPartitions * 2 + counts.itemPartitions * 2 + 3;
  const total = rowPlacesOf(counts).length + statePlacesOf(counts).length + partitions + 1;
  let done = 0;
  return () => {
    done += 1;
    onProgress(done, total);
    signal.throwIfAborted();
  };
};

const copyRows = async ({
  servers,
  counts,
  target,
  step,
}: Parts): Promise<SiteManifest['covered']> => {
  const { warehouse } = servers;
  const covered: Record<string, Offset> = {};
  for (const place of rowPlacesOf(counts)) {
    const to = await warehouse.coveredOffset(place).catch(noTables);
    covered[placeNameOf(place)] = to;
    const file = await FramedFile.create(rowsFileOf(target, place));
    if (to !== NO_OFFSET) {
      for await (const rows of rowsOf(warehouse, place, { from: 0, to })) {
        for (const row of rows) {
          const at = offset(Number(row.offset));
          await file.write({ offset: at, timestamp: NO_TIME, key: null, value: bytesOfRow(row) });
        }
      }
    }
    await file.end();
    step();
  }
  return covered;
};

const noTables = (error: unknown): Offset => {
  if (isFreshetError(error, 'warehouse_reset')) return NO_OFFSET;
  throw error;
};

const copyState = async (parts: Parts): Promise<SiteManifest['positions']> => {
  const positions: Record<string, { coveredOffset: Offset; recordHash: number }> = {};
  for (const { topic, partition } of statePlacesOf(parts.counts)) {
    const name = statePartition(topic, partition);
    const position = await copyPartition(parts, name);
    if (position) {
      const { coveredOffset, recordHash } = position;
      positions[name] = { coveredOffset, recordHash };
    }
    parts.step();
  }
  return positions;
};

const copyPartition = async (
  { servers, target, clock }: Parts,
  partition: StatePartition,
): Promise<StatePosition | undefined> => {
  for (let tried = 1; ; tried += 1) {
    const file = await FramedFile.create(stateFileOf(target, partition));
    try {
      const position = await copyAsOfOnePosition(servers.state, partition, async (entries) => {
        for (const { key, value = null } of entries) {
          await file.write({ offset: NOWHERE, timestamp: NO_TIME, key: Buffer.from(key), value });
        }
      });
      await file.end();
      return position;
    } catch (error) {
      await file.end();
      if (!isFreshetError(error, 'unavailable') || tried === STATE_TRIES) throw error;
      await clock.sleep(BETWEEN_TRIES_MS);
    }
  }
};

/** Where they end is asked in the order of their names; only then is anything read. */
const copyTopics = async (
  parts: Parts,
  names: readonly string[],
): Promise<SiteManifest['topics']> => {
  const source = sourceOfStores({
    ...parts.servers,
    counts: parts.counts,
    log: parts.log,
  });
  const topics: Record<string, SiteManifest['topics'][string]> = {};
  for (const name of names) topics[name] = await source.topic(name);
  for (const [topic, { watermarks }] of Object.entries(topics)) {
    for (const [index, { end }] of watermarks.entries()) {
      await copyRecords(parts, { topic, partition: partitionIndex(index), end });
      parts.step();
    }
  }
  return topics;
};

const copyRecords = async (
  { log, target, signal }: Parts,
  place: { readonly topic: string; readonly partition: PartitionIndex; readonly end: Offset },
): Promise<void> => {
  const file = await FramedFile.create(logFileOf(target, place));
  for await (const records of partitionSlices(log, place.topic, place.partition, {
    to: place.end,
  })) {
    signal.throwIfAborted();
    for (const record of records) await file.write(record);
  }
  await file.end();
};

const copyModels = async ({
  servers,
  counts,
  log,
  target,
  logger,
  signal,
  step,
}: Parts): Promise<void> => {
  const directory = artifactsOf(target);
  await copyReleases({
    source: sourceOfStores({ ...servers, counts, log }),
    target: await openDirectoryArtifactStore({ directory, logger }),
    signal,
    onProgress: () => undefined,
  });
  step();
};

/** The log must reach as far as the state covers, and back to where it would be read from. */
const checkReach = (
  directory: string,
  positions: SiteManifest['positions'],
  topics: SiteManifest['topics'],
): void => {
  for (const [name, { coveredOffset }] of Object.entries(positions)) {
    const dot = name.lastIndexOf('.');
    const place = topics[name.slice(0, dot)]?.watermarks[Number(name.slice(dot + 1))];
    if (place && coveredOffset < place.end && coveredOffset + 1 >= place.low) continue;
    const problem = `state ${name} at ${coveredOffset}, which its log does not reach`;
    throw new FreshetError('backup_damaged', { directory, problem });
  }
};
