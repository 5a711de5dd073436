/**
 * What every adapter checks before it writes the first byte of a batch (L5, L6): a batch is refused
 * whole, with the code and both numbers.
 */
import { FreshetError } from '../../schemas/errors.ts';
import type { CleanupPolicy } from '../../schemas/topics.ts';
import type { AppendRecord, EventLogLimits } from './event-log.ts';

export const DEFAULT_EVENT_LOG_LIMITS: EventLogLimits = {
  /** Key and value together: room for the largest request body and the largest envelope. */
  recordBytesMax: 1_048_576,
  batchRecordsMax: 10_000,
  batchBytesMax: 8 * 1_048_576,
};

export const recordBytes = (record: AppendRecord): number =>
  (record.key?.length ?? 0) + (record.value?.length ?? 0);

/** Throws unless the batch may be appended to a topic with this clean-up policy. */
export const checkBatch = (
  records: readonly AppendRecord[],
  { limits, cleanup }: { limits: EventLogLimits; cleanup: CleanupPolicy },
): void => {
  if (records.length === 0) throw new RangeError('Expected a batch of at least one record, got 0.');
  if (records.length > limits.batchRecordsMax) {
    throw new FreshetError('batch_too_large', {
      limit: `${limits.batchRecordsMax} records`,
      got: records.length,
    });
  }
  let batchBytes = 0;
  for (const record of records) {
    const bytes = recordBytes(record);
    if (bytes > limits.recordBytesMax) {
      throw new FreshetError('record_too_large', {
        limitBytes: limits.recordBytesMax,
        gotBytes: bytes,
      });
    }
    if (cleanup === 'compact' && record.key === null) {
      throw new FreshetError('bad_record', { problem: 'one without a key for a compacted topic' });
    }
    batchBytes += bytes;
  }
  if (batchBytes > limits.batchBytesMax) {
    throw new FreshetError('batch_too_large', {
      limit: `${limits.batchBytesMax} bytes`,
      got: batchBytes,
    });
  }
};
