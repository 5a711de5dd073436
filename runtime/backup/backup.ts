/**
 * Copies a data directory while the program runs on it, or while it does not. Nothing is asked of the
 * running program: LMDB lets another process read, and each file is copied as of one commit.
 *
 * The copies are not of one moment, so their order is what makes them fit. First state, then the topics
 * that the stream writes, then those that ingest writes. So the log reaches at least as far as the state
 * covers; and no signal lies in `item-signals` whose event is not in the backup, which would make a
 * later event at that offset pass for one already counted. What is ahead in the other direction is what
 * a crash also leaves: the stream reads on, and marks drop what was sent before.
 *
 * The warehouse is not copied: a restored instance fills it again from the log. What only the warehouse
 * still held, because retention had shortened the log, is not in the backup, and the command says so.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { formatTime } from '../../schemas/api/time.ts';
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { type Offset, partitionIndex, type StatePartition } from '../../schemas/ids.ts';
import { copyTopic } from '../../storage/event-log/lmdb-log-copy.ts';
import { copyStatePartition } from '../../storage/state-store/lmdb-state-copy.ts';
import { type DataPaths, dataPathsOf, FACTS_FILE, factsIn } from '../data-directory.ts';
import { openUnsealedLog } from '../embedded/stores.ts';
import { INGEST_TOPICS, type PartitionCounts, STREAM_TOPICS } from '../topic-plan.ts';
import { describeFile, filesBelow } from './files.ts';
import { BACKUP_FORMAT, type BackupManifest, writeManifest } from './manifest.ts';

export interface BackupOptions {
  readonly dataDirectory: string;
  readonly target: string;
  readonly clock: Clock;
  /** Steps done, of all. */
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

export const takeBackup = async (options: BackupOptions): Promise<BackupManifest> => {
  const { dataDirectory, target, clock } = options;
  const from = dataPathsOf(dataDirectory);
  const facts = factsIn(from.root);
  await refuseFilled(target);
  await mkdir(target, { recursive: true, mode: 0o700 });
  const to = dataPathsOf(target);
  try {
    const covered = await copyAll(from, to, options);
    await copyFile(join(from.root, FACTS_FILE), join(target, FACTS_FILE));
    const log = await watermarksIn(to, facts, clock);
    checkReach(covered, log, target);
    const paths = await filesBelow(target);
    const files = [];
    for (const path of paths) files.push(await describeFile(target, path));
    const manifest: BackupManifest = {
      format: BACKUP_FORMAT,
      takenAt: formatTime(clock.now()),
      instanceId: facts.instanceId,
      dataFormat: facts.format,
      log,
      covered,
      files,
    };
    await writeManifest(target, manifest);
    return manifest;
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    throw error;
  }
};

/** Nothing is written into a directory that holds something, and nothing of it is replaced. */
export const refuseFilled = async (path: string): Promise<void> => {
  if (await isEmpty(path)) return;
  const got = 'one that holds something';
  throw new FreshetError('bad_file', { expected: 'an empty directory', path, got });
};

export const isEmpty = async (directory: string): Promise<boolean> =>
  !existsSync(directory) || (await readdir(directory)).length === 0;

const copyAll = async (
  from: DataPaths,
  to: DataPaths,
  { clock, onProgress, signal }: BackupOptions,
): Promise<Record<string, Offset>> => {
  const partitions = existsSync(from.state) ? (await readdir(from.state)).sort() : [];
  const topics = [...STREAM_TOPICS, ...INGEST_TOPICS];
  const total = partitions.length + topics.length + 1;
  const covered: Record<string, Offset> = {};
  let done = 0;
  // First of all: keys are only ever destroyed, so these open whatever is copied after them.
  await mkdir(to.keys, { recursive: true, mode: 0o700 });
  for (const path of existsSync(from.keys) ? await filesBelow(from.keys) : []) {
    await copyFile(join(from.keys, path), join(to.keys, path));
  }
  const step = (): void => {
    done += 1;
    onProgress(done, total);
    signal.throwIfAborted();
  };
  for (const name of partitions) {
    const at = await copyStatePartition(join(from.state, name), join(to.state, name), {
      name: name as StatePartition,
      takenAt: clock.now(),
    });
    if (at !== undefined) covered[name] = at;
    step();
  }
  for (const topic of topics) {
    await copyTopic(join(from.log, topic), join(to.log, topic));
    step();
  }
  for (const path of existsSync(from.artifacts) ? await filesBelow(from.artifacts) : []) {
    await mkdir(join(to.artifacts, path, '..'), { recursive: true });
    await copyFile(join(from.artifacts, path), join(to.artifacts, path));
  }
  step();
  return covered;
};

/** Opens the copy as a start would, which also shows that it can be opened. */
const watermarksIn = async (
  paths: DataPaths,
  counts: PartitionCounts,
  clock: Clock,
): Promise<BackupManifest['log']> => {
  const log = await openUnsealedLog({ directory: paths.log, counts, writableTopics: [], clock });
  const found: Record<string, { low: number; end: number }[]> = {};
  try {
    for (const topic of [...STREAM_TOPICS, ...INGEST_TOPICS]) {
      const { partitionCount } = await log.topic(topic);
      found[topic] = [];
      for (let index = 0; index < partitionCount; index += 1) {
        found[topic].push(await log.watermarks(topic, partitionIndex(index)));
      }
    }
  } finally {
    await log.close();
  }
  for (const topic of Object.keys(found)) {
    await rm(join(paths.log, topic, 'lock.mdb'), { force: true });
  }
  return found;
};

/** The log must reach as far as the state covers, and back to where it would be read from. */
const checkReach = (
  covered: Readonly<Record<string, Offset>>,
  log: BackupManifest['log'],
  directory: string,
): void => {
  for (const [name, at] of Object.entries(covered)) {
    const dot = name.lastIndexOf('.');
    const place = log[name.slice(0, dot)]?.[Number(name.slice(dot + 1))];
    if (place && at < place.end && at + 1 >= place.low) continue;
    const problem = `state ${name} at ${at}, which its log does not reach`;
    throw new FreshetError('backup_damaged', { directory, problem });
  }
};
