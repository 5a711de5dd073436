/**
 * Records to bytes and back: Confluent's header (a zero byte and the schema's id as a big-endian
 * 32-bit integer), then the Avro body. Written is always the newest version; older ones are resolved
 * into the newest shape. Whatever bytes come in, what comes out is a record or a `FreshetError`
 * (`unknown_schema`, `bad_record`) after time and memory in proportion to the bytes.
 *
 * Decoded records are fresh objects that share nothing with the bytes.
 */
import { FreshetError, isFreshetError } from '../errors.ts';
import type { NamedRecord, RecordName, RecordTypes } from '../records.ts';
import { badRecord, ReadingTap, WritingTap } from './bounded-tap.ts';
import { type AvroType, guardedTypeOf, type Wire, wireOf } from './guarded-types.ts';
import { RECORD_RULES } from './record-rules.ts';
import { REGISTRY, type RegisteredSchema } from './registry.ts';

export const HEADER_BYTES = 5;
const MAGIC = 0;

export interface RecordCodecOptions {
  /** A longer record is refused unread. */
  readonly recordBytesMax: number;
}

export const DEFAULT_RECORD_CODEC_OPTIONS: RecordCodecOptions = {
  /** What the log holds at most. */
  recordBytesMax: 1_048_576,
};

export interface RecordCodec {
  encodeRecord<N extends RecordName>(name: N, record: RecordTypes[N]): Uint8Array;
  decodeRecord(bytes: Uint8Array): NamedRecord;
  /** Refuses a record of another name. */
  decodeRecordAs<N extends RecordName>(name: N, bytes: Uint8Array): RecordTypes[N];
}

interface Writer {
  readonly id: number;
  readonly type: AvroType;
  readonly wire: Wire;
}

interface Reader {
  readonly entry: RegisteredSchema;
  /** The newest type, or the resolver that reads this older version into it. */
  readonly wire: Pick<Wire, '_read'>;
}

/** A codec over the given registry; use the one below unless you are testing. */
export const createRecordCodec = (
  registry: readonly RegisteredSchema[],
  options: RecordCodecOptions = DEFAULT_RECORD_CODEC_OPTIONS,
): RecordCodec => {
  const writers = writersOf(registry);
  const readers = readersOf(registry, writers);
  const reading = new ReadingTap();
  const writing = new WritingTap();

  const encodeRecord = <N extends RecordName>(name: N, record: RecordTypes[N]): Uint8Array => {
    const { id, wire, type } = writers.get(name)!;
    writing.pos = 0;
    writing.writeHeader(MAGIC, id);
    try {
      RECORD_RULES[name]?.(record);
      wire._write(writing, record);
    } catch (error) {
      throw unwritable(error, { name, type, record });
    }
    return writing.take();
  };

  const decodeRecord = (bytes: Uint8Array): NamedRecord => {
    const buffer = bufferOf(bytes);
    const { entry, wire } = readerFor(buffer, readers, options);
    reading.open(buffer, HEADER_BYTES);
    try {
      const record = wire._read(reading);
      if (reading.bytesLeft > 0) throw badRecord(`${reading.bytesLeft} bytes after its end`);
      RECORD_RULES[entry.record]?.(record as never);
      return { name: entry.record, record } as NamedRecord;
    } catch (error) {
      throw unreadable(error, entry);
    } finally {
      reading.close();
    }
  };

  const decodeRecordAs = <N extends RecordName>(name: N, bytes: Uint8Array): RecordTypes[N] => {
    const decoded = decodeRecord(bytes);
    if (decoded.name !== name) throw badRecord(`${decoded.name} where ${name} belongs`);
    return decoded.record as RecordTypes[N];
  };

  return { encodeRecord, decodeRecord, decodeRecordAs };
};

const newestOf = (registry: readonly RegisteredSchema[]): Map<RecordName, RegisteredSchema> => {
  const newest = new Map<RecordName, RegisteredSchema>();
  for (const entry of registry) {
    if (entry.version > (newest.get(entry.record)?.version ?? 0)) newest.set(entry.record, entry);
  }
  return newest;
};

const writersOf = (registry: readonly RegisteredSchema[]): ReadonlyMap<RecordName, Writer> =>
  new Map(
    [...newestOf(registry)].map(([name, { id, schema }]) => {
      const type = guardedTypeOf(schema);
      return [name, { id, type, wire: wireOf(type) }];
    }),
  );

const readersOf = (
  registry: readonly RegisteredSchema[],
  writers: ReadonlyMap<RecordName, Writer>,
): ReadonlyMap<number, Reader> =>
  new Map(
    registry.map((entry) => {
      const { id, type, wire } = writers.get(entry.record)!;
      if (entry.id === id) return [id, { entry, wire }];
      const resolver = type.createResolver(guardedTypeOf(entry.schema));
      return [entry.id, { entry, wire: resolver as unknown as Pick<Wire, '_read'> }];
    }),
  );

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

const readerFor = (
  bytes: Buffer,
  readers: ReadonlyMap<number, Reader>,
  { recordBytesMax }: RecordCodecOptions,
): Reader => {
  if (bytes.length < HEADER_BYTES) {
    throw badRecord(`${bytes.length} bytes, fewer than the header's ${HEADER_BYTES}`);
  }
  if (bytes.length > recordBytesMax) {
    throw badRecord(`${bytes.length} bytes, more than ${recordBytesMax}`);
  }
  if (bytes[0] !== MAGIC) throw badRecord(`a first byte of ${bytes[0]} instead of ${MAGIC}`);
  const schemaId = bytes.readInt32BE(1);
  const reader = readers.get(schemaId);
  if (!reader) throw new FreshetError('unknown_schema', { schemaId });
  return reader;
};

const problemOf = (error: unknown): string =>
  isFreshetError(error) ? String(error.details.problem) : String((error as Error).message);

const unreadable = (cause: unknown, { record, version }: RegisteredSchema): FreshetError =>
  new FreshetError(
    'bad_record',
    { problem: `${record} (version ${version}) with ${problemOf(cause)}` },
    { cause },
  );

/** Finds where in the record the value lies that could not be written. */
const unwritable = (
  cause: unknown,
  { name, type, record }: { name: RecordName; type: AvroType; record: unknown },
): FreshetError => {
  let place = '';
  type.isValid(record, {
    errorHook: (path) => {
      place ||= ` at ${path.join('.')}`;
    },
  });
  return new FreshetError(
    'bad_record',
    { problem: `${name} with ${problemOf(cause)}${place}` },
    { cause },
  );
};

const codec = createRecordCodec(REGISTRY);

export const { encodeRecord, decodeRecord, decodeRecordAs } = codec;
