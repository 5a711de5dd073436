/**
 * Copies a state partition while its owner writes, from whatever process, into the form of a snapshot:
 * a store that opens the copy restores itself from that, checksum and all. State that nobody may
 * believe (`state-files.ts`) is not copied; its newest snapshot is, where there is one.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';
import { type EpochMs, NO_OFFSET, type Offset, type StatePartition } from '../../schemas/ids.ts';
import { readBootId } from './boot-id.ts';
import { LmdbPartition } from './lmdb-partition.ts';
import { StateFiles } from './state-files.ts';

/** What the copy covers; undefined where there was nothing to copy. */
export const copyStatePartition = async (
  from: string,
  to: string,
  facts: { readonly name: StatePartition; readonly takenAt: EpochMs },
): Promise<Offset | undefined> => {
  const source = new StateFiles(from, await readBootId());
  const isTrusted = await source.isTrusted();
  const snapshot = join(from, 'snapshot', 'data.mdb');
  if (!isTrusted && !existsSync(snapshot)) return undefined;
  await mkdir(to, { recursive: true });
  const target = new StateFiles(to, undefined);
  let coveredOffset = NO_OFFSET;
  await target.takeSnapshot(
    async (directory) => {
      if (isTrusted) await copyEnvironment(from, directory);
      else await copyFile(snapshot, join(directory, 'data.mdb'));
    },
    async (directory) => {
      coveredOffset = await coveredIn(directory, facts.name);
      return { takenAt: facts.takenAt, coveredOffset };
    },
  );
  await target.markRestorable(await source.highestEpoch());
  return coveredOffset;
};

const copyEnvironment = async (from: string, to: string): Promise<void> => {
  const environment = open({ path: from, noSubdir: false, readOnly: true, maxReaders: 512 });
  try {
    await environment.backup(to, true);
  } finally {
    await environment.close();
  }
};

const coveredIn = async (path: string, name: StatePartition): Promise<Offset> => {
  const copy = new LmdbPartition({
    path,
    name,
    isReadOnly: true,
    changedKeysKept: 0,
    ignoresStoredPosition: false,
  });
  try {
    return copy.position()?.coveredOffset ?? NO_OFFSET;
  } finally {
    await copy.close();
  }
};
