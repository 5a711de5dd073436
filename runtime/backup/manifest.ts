/** What a backup says of itself: written last, so a directory without it is no backup. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FreshetError } from '../../schemas/errors.ts';

export interface BackedUpFile {
  /** Relative to the backup, with forward slashes. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface BackupManifest {
  readonly format: number;
  readonly takenAt: string;
  readonly instanceId: string;
  readonly dataFormat: number;
  /** By topic and partition: the first offset held, and the one after the last. */
  readonly log: Readonly<Record<string, readonly { readonly low: number; readonly end: number }[]>>;
  /** By state partition: the last offset taken in. */
  readonly covered: Readonly<Record<string, number>>;
  readonly files: readonly BackedUpFile[];
}

export const BACKUP_FORMAT = 1;
const FILE = 'backup.json';

export const writeManifest = (directory: string, manifest: BackupManifest): Promise<void> =>
  writeFile(join(directory, FILE), `${JSON.stringify(manifest, null, 2)}\n`, { flush: true });

export const readManifest = async (directory: string): Promise<BackupManifest> => {
  let manifest: BackupManifest;
  try {
    manifest = JSON.parse(await readFile(join(directory, FILE), 'utf8')) as BackupManifest;
  } catch (cause) {
    const problem = `no readable ${FILE}: it is another directory, or the backup did not finish`;
    throw new FreshetError('backup_damaged', { directory, problem }, { cause });
  }
  // Backups of sites on servers have a kind.
  if ('kind' in manifest) {
    const got = 'one of a site on servers; restore it with --profile distributed';
    throw new FreshetError('site_differs', { expected: 'a backup of a data directory', got });
  }
  if (manifest.format > BACKUP_FORMAT) {
    const details = { supported: BACKUP_FORMAT, directory, found: manifest.format };
    throw new FreshetError('data_newer', details);
  }
  return manifest;
};
