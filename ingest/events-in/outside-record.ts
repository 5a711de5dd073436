/**
 * What producers outside write to `events-in`: an event or an impression, as JSON in the form of the
 * HTTP interface or as an Avro record with our schema's id before it. Nothing in it is believed: it
 * becomes what a request would have brought, and goes through the same checks.
 *
 * What a producer leaves out is filled in so that reading the record again gives the same: its id is its
 * place in the log, its time the record's. A record that is moved twice is one event.
 */
import { formatTime } from '../../schemas/api/time.ts';
import { decodeRecord } from '../../schemas/avro/record-codec.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { LogId, PartitionIndex } from '../../schemas/ids.ts';
import type { LogRecord } from '../../storage/event-log/event-log.ts';
import { eventFromAvro, impressionFromAvro } from '../http/avro-requests.ts';
import { parseJson } from '../http/decoding.ts';

export interface OutsideRecord {
  readonly kind: 'event' | 'impression';
  readonly value: unknown;
}

export interface RecordPlace {
  readonly logId: LogId;
  readonly partition: PartitionIndex;
}

const SOURCE = 'events-in';
const AVRO_MAGIC = 0;
/** The last time that a date can name. */
const TIME_MAX_MS = 8.64e15;

/** Throws why it is neither. */
export const readOutsideRecord = (record: LogRecord, place: RecordPlace): OutsideRecord => {
  if (record.value === null) throw badRecord('none');
  const { kind, value } = readValue(record.value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRecord('JSON that is no object');
  }
  if (Math.abs(record.timestamp) > TIME_MAX_MS) throw badRecord('one with a time that is none');
  const defaults = { source: SOURCE, occurredAt: formatTime(record.timestamp) };
  if (kind === 'impression') return { kind, value: { ...defaults, ...value } };
  const eventId = `${place.logId}.${place.partition}.${record.offset}`;
  return { kind, value: { ...defaults, eventId, ...value } };
};

const readValue = (bytes: Uint8Array): OutsideRecord => {
  if (bytes[0] !== AVRO_MAGIC) {
    const value = parseJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    const isImpression = typeof value === 'object' && value !== null && 'items' in value;
    return { kind: isImpression ? 'impression' : 'event', value };
  }
  const { name } = decodeRecord(bytes);
  switch (name) {
    case 'Interaction':
      return { kind: 'event', value: eventFromAvro(bytes) };
    case 'Impression':
      return { kind: 'impression', value: impressionFromAvro(bytes) };
    default:
      throw badRecord(`one of ${name}, which is not for producers outside`);
  }
};

const badRecord = (problem: string): FreshetError => new FreshetError('bad_record', { problem });
