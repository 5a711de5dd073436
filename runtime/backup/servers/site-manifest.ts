/** What a backup of a site on servers says of itself: written last, so a directory without it is none. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FreshetError } from '../../../schemas/errors.ts';
import type { LogId, Offset } from '../../../schemas/ids.ts';
import type { Watermarks } from '../../../storage/event-log/event-log.ts';
import type { PartitionCounts } from '../../topic-plan.ts';
import type { BackedUpFile } from '../manifest.ts';

export interface SiteManifest {
  readonly kind: typeof SITE_KIND;
  readonly format: number;
  readonly takenAt: string;
  readonly namespace: string;
  readonly stateFormat: number;
  readonly counts: PartitionCounts;
  readonly topics: Readonly<
    Record<string, { readonly logId: LogId; readonly watermarks: readonly Watermarks[] }>
  >;
  /** By state partition: what its state covers. */
  readonly positions: Readonly<
    Record<string, { readonly coveredOffset: Offset; readonly recordHash: number }>
  >;
  /** By table, topic and partition: up to where there are rows. */
  readonly covered: Readonly<Record<string, Offset>>;
  readonly files: readonly BackedUpFile[];
}

export const SITE_KIND = 'servers';
export const SITE_BACKUP_FORMAT = 1;
const FILE = 'backup.json';

export const writeSiteManifest = (directory: string, manifest: SiteManifest): Promise<void> =>
  writeFile(join(directory, FILE), `${JSON.stringify(manifest, null, 2)}\n`, { flush: true });

export const readSiteManifest = async (directory: string): Promise<SiteManifest> => {
  let manifest: Partial<SiteManifest>;
  try {
    manifest = JSON.parse(await readFile(join(directory, FILE), 'utf8')) as Partial<SiteManifest>;
  } catch (cause) {
    const problem = `no readable ${FILE}: it is another directory, or the backup did not finish`;
    throw new FreshetError('backup_damaged', { directory, problem }, { cause });
  }
  if (manifest.kind !== SITE_KIND) {
    const expected = 'a backup of a site on servers';
    const got = `one of a data directory; restore that with --profile embedded, then \`freshet migrate\``;
    throw new FreshetError('site_differs', { expected, got });
  }
  if ((manifest.format ?? 0) > SITE_BACKUP_FORMAT) {
    const details = { supported: SITE_BACKUP_FORMAT, directory, found: manifest.format };
    throw new FreshetError('data_newer', details);
  }
  return manifest as SiteManifest;
};

/** How many records of the log it holds, and how large it is. */
export const sizeOfBackup = ({
  topics,
  files,
}: SiteManifest): { readonly records: number; readonly bytes: number } => ({
  records: Object.values(topics)
    .flatMap(({ watermarks }) => watermarks)
    .reduce((sum, { low, end }) => sum + end - low, 0),
  bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
});
