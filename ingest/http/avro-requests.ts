/**
 * Avro records from outside, turned into the same requests as JSON would have brought, so that one
 * set of checks holds for both. Stamps and numbers are the server's: a producer that sets them is
 * refused, or overwritten where the schema demands a value.
 */
import { decodeRecordAs } from '../../schemas/avro/record-codec.ts';
import { FreshetError } from '../../schemas/errors.ts';

/** Times that JavaScript can name; beyond them nothing is an event anyway. */
const TIME_MAX_MS = 8.64e15;

export const eventFromAvro = (bytes: Uint8Array): unknown => {
  const record = decodeRecordAs('Interaction', bytes);
  const { receivedAt, backfill, sequence, occurredAt, context, ...event } = record;
  if (backfill !== null || sequence !== null) {
    throw new FreshetError('bad_request', {
      problem: 'Expected backfill and sequence to be null: imports alone number their events.',
    });
  }
  return {
    ...withoutNulls(event),
    occurredAt: timeText(occurredAt),
    ...(context === null ? {} : { context: withoutNulls(context) }),
  };
};

export const impressionFromAvro = (bytes: Uint8Array): unknown => {
  const { receivedAt, occurredAt, items, ...impression } = decodeRecordAs('Impression', bytes);
  return {
    ...withoutNulls(impression),
    items: items.map(withoutNulls),
    occurredAt: timeText(occurredAt),
  };
};

const withoutNulls = (record: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));

const timeText = (ms: number): string => {
  if (Math.abs(ms) <= TIME_MAX_MS) return new Date(ms).toISOString();
  throw new FreshetError('bad_value', {
    problem: `Expected occurredAt to be a time, got ${ms} ms since 1970.`,
  });
};
