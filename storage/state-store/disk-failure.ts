/**
 * Turns what LMDB says about the disk into the two answers that matter: there is no room now, and
 * writing works again once there is; or the disk can no longer be trusted, and nothing more is
 * written (a failed fsync must not be retried: the kernel may have dropped the pages).
 */
import { FreshetError } from '../../schemas/errors.ts';

const ENOSPC = 28;
const EDQUOT = 122;
const EFBIG = 27;
const MDB_MAP_FULL = -30792;
const NO_ROOM: readonly unknown[] = [ENOSPC, EDQUOT, EFBIG, MDB_MAP_FULL];

export const diskFailure = (cause: unknown): FreshetError => {
  if (cause instanceof FreshetError) return cause;
  const code = cause instanceof Error ? (cause as Error & { code?: unknown }).code : undefined;
  if (NO_ROOM.includes(code)) return new FreshetError('disk_full', {}, { cause });
  const problem = cause instanceof Error ? cause.message : String(cause);
  return new FreshetError('storage_failed', { problem }, { cause });
};

/** lmdb rejects a write with a general error that carries a promise of the real one. */
export const commitFailure = async (rejected: unknown): Promise<FreshetError> => {
  const { commitError } = rejected as { commitError?: Promise<unknown> };
  if (commitError === undefined) return diskFailure(rejected);
  return commitError.then(
    () => diskFailure(rejected),
    (cause: unknown) => diskFailure(cause),
  );
};
