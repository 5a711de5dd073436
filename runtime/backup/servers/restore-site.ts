/**
 * Puts a backup of a site on servers that have none. Every file is held against the manifest first: what
 * is damaged is found before anything is written. Ended in between, it goes on when it is asked again.
 */

import type { Logger } from '../../../schemas/environment.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { STATE_FORMAT } from '../../../schemas/state/state-format.ts';
import {
  hasSameCounts,
  type Moved,
  type MoveOptions,
  moveSite,
  refuseOtherCounts,
  refuseSite,
} from '../../moving/move-site.ts';
import { describeFile } from '../files.ts';
import { sourceOfBackup } from './site-files.ts';
import { readSiteManifest, type SiteManifest } from './site-manifest.ts';

export type SiteRestoreOptions = Omit<MoveOptions, 'source'> & {
  readonly backup: string;
  readonly logger: Logger;
};

export interface RestoredSite {
  readonly manifest: SiteManifest;
  readonly moved: Moved;
  /** Whether keys lie in other partitions now, and the stream makes the state from the log. */
  readonly isRekeyed: boolean;
}

export const restoreSite = async (options: SiteRestoreOptions): Promise<RestoredSite> => {
  const { backup, servers, logger } = options;
  const manifest = await readSiteManifest(backup);
  const isRekeyed = !hasSameCounts(manifest.counts, servers.counts);
  if (!options.mayRepartition) refuseOtherCounts(manifest.counts, servers.counts);
  if (!isRekeyed && manifest.stateFormat !== STATE_FORMAT) {
    const expected = `a backup with state of format ${STATE_FORMAT}`;
    const got = `one of ${manifest.stateFormat}; restore it with the version that made it`;
    throw new FreshetError('site_differs', { expected, got });
  }
  await refuseSite(options);
  await verify(manifest, options);
  const source = await sourceOfBackup(backup, manifest, logger);
  return { manifest, isRekeyed, moved: await moveSite({ ...options, source }) };
};

const verify = async (
  { files }: SiteManifest,
  { backup, terminal, signal }: SiteRestoreOptions,
): Promise<void> => {
  const bar = terminal.progress('Checking');
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  for (const { path, bytes, sha256 } of files) {
    signal.throwIfAborted();
    const found = await describeFile(backup, path).catch((cause: unknown) => {
      throw damaged(backup, path, cause);
    });
    if (found.sha256 !== sha256) throw damaged(backup, path);
    done += bytes;
    bar.update(done, total);
  }
  bar.end(`${files.length} files`);
};

const damaged = (directory: string, path: string, cause?: unknown): FreshetError =>
  new FreshetError('backup_damaged', { directory, problem: `a wrong ${path}` }, { cause });
