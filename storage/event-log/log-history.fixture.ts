/** Random steps in the life of a log, and how what two logs hold is compared. */
import fc from 'fast-check';
import { isFreshetError } from '../../schemas/errors.ts';
import { epochMs } from '../../schemas/ids.ts';
import type { AppendRecord, LogRecord } from './event-log.ts';

export interface AppendStep {
  readonly do: 'append';
  readonly topic: string;
  readonly batches: readonly AppendRecord[][];
}

export interface ReadStep {
  readonly do: 'read';
  readonly topic: string;
  readonly from: number;
  readonly limit: number;
}

export const HISTORY_TOPICS = ['contract-delete', 'contract-compact'] as const;

const record: fc.Arbitrary<AppendRecord> = fc.record({
  key: fc
    .constantFrom('a', 'b', 'c', '__proto__', '')
    .map((text) => new TextEncoder().encode(text)),
  value: fc.option(fc.uint8Array({ maxLength: 40 }), { freq: 5 }),
  timestamp: fc.integer({ min: 0, max: 200_000_000 }).map(epochMs),
});
const topic = fc.constantFrom(...HISTORY_TOPICS);

export const someBatches = fc.array(fc.array(record, { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 4,
});
export const appendStep: fc.Arbitrary<AppendStep> = fc.record({
  do: fc.constant('append'),
  topic,
  batches: someBatches,
});
export const readStep: fc.Arbitrary<ReadStep> = fc.record({
  do: fc.constant('read'),
  topic,
  from: fc.integer({ min: -1, max: 40 }),
  limit: fc.integer({ min: 1, max: 10 }),
});

export const comparable = (found: LogRecord) => ({
  offset: found.offset,
  timestamp: found.timestamp,
  key: found.key && Buffer.from(found.key).toString('hex'),
  value: found.value && Buffer.from(found.value).toString('hex'),
});

/** What a read gave, or how it was refused. */
export const outcome = async (reading: Promise<readonly LogRecord[]>) => {
  try {
    return (await reading).map(comparable);
  } catch (error) {
    if (!isFreshetError(error)) throw error;
    return { code: error.code, details: error.details };
  }
};
