/**
 * Records whose schema somebody else wrote: an Avro schema as JSON becomes a reader of the bytes behind
 * Confluent's header. Neither schema nor bytes are believed. No code is generated from the schema, its
 * size and depth are capped, and reading has a budget: a handful of records that hold one another twice
 * each, or one that holds itself, would mean a billion values in no bytes at all.
 *
 * Nothing is resolved into a schema of ours: what comes out says what the writer's schema says, by its
 * names. Texts stay texts, times with a logical type become RFC 3339, a number that JavaScript cannot
 * hold exactly becomes NaN, which nobody takes for one.
 */
import { formatTime } from '../api/time.ts';
import { FreshetError, isFreshetError } from '../errors.ts';
import type { EpochMs } from '../ids.ts';
import { badRecord, ReadingTap } from './bounded-tap.ts';

export interface ForeignSchema {
  /** The names of the record's fields. */
  readonly fields: ReadonlySet<string>;
  /** Reads what follows the header; a `bad_record` where that is not what the schema says. */
  decode(bytes: Uint8Array): Readonly<Record<string, unknown>>;
}

const HEADER_BYTES = 5;
/** Types that a schema may name, in all; the largest in the wild have some hundreds. */
const TYPES_MAX = 5_000;
/** Within one another: both definitions and values. */
const DEPTH_MAX = 64;
/** Values that no byte stands for: nulls, records without fields. */
const FREE_VALUES_MAX = 10_000;
/** The last time that a date can name. */
const TIME_MAX_MS = 8.64e15;

/** `schemaId` is for messages. Throws `bad_record` for what is no schema of a record. */
export const foreignSchemaOf = (schema: unknown, schemaId: number): ForeignSchema => {
  const compiler = new Compiler(schemaId);
  const read = compiler.typeOf(schema, { namespace: '', depth: 0 });
  const top = compiler.fieldsOf(schema);
  return {
    fields: new Set(top),
    decode: (bytes) => decodeWith(read, bytes, schemaId) as Readonly<Record<string, unknown>>,
  };
};

/** Whatever is written by that schema is none that can be read. */
export const badSchema = (schemaId: number, problem: string): FreshetError =>
  badRecord(`one by schema ${schemaId}, which is ${problem}`);

const decodeWith = (read: Read, bytes: Uint8Array, schemaId: number): unknown => {
  const from = new Reading(bytes);
  try {
    const value = read(from);
    if (from.tap.bytesLeft > 0) throw badRecord(`${from.tap.bytesLeft} bytes after its end`);
    return value;
  } catch (cause) {
    const said = isFreshetError(cause) ? cause.details.problem : (cause as Error).message;
    throw new FreshetError(
      'bad_record',
      { problem: `one by schema ${schemaId} with ${said}` },
      { cause },
    );
  }
};

class Reading {
  readonly tap = new ReadingTap();
  #valuesLeft: number;
  #depth = 0;

  constructor(bytes: Uint8Array) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.tap.open(buffer, HEADER_BYTES);
    this.#valuesLeft = buffer.length + FREE_VALUES_MAX;
  }

  count(values: number): void {
    this.#valuesLeft -= values;
    if (this.#valuesLeft < 0) throw badRecord('more values than its bytes can hold');
  }

  within<Value>(read: () => Value): Value {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw badRecord(`more than ${DEPTH_MAX} values in one another`);
    const value = read();
    this.#depth -= 1;
    return value;
  }
}

type Read = (from: Reading) => unknown;

const PRIMITIVES: Readonly<Record<string, Read>> = {
  null: () => null,
  boolean: ({ tap }) => tap.readBoolean(),
  int: ({ tap }) => tap.readInt(),
  long: ({ tap }) => exactOrNaN(readWideLong(tap)),
  float: ({ tap }) => tap.readFloat(),
  double: ({ tap }) => tap.readDouble(),
  bytes: ({ tap }) => tap.readBytes(),
  string: ({ tap }) => tap.readString(),
};

const LONG_BYTES_MAX = 10;

/** An integer of up to 64 bits; beyond 2^53 the nearest that JavaScript can hold. */
const readWideLong = (tap: ReadingTap): number => {
  let magnitude = 0;
  let sign = 0;
  let scale = 0.5;
  for (let count = 0, byte = 128; byte >= 128; count += 1, scale *= 128) {
    if (count === LONG_BYTES_MAX) throw badRecord(`a number of more than ${LONG_BYTES_MAX} bytes`);
    if (tap.bytesLeft === 0) throw badRecord('an end in the middle of a number');
    byte = tap.buf[tap.pos++]!;
    if (count === 0) sign = byte & 1;
    magnitude += (byte & (count === 0 ? 126 : 127)) * scale;
  }
  return sign === 0 ? magnitude : -magnitude - 1;
};

const exactOrNaN = (value: number): number => (Number.isSafeInteger(value) ? value : Number.NaN);

/** How many of its units make a millisecond. */
const TIME_UNITS: Readonly<Record<string, number>> = {
  'timestamp-millis': 1,
  'timestamp-micros': 1_000,
  'timestamp-nanos': 1_000_000,
};

const readTime =
  (unitsPerMs: number): Read =>
  ({ tap }) => {
    const ms = Math.floor(readWideLong(tap) / unitsPerMs);
    if (Math.abs(ms) > TIME_MAX_MS) throw badRecord(`${ms} ms since 1970 for a time`);
    return formatTime(ms as EpochMs);
  };

interface Definition {
  readonly type?: unknown;
  readonly name?: unknown;
  readonly namespace?: unknown;
  readonly logicalType?: unknown;
  readonly fields?: unknown;
  readonly symbols?: unknown;
  readonly items?: unknown;
  readonly values?: unknown;
  readonly size?: unknown;
}

interface Place {
  readonly namespace: string;
  readonly depth: number;
}

class Compiler {
  readonly #schemaId: number;
  readonly #named = new Map<string, Read>();
  #types = 0;

  constructor(schemaId: number) {
    this.#schemaId = schemaId;
  }

  typeOf(schema: unknown, place: Place): Read {
    this.#types += 1;
    if (this.#types > TYPES_MAX) throw this.#bad(`more than ${TYPES_MAX} types`);
    if (place.depth > DEPTH_MAX) throw this.#bad(`more than ${DEPTH_MAX} types in one another`);
    const inner = { ...place, depth: place.depth + 1 };
    if (typeof schema === 'string') return this.#nameOf(schema, place);
    if (Array.isArray(schema)) return this.#unionOf(schema, inner);
    if (typeof schema !== 'object' || schema === null) throw this.#bad('a type that is none');
    return this.#definitionOf(schema, inner);
  }

  /** Of the record that the whole schema is. */
  fieldsOf(schema: unknown): readonly string[] {
    const { fields, type } = (schema ?? {}) as Definition;
    if (type !== 'record' || !Array.isArray(fields)) throw this.#bad('one that is no record');
    return fields.map(({ name }: Definition) => this.#text(name, 'a field'));
  }

  #nameOf(name: string, { namespace }: Place): Read {
    if (Object.hasOwn(PRIMITIVES, name)) return PRIMITIVES[name]!;
    const full = fullName(name, namespace);
    // It may be defined by now and still be without its reader: a type may hold itself.
    if (!this.#named.has(full)) throw this.#bad(`the unknown type ${shown(name)}`);
    return (from) => this.#named.get(full)!(from);
  }

  #unionOf(branches: readonly unknown[], place: Place): Read {
    const reads = branches.map((branch) => this.typeOf(branch, place));
    return (from) => {
      const branch = from.tap.readInt();
      const read = reads[branch];
      if (read === undefined) throw badRecord(`branch ${branch} of ${reads.length}`);
      return read(from);
    };
  }

  #definitionOf(definition: Definition, place: Place): Read {
    const { type, logicalType } = definition;
    switch (type) {
      case 'record':
        return this.#define(definition, place, (inner) => this.#recordOf(definition, inner));
      case 'enum':
        return this.#define(definition, place, () => this.#enumOf(definition));
      case 'fixed':
        return this.#define(definition, place, () => this.#fixedOf(definition));
      case 'array':
        return blocksOf(this.typeOf(definition.items, place));
      case 'map':
        return entriesOf(this.typeOf(definition.values, place));
      case 'long':
        return typeof logicalType === 'string' && Object.hasOwn(TIME_UNITS, logicalType)
          ? readTime(TIME_UNITS[logicalType]!)
          : PRIMITIVES.long!;
      default:
        return this.typeOf(type, place);
    }
  }

  #define(definition: Definition, place: Place, make: (inner: Place) => Read): Read {
    const name = this.#text(definition.name, 'a name');
    const namespace =
      definition.namespace === undefined ? place.namespace : String(definition.namespace);
    const full = fullName(name, namespace);
    if (this.#named.has(full)) throw this.#bad(`two types of the name ${shown(full)}`);
    this.#named.set(full, () => undefined);
    const read = make({ ...place, namespace: full.slice(0, Math.max(0, full.lastIndexOf('.'))) });
    this.#named.set(full, read);
    return read;
  }

  #recordOf({ fields }: Definition, place: Place): Read {
    if (!Array.isArray(fields)) throw this.#bad('a record without fields');
    const parts = fields.map((field: Definition) => ({
      name: this.#text(field?.name, 'a field'),
      read: this.typeOf(field.type, place),
    }));
    return (from) => {
      from.count(parts.length + 1);
      return from.within(() => {
        // Without a prototype: a field may be called __proto__.
        const record: Record<string, unknown> = Object.create(null);
        for (const { name, read } of parts) record[name] = read(from);
        return record;
      });
    };
  }

  #enumOf({ symbols }: Definition): Read {
    if (!Array.isArray(symbols)) throw this.#bad('an enum without symbols');
    const texts = symbols.map((symbol) => this.#text(symbol, 'a symbol'));
    return ({ tap }) => {
      const index = tap.readInt();
      const text = texts[index];
      if (text === undefined) throw badRecord(`symbol ${index} of ${texts.length}`);
      return text;
    };
  }

  #fixedOf({ size }: Definition): Read {
    if (!Number.isSafeInteger(size) || (size as number) < 0) throw this.#bad('a fixed of no size');
    return ({ tap }) => tap.readFixed(size as number);
  }

  #text(value: unknown, what: string): string {
    if (typeof value === 'string' && value !== '') return value;
    throw this.#bad(`${what} that is no text`);
  }

  #bad(problem: string): FreshetError {
    return badSchema(this.#schemaId, problem);
  }
}

const blocksOf =
  (item: Read): Read =>
  (from) =>
    from.within(() => {
      const values: unknown[] = [];
      for (let left = blockOf(from); left > 0; left = blockOf(from)) {
        for (; left > 0; left -= 1) values.push(item(from));
      }
      return values;
    });

const entriesOf =
  (value: Read): Read =>
  (from) =>
    from.within(() => {
      const values: Record<string, unknown> = Object.create(null);
      for (let left = blockOf(from); left > 0; left = blockOf(from)) {
        for (; left > 0; left -= 1) {
          const key = from.tap.readString();
          values[key] = value(from);
        }
      }
      return values;
    });

const blockOf = (from: Reading): number => {
  const count = from.tap.readBlockCount(1);
  from.count(count);
  return count;
};

const fullName = (name: string, namespace: string): string =>
  name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;

const shown = (name: string): string => JSON.stringify(name.slice(0, 80));
