/**
 * Turns what LMDB says about the disk into the two answers that matter: there is no room now, and
 * writing works again once there is; or the disk can no longer be trusted, and nothing more is
 * written (a failed fsync must not be retried: the kernel may have dropped the pages).
 */
import { statfsSync } from 'node:fs';
import { FreshetError } from '../../schemas/errors.ts';

const EIO = 5;
const ENOSPC = 28;
const EDQUOT = 122;
const EFBIG = 27;
const MDB_MAP_FULL = -30792;
const NO_ROOM: readonly unknown[] = [ENOSPC, EDQUOT, EFBIG, MDB_MAP_FULL];
/** LMDB calls a write that was cut short an EIO; with less room than this it was for want of room. */
const ROOM_BYTES_MIN = 16 * 1_048_576;

export const diskFailure = (cause: unknown, directory: string): FreshetError => {
  if (cause instanceof FreshetError) return cause;
  const code = cause instanceof Error ? (cause as Error & { code?: unknown }).code : undefined;
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

const isFull = (directory: string): boolean => {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize < ROOM_BYTES_MIN;
};
