/**
 * What could keep Freshet from running well on this machine, each with what to do about it. Every
 * finding is made by looking, never by asking a running server.
 */
import { accessSync, constants, existsSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { formatTime } from '../schemas/api/time.ts';
import { STATE_FORMAT } from '../schemas/state/state-format.ts';
import { DATA_FORMAT, type DataPaths, readFacts, stateFormatOf } from './data-directory.ts';
import { existingPart, fileSystemTypeOf, networkFileSystem } from './file-system.ts';
import { findSetAside, SET_ASIDE_DAYS } from './retention/set-aside.ts';
import type { Settings } from './settings.ts';
import { formatBytes } from './terminal.ts';

export interface Finding {
  readonly what: string;
  readonly verdict: 'good' | 'warning' | 'bad';
  readonly found: string;
  /** What to do; empty where nothing is to be done. */
  readonly advice: string;
}

export interface DoctorSubject {
  readonly settings: Settings;
  readonly paths: DataPaths;
  readonly warehouse: { readonly available: boolean; readonly why?: string };
}

const GIB = 1024 ** 3;
const DISK_FREE_BYTES_MIN = 3 * GIB;
const MEMORY_BYTES_MIN = 2 * GIB;
const NODE_MAJOR_MIN = 24;

export const examine = async (subject: DoctorSubject): Promise<readonly Finding[]> => [
  examineNode(),
  examinePlatform(),
  examineMemory(),
  examineDirectory(subject.paths),
  examineFormat(subject.paths),
  examineFileSystem(subject.paths),
  examineDisk(subject.paths),
  ...(await examineSetAside(subject.paths)),
  await examinePort(subject.settings),
  examineWarehouse(subject),
];

const examineNode = (): Finding => {
  const major = Number.parseInt(process.versions.node, 10);
  return {
    what: 'Node.js',
    verdict: major >= NODE_MAJOR_MIN ? 'good' : 'bad',
    found: `${process.versions.node}, ${availableParallelism()} cores`,
    advice: major >= NODE_MAJOR_MIN ? '' : 'Run `npm install`: it brings Node.js 24 along.',
  };
};

const examinePlatform = (): Finding => {
  const isKnown = ['linux', 'darwin'].includes(process.platform);
  return {
    what: 'System',
    verdict: isKnown ? 'good' : 'bad',
    found: `${process.platform} ${process.arch}`,
    advice: isKnown ? '' : 'Freshet runs on Linux and macOS; on Windows run it inside WSL.',
  };
};

const examineMemory = (): Finding => {
  const enough = totalmem() >= MEMORY_BYTES_MIN;
  return {
    what: 'Memory',
    verdict: enough ? 'good' : 'warning',
    found: formatBytes(totalmem()),
    advice: enough ? '' : 'Lower warehouseMemoryBytes, or start with --no-warehouse.',
  };
};

const examineDirectory = (paths: DataPaths): Finding => {
  const path = existingPart(paths.root);
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch {
    return {
      what: 'Data directory',
      verdict: 'bad',
      found: `${path} cannot be written`,
      advice: 'Choose another with --data, or change its permissions.',
    };
  }
  return {
    what: 'Data directory',
    verdict: 'good',
    found: existsSync(paths.root)
      ? `${paths.root}, ${formatBytes(sizeOf(paths.root))}`
      : `${paths.root} will be made`,
    advice: '',
  };
};

const examineFormat = (paths: DataPaths): Finding => {
  const facts = readFacts(paths.root);
  const what = 'Data format';
  if (facts === undefined) return { what, verdict: 'good', found: 'none yet', advice: '' };
  const state = stateFormatOf(facts);
  const isNewer = facts.format > DATA_FORMAT || state > STATE_FORMAT;
  const isOld = !isNewer && state < STATE_FORMAT;
  return {
    what,
    verdict: isNewer ? 'bad' : isOld ? 'warning' : 'good',
    found: `${facts.format}, state ${state}, holds ${facts.dataset ?? 'a catalogue of your own'}`,
    advice: isNewer
      ? `This Freshet reads formats up to ${DATA_FORMAT} and state up to ${STATE_FORMAT}; use a newer one.`
      : isOld
        ? `The next start makes the state anew from the log, as of format ${STATE_FORMAT}.`
        : '',
  };
};

const examineFileSystem = (paths: DataPaths): Finding => {
  const type = fileSystemTypeOf(paths.root);
  const network = networkFileSystem(type);
  return {
    what: 'File system',
    verdict: network ? 'bad' : 'good',
    found: network ?? `local (0x${type.toString(16)})`,
    advice: network
      ? 'Put the data directory on a local disk: LMDB maps its files into memory.'
      : '',
  };
};

const examineDisk = (paths: DataPaths): Finding => {
  const { bavail, bsize } = statfsSync(existingPart(paths.root));
  const free = bavail * bsize;
  const enough = free >= DISK_FREE_BYTES_MIN;
  return {
    what: 'Free disk',
    verdict: enough ? 'good' : 'warning',
    found: formatBytes(free),
    advice: enough ? '' : 'Free some space, or lower logBytesMax.',
  };
};

/** Nothing is said where nothing was. */
const examineSetAside = async (paths: DataPaths): Promise<readonly Finding[]> => {
  const found = await findSetAside(paths);
  return found.map(({ path, at, bytes }) => ({
    what: 'Set aside',
    verdict: 'warning',
    found: `${path}, ${formatBytes(bytes)}, damaged at ${formatTime(at)}`,
    advice: `It was made again from the log. Look after the disk; this goes by itself after ${SET_ASIDE_DAYS} days.`,
  }));
};

const examinePort = async (settings: Settings): Promise<Finding> => {
  const isFree = await isPortFree(settings.port, settings.host);
  return {
    what: 'Port',
    verdict: isFree ? 'good' : 'warning',
    found: `${settings.port} on ${settings.host} is ${isFree ? 'free' : 'taken'}`,
    advice: isFree ? '' : 'Freshet may be running already; else choose another with --port.',
  };
};

export const isPortFree = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });

const examineWarehouse = (subject: DoctorSubject): Finding => {
  const { available, why } = subject.warehouse;
  if (!subject.settings.warehouse) {
    return {
      what: 'Embedded ClickHouse',
      verdict: 'warning',
      found: 'turned off',
      advice: 'Nothing is trained without a warehouse.',
    };
  }
  return {
    what: 'Embedded ClickHouse',
    verdict: available ? 'good' : 'warning',
    found: available ? 'present' : (why ?? 'missing'),
    advice: available
      ? ''
      : 'Run `npm install` without --omit=optional; all but training works without it.',
  };
};

export const sizeOf = (directory: string): number => {
  let total = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) total += sizeOf(path);
    else if (entry.isFile()) total += allocatedBytes(path);
  }
  return total;
};

/** LMDB's files are sparse: what counts is what is on the disk. A file may vanish meanwhile. */
const allocatedBytes = (path: string): number => {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts === undefined ? 0 : facts.blocks * 512;
};
