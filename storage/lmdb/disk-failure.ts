/**
 * Turns what LMDB says into the answers that matter: there is no room now, and writing works again once
 * there is; the disk can no longer be trusted, and nothing more is written (a failed fsync must not be
 * retried: the kernel may have dropped the pages); or the file is damaged.
 */
import { statfsSync } from 'node:fs';
import { FreshetError } from '../../schemas/errors.ts';

const EIO = 5;
const ENOSPC = 28;
const EDQUOT = 122;
const EFBIG = 27;
const MDB_MAP_FULL = -30792;
/** LMDB's numbers, and the words of Node for the files beside its own. */
const NO_ROOM: readonly unknown[] = [ENOSPC, EDQUOT, EFBIG, MDB_MAP_FULL, 'ENOSPC', 'EDQUOT'];
/** LMDB calls a write that was cut short an EIO; with less room than this it was for want of room. */
const ROOM_BYTES_MIN = 16 * 1_048_576;

const MDB_PAGE_NOTFOUND = -30797;
const MDB_CORRUPTED = -30796;
const MDB_VERSION_MISMATCH = -30794;
const MDB_INVALID = -30793;
const DAMAGED: readonly unknown[] = [
  MDB_PAGE_NOTFOUND,
  MDB_CORRUPTED,
  MDB_VERSION_MISMATCH,
  MDB_INVALID,
];

const codeOf = (cause: unknown): unknown =>
  cause instanceof Error ? (cause as Error & { code?: unknown }).code : undefined;

export const diskFailure = (cause: unknown, directory: string): FreshetError => {
  if (cause instanceof FreshetError) return cause;
  const code = codeOf(cause);
  if (NO_ROOM.includes(code) || (code === EIO && isFull(directory)))
    return new FreshetError('disk_full', {}, { cause });
  const problem = cause instanceof Error ? cause.message : String(cause);
  return new FreshetError('storage_failed', { problem }, { cause });
};

/** lmdb rejects a write with a general error that carries a promise of the real one. */
export const commitFailure = async (
  rejected: unknown,
  directory: string,
): Promise<FreshetError> => {
  const { commitError } = rejected as { commitError?: Promise<unknown> };
  if (commitError === undefined) return diskFailure(rejected, directory);
  return commitError.then(
    () => diskFailure(rejected, directory),
    (cause: unknown) => diskFailure(cause, directory),
  );
};

/** A full disk as such, whoever met it; anything else as it came. */
export const roomFailure = (cause: unknown): unknown =>
  !(cause instanceof FreshetError) && NO_ROOM.includes(codeOf(cause))
    ? new FreshetError('disk_full', {}, { cause })
    : cause;

/** Whether LMDB itself found its pages or its header wrong. */
export const isStructureDamaged = (cause: unknown): cause is Error =>
  DAMAGED.includes(codeOf(cause));

const isFull = (directory: string): boolean => {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize < ROOM_BYTES_MIN;
};
