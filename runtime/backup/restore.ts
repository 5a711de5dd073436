/**
 * Makes a data directory from a backup: every file is verified on its way. The facts of the directory
 * come last, so that one which was interrupted is not taken for a whole one.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FreshetError } from '../../schemas/errors.ts';
import { DATA_FORMAT, dataPathsOf, FACTS_FILE, lockDirectory } from '../data-directory.ts';
import { isEmpty } from './backup.ts';
import { copyHashed } from './files.ts';
import { type BackedUpFile, type BackupManifest, readManifest } from './manifest.ts';

export interface RestoreOptions {
  readonly backup: string;
  readonly dataDirectory: string;
  /** Replace what the data directory holds. */
  readonly force: boolean;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
  readonly signal: AbortSignal;
}

export const restoreBackup = async (options: RestoreOptions): Promise<BackupManifest> => {
  const { backup, dataDirectory, force } = options;
  const manifest = await readManifest(backup);
  if (manifest.dataFormat > DATA_FORMAT) {
    const details = { supported: DATA_FORMAT, directory: backup, found: manifest.dataFormat };
    throw new FreshetError('data_newer', details);
  }
  if (!force && !(await isEmpty(dataDirectory))) {
    throw new FreshetError('data_not_empty', { directory: dataDirectory });
  }
  const { root, keys, log, state, warehouse, artifacts } = dataPathsOf(dataDirectory);
  const unlock = lockDirectory(root);
  try {
    const facts = join(root, FACTS_FILE);
    for (const path of [facts, keys, log, state, warehouse, artifacts]) {
      await rm(path, { recursive: true, force: true });
    }
    await copyVerified(manifest, options);
  } finally {
    unlock();
  }
  return manifest;
};

const copyVerified = async (
  { files }: BackupManifest,
  { backup, dataDirectory, onProgress, signal }: RestoreOptions,
): Promise<void> => {
  const isFacts = ({ path }: BackedUpFile): boolean => path === FACTS_FILE;
  const ordered = [...files.filter((file) => !isFacts(file)), ...files.filter(isFacts)];
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  for (const { path, bytes, sha256 } of ordered) {
    signal.throwIfAborted();
    if (path.startsWith('/') || path.split('/').includes('..')) throw damaged(backup, path);
    const found = await copyHashed(join(backup, path), join(dataDirectory, path)).catch(
      (cause: unknown) => {
        throw damaged(backup, path, cause);
      },
    );
    if (found !== sha256) throw damaged(backup, path);
    done += bytes;
    onProgress(done, total);
  }
};

const damaged = (directory: string, path: string, cause?: unknown): FreshetError =>
  new FreshetError('backup_damaged', { directory, problem: `a wrong ${path}` }, { cause });
