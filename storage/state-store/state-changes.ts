/** What every adapter checks before the first write of an apply (S2): refused whole, with both numbers. */
import { FreshetError } from '../../schemas/errors.ts';
import { NO_OFFSET, type StatePartition } from '../../schemas/ids.ts';
import type { ApplyRequest, ApplyResult, StatePosition, StateStoreLimits } from './state-store.ts';

export const DEFAULT_STATE_STORE_LIMITS: StateStoreLimits = {
  /** An id has at most 128 characters, so at most 512 bytes; the rest is for prefixes. */
  keyBytesMax: 1_024,
  valueBytesMax: 524_288,
  keysPerApply: 2_000,
  bytesPerApply: 2_097_152,
  keysPerApplyMax: 16_384,
  bytesPerApplyMax: 8_388_608,
};

/** Protections that a test switches off, and moments it waits for. Never set elsewhere. */
export interface StateStoreSeams {
  /** Apply whatever the stored epoch and offset are. */
  readonly ignoreStoredPosition?: boolean;
  /** Called when a snapshot is flushed and in its place. */
  readonly snapshotTaken?: (partition: StatePartition) => void;
}

/** A position and what is needed to recognise the apply that led to it. */
export interface StoredPosition extends StatePosition {
  /** What the last apply expected; NO_OFFSET before the first. */
  readonly previousOffset: StatePosition['coveredOffset'];
}

export const FIRST_POSITION: StoredPosition = {
  epoch: 0,
  coveredOffset: NO_OFFSET,
  previousOffset: NO_OFFSET,
  logId: null,
  recordHash: 0,
};

/** Throws unless the apply is within the limits and well formed. */
export const checkApply = (request: ApplyRequest, limits: StateStoreLimits): void => {
  if (request.coveredOffset < request.expectedOffset) {
    throw new RangeError('Expected coveredOffset to be at or after expectedOffset.');
  }
  refuseAbove('keys', limits.keysPerApplyMax, request.changes.length);
  let bytes = 0;
  for (const { key, value } of request.changes) {
    const keyBytes = Buffer.byteLength(key);
    if (keyBytes === 0) throw new RangeError('Expected a key of at least one byte, got none.');
    refuseAbove('bytes in a key', limits.keyBytesMax, keyBytes);
    refuseAbove('bytes in a value', limits.valueBytesMax, value?.length ?? 0);
    bytes += keyBytes + (value?.length ?? 0);
  }
  refuseAbove('bytes', limits.bytesPerApplyMax, bytes);
};

const refuseAbove = (what: string, limit: number, got: number): void => {
  if (got > limit) throw new FreshetError('apply_too_large', { limit: `${limit} ${what}`, got });
};

/** Compare-and-set (S3): what to answer instead of applying, or undefined when it may be applied. */
export const refusalOf = (
  stored: StoredPosition,
  request: ApplyRequest,
): Exclude<ApplyResult, { outcome: 'applied' }> | undefined => {
  const isSameLog = stored.logId === null || stored.logId === request.logId;
  if (
    stored.epoch === request.epoch &&
    stored.coveredOffset === request.expectedOffset &&
    isSameLog
  ) {
    return undefined;
  }
  const wasDoneBefore =
    stored.epoch === request.epoch &&
    stored.previousOffset === request.expectedOffset &&
    stored.coveredOffset === request.coveredOffset &&
    stored.recordHash === request.recordHash &&
    stored.logId === request.logId;
  return wasDoneBefore
    ? { outcome: 'already-applied' }
    : { outcome: 'mismatch', stored: publicPosition(stored) };
};

export const positionAfter = (stored: StoredPosition, request: ApplyRequest): StoredPosition => ({
  epoch: stored.epoch,
  coveredOffset: request.coveredOffset,
  previousOffset: request.expectedOffset,
  logId: request.logId,
  recordHash: request.recordHash,
});

export const publicPosition = ({
  epoch,
  coveredOffset,
  logId,
  recordHash,
}: StoredPosition): StatePosition => ({ epoch, coveredOffset, logId, recordHash });
