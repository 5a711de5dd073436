/**
 * What producers outside write to `events-in`: an event or an impression, as JSON in the form of the
 * HTTP interface or as an Avro record with a schema's id before it. The id is the schema registry's,
 * where there is one and it has a schema of that id that says an event or an impression; else it is one
 * of ours. Nothing in a record is believed: it becomes what a request would have brought, and goes
 * through the same checks.
 *
 * What a producer leaves out is filled in so that reading the record again gives the same: its id is its
 * place in the log, its time the record's. A record that is moved twice is one event.
 */
import { formatTime } from '../../schemas/api/time.ts';
import { badSchema } from '../../schemas/avro/foreign-schema.ts';
import { decodeRecord, HEADER_BYTES } from '../../schemas/avro/record-codec.ts';
import { REGISTRY } from '../../schemas/avro/registry.ts';
import { FreshetError, isFreshetError } from '../../schemas/errors.ts';
import type { LogId, PartitionIndex } from '../../schemas/ids.ts';
import type { LogRecord } from '../../storage/event-log/event-log.ts';
import { eventFromAvro, impressionFromAvro } from '../http/avro-requests.ts';
import { parseJson } from '../http/decoding.ts';
import { kindOfSchema, type OutsideKind, requestOf } from './foreign-event.ts';
import type { WriterSchemas } from './schema-registry.ts';

export interface OutsideRecord {
  readonly kind: OutsideKind;
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
const OWN_IDS: ReadonlySet<number> = new Set(REGISTRY.map(({ id }) => id));

/** Throws why it is neither, or, to be tried again, why nobody can tell now. */
export const readOutsideRecord = async (
  record: LogRecord,
  place: RecordPlace,
  schemas?: WriterSchemas,
): Promise<OutsideRecord> => {
  if (record.value === null) throw badRecord('none');
  const { kind, value } = await readValue(record.value, schemas);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badRecord('JSON that is no object');
  }
  if (Math.abs(record.timestamp) > TIME_MAX_MS) throw badRecord('one with a time that is none');
  const defaults = { source: SOURCE, occurredAt: formatTime(record.timestamp) };
  if (kind === 'impression') return { kind, value: { ...defaults, ...value } };
  const eventId = `${place.logId}.${place.partition}.${record.offset}`;
  return { kind, value: { ...defaults, eventId, ...value } };
};

const readValue = async (
  given: Uint8Array,
  schemas: WriterSchemas | undefined,
): Promise<OutsideRecord> => {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.length);
  if (bytes[0] !== AVRO_MAGIC) {
    const value = parseJson(bytes);
    const isImpression = typeof value === 'object' && value !== null && 'items' in value;
    return { kind: isImpression ? 'impression' : 'event', value };
  }
  if (schemas === undefined || bytes.length < HEADER_BYTES) return readOwn(bytes);
  return (await readForeign(bytes, schemas)) ?? readOwn(bytes);
};

/** Resolves to undefined for what the registry does not have, or has as something else than we. */
const readForeign = async (
  bytes: Buffer,
  schemas: WriterSchemas,
): Promise<OutsideRecord | undefined> => {
  const schemaId = bytes.readInt32BE(1);
  try {
    const schema = await schemas(schemaId);
    if (schema === undefined) return undefined;
    const kind = kindOfSchema(schema);
    if (kind !== undefined) return { kind, value: requestOf(kind, schema.decode(bytes)) };
  } catch (error) {
    // Bytes that are not what its schema says may be what ours says, where the id is both's.
    if (isFreshetError(error, 'bad_record') && OWN_IDS.has(schemaId)) return undefined;
    throw error;
  }
  if (OWN_IDS.has(schemaId)) return undefined;
  throw badSchema(schemaId, 'without itemId and items');
};

const readOwn = (bytes: Uint8Array): OutsideRecord => {
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
