/**
 * The data directory of an embedded instance: made on the first start, owned by one process at a
 * time, refused where a newer Freshet wrote it.
 *
 * The lock is a file made by link(2), which is atomic on every file system that LMDB may use. It
 * names the owner's process id and start time, so that a recycled process id is not mistaken for a
 * living owner after a crash.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { FreshetError } from '../schemas/errors.ts';
import type { EpochMs } from '../schemas/ids.ts';
import { STATE_FORMAT, UNNUMBERED_STATE_FORMAT } from '../schemas/state/state-format.ts';
import { systemClock } from './clock.ts';
import { fileSystemTypeOf, refuseNetworkFileSystem } from './file-system.ts';
import { hasPersonKeys, keyFileOf, makePersonKeys } from './person-keys.ts';
import { randomSecret } from './random.ts';

/** Of everything but the state; rises whenever an older Freshet could not read what this one writes. */
export const DATA_FORMAT = 2;
/** The first whose log is sealed with people's keys. */
const SEALED_FORMAT = 2;

export interface DataPaths {
  readonly root: string;
  /** Without what lies here nobody can read the log. */
  readonly keys: string;
  readonly log: string;
  readonly state: string;
  readonly warehouse: string;
  readonly artifacts: string;
  /** What the running server answers on, for commands that talk to it. */
  readonly server: string;
}

export interface DataDirectory {
  readonly paths: DataPaths;
  readonly facts: DataFacts;
  updateFacts(change: Partial<DataFacts>): void;
  release(): void;
}

/** What must not change over the life of a data directory. */
export interface DataFacts {
  readonly format: number;
  /** Of the state (`STATE_FORMAT`); absent in directories of before it was numbered. */
  readonly stateFormat?: number;
  readonly instanceId: string;
  readonly userPartitions: number;
  readonly itemPartitions: number;
  /** Records received before this are not sealed: an older program wrote them. */
  readonly unsealedUntil?: EpochMs;
  /** Which catalogue it holds: `demo`, `dataset:<name>` or null where it is the site's own. */
  readonly dataset: string | null;
  /** Where the simulated audience of this directory comes from; absent where there is none. */
  readonly audience?: AudienceFacts;
}

export interface AudienceFacts {
  readonly seed: number;
  /** When the first history ended: with the seed it decides who the people are. */
  readonly endsAt: EpochMs;
  /** Up to when the audience has acted, so that the next start can fill the time between. */
  readonly actedUntil: EpochMs;
  /** False until the first history is in the log as a whole. */
  readonly isLoaded: boolean;
}

export const dataPathsOf = (directory: string): DataPaths => {
  const root = resolve(directory);
  return {
    root,
    keys: join(root, 'keys'),
    log: join(root, 'log'),
    state: join(root, 'state'),
    warehouse: join(root, 'warehouse'),
    artifacts: join(root, 'artifacts'),
    server: join(root, 'server.json'),
  };
};

export const FACTS_FILE = 'freshet-data.json';
const LOCK_FILE = 'lock';

/** Owns a directory for a while without opening it; returns how to let go. */
export const lockDirectory = (root: string): (() => void) => {
  makeDirectory(root);
  return lock(root);
};

export const openDataDirectory = (
  directory: string,
  fresh: { readonly userPartitions: number; readonly itemPartitions: number },
): DataDirectory => {
  const paths = dataPathsOf(directory);
  refuseNetworkFileSystem(paths.root, fileSystemTypeOf(paths.root));
  makeDirectory(paths.root);
  const unlock = lock(paths.root);
  try {
    const found = readFacts(paths.root);
    let facts = found ?? {
      format: DATA_FORMAT,
      stateFormat: STATE_FORMAT,
      instanceId: randomSecret(9),
      dataset: null,
      userPartitions: fresh.userPartitions,
      itemPartitions: fresh.itemPartitions,
    };
    refuseNewer(facts, paths.root);
    provideKeys(paths, found);
    if (facts.format < SEALED_FORMAT) {
      facts = { ...facts, format: DATA_FORMAT, unsealedUntil: systemClock.now() };
    }
    writeFacts(paths.root, facts);
    return {
      paths,
      get facts() {
        return facts;
      },
      updateFacts(change) {
        facts = { ...facts, ...change };
        writeFacts(paths.root, facts);
      },
      release: unlock,
    };
  } catch (error) {
    unlock();
    throw error;
  }
};

/** A new directory gets keys, and so does one of before there were any. */
const provideKeys = (paths: DataPaths, found: DataFacts | undefined): void => {
  if (hasPersonKeys(paths)) return;
  if (found !== undefined && found.format >= SEALED_FORMAT) {
    const details = { expected: 'the keys of people', path: keyFileOf(paths), got: 'no file' };
    throw new FreshetError('bad_file', details);
  }
  makePersonKeys(paths);
};

/** A newer one is left exactly as it is; an older state is renewed by whoever opens the state. */
export const refuseNewer = (facts: DataFacts, directory: string): void => {
  if (facts.format > DATA_FORMAT) {
    const details = { supported: DATA_FORMAT, directory, found: facts.format };
    throw new FreshetError('data_newer', details);
  }
  if (stateFormatOf(facts) > STATE_FORMAT) {
    const details = { supported: STATE_FORMAT, directory, found: facts.stateFormat };
    throw new FreshetError('state_newer', details);
  }
};

export const stateFormatOf = (facts: DataFacts): number =>
  facts.stateFormat ?? UNNUMBERED_STATE_FORMAT;

/** The facts of a directory, without owning it; undefined where none was made. */
export const readFacts = (root: string): DataFacts | undefined => {
  let content: string;
  try {
    content = readFileSync(join(root, FACTS_FILE), 'utf8');
  } catch {
    return undefined;
  }
  try {
    return JSON.parse(content) as DataFacts;
  } catch (cause) {
    throw new FreshetError(
      'bad_file',
      { expected: 'JSON', path: join(root, FACTS_FILE), got: 'something else' },
      { cause },
    );
  }
};

/** The same, for a command that makes no directory where there is none. */
export const factsIn = (root: string): DataFacts => {
  const facts = readFacts(root);
  if (facts !== undefined) return facts;
  throw new FreshetError('not_found', { what: `a data directory in ${root}` });
};

const writeFacts = (root: string, facts: DataFacts): void => {
  const path = join(root, FACTS_FILE);
  writeFileSync(`${path}.new`, `${JSON.stringify(facts, null, 2)}\n`);
  renameSync(`${path}.new`, path);
};

const makeDirectory = (root: string): void => {
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new FreshetError(
      'bad_file',
      { expected: 'a directory that can be made', path: root, got: reasonOf(cause) },
      { cause },
    );
  }
};

interface Owner {
  readonly pid: number;
  readonly startedAt: string;
}

const lock = (root: string): (() => void) => {
  const path = join(root, LOCK_FILE);
  const own: Owner = { pid: process.pid, startedAt: processStart(process.pid) ?? '' };
  const draft = `${path}.${process.pid}.${randomSecret(6)}`;
  writeDraft(draft, own);
  try {
    while (!tryLink(draft, path)) {
      const owner = readOwner(path);
      if (owner && isAlive(owner)) {
        throw new FreshetError('data_in_use', { directory: root, pid: owner.pid });
      }
      removeStale(path, owner);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return () => {
    if (readOwner(path)?.pid === process.pid) rmSync(path, { force: true });
  };
};

const writeDraft = (path: string, own: Owner): void => {
  try {
    writeFileSync(path, JSON.stringify(own));
  } catch (cause) {
    const expected = 'a directory that can be written';
    const details = { expected, path: dirname(path), got: reasonOf(cause) };
    throw new FreshetError('bad_file', details, { cause });
  }
};

/** The process that owns the directory at this moment. */
export const ownerOf = (root: string): number | undefined => {
  const owner = readOwner(join(root, LOCK_FILE));
  return owner !== undefined && isAlive(owner) ? owner.pid : undefined;
};

const tryLink = (draft: string, path: string): boolean => {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
};

/**
 * Two starters may both find a dead owner. Renaming is atomic, so only one of them moves the stale
 * lock away; whoever finds that it moved a living owner's lock instead puts it back.
 */
const removeStale = (path: string, stale: Owner | undefined): void => {
  const aside = `${path}.stale.${process.pid}.${randomSecret(6)}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  const moved = readOwner(aside);
  if (moved && (moved.pid !== stale?.pid || moved.startedAt !== stale.startedAt)) {
    tryLink(aside, path);
  }
  rmSync(aside, { force: true });
};

const readOwner = (path: string): Owner | undefined => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Owner;
  } catch {
    return undefined;
  }
};

const isAlive = (owner: Owner): boolean => {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
  }
  const startedAt = processStart(owner.pid);
  return startedAt === undefined || startedAt === owner.startedAt;
};

/** Start time of a process in clock ticks since boot, with the boot id; undefined off Linux. */
const processStart = (pid: number): string | undefined => {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${boot}:${fields[19]}`;
  } catch {
    return undefined;
  }
};

const isErrno = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : 'a failure');
