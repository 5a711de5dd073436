/**
 * avsc's types with the checks that it lacks: counts against the bytes left, numbers that are
 * finite, integers that JavaScript holds exactly, times that a calendar knows, signs that are signs,
 * and maps that become objects without a prototype, so that `__proto__` is a key like any other.
 *
 * Reading and writing override what avsc calls `_read`, `_skip`, `_write` and `_check`. These are not
 * in its typings; the version is pinned, and the tests of the codec notice if they change.
 */
import avro from 'avsc';
import { badRecord, type ReadingTap, type WritingTap } from './bounded-tap.ts';

const { Type, types } = avro;
export type AvroType = avro.Type;

/** What avsc's types do behind their typings. */
export interface Wire {
  _read(tap: ReadingTap): unknown;
  _skip(tap: ReadingTap): void;
  _write(tap: WritingTap, value: unknown): void;
}

export const wireOf = (type: AvroType): Wire => type as AvroType & Wire;

type Report = (value: unknown, type: AvroType) => void;

/** avsc's way of saying where in a record a value is wrong. */
const reported = (
  isValid: boolean,
  { value, type, report }: { value: unknown; type: AvroType; report: Report | undefined },
): boolean => {
  if (!isValid) report?.(value, type);
  return isValid;
};

/** From the year 0 to 9999, what RFC 3339 can say. */
const TIME_MIN = -62_167_219_200_000;
const TIME_MAX = 253_402_300_799_999;

const isTime = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= TIME_MIN && (value as number) <= TIME_MAX;

class FiniteDouble extends types.DoubleType {
  _read(tap: ReadingTap): number {
    const value = tap.readDouble();
    if (!Number.isFinite(value)) throw badRecord(`${value} for a number`);
    return value;
  }

  _write(tap: WritingTap, value: unknown): void {
    if (!Number.isFinite(value)) throw badRecord(`${show(value)} for a number`);
    tap.writeDouble(value as number);
  }

  _check(value: unknown, _flags: unknown, report?: Report): boolean {
    return reported(Number.isFinite(value), { value, type: this, report });
  }
}

class SafeLong extends types.LongType {
  _read(tap: ReadingTap): number {
    return tap.readLong();
  }

  _write(tap: WritingTap, value: unknown): void {
    if (!Number.isSafeInteger(value)) throw badRecord(`${show(value)} for an integer below 2^53`);
    tap.writeLong(value as number);
  }

  _check(value: unknown, _flags: unknown, report?: Report): boolean {
    return reported(Number.isSafeInteger(value), { value, type: this, report });
  }
}

class Time extends types.LongType {
  _read(tap: ReadingTap): number {
    const value = tap.readLong();
    if (value < TIME_MIN || value > TIME_MAX) throw badRecord(`${value} for a time`);
    return value;
  }

  _write(tap: WritingTap, value: unknown): void {
    if (!isTime(value)) throw badRecord(`${show(value)} for a time`);
    tap.writeLong(value);
  }

  _check(value: unknown, _flags: unknown, report?: Report): boolean {
    return reported(isTime(value), { value, type: this, report });
  }
}

class Int extends types.IntType {
  _write(tap: WritingTap, value: unknown): void {
    if (value !== ((value as number) | 0)) throw badRecord(`${show(value)} for a 32-bit integer`);
    tap.writeLong(value as number);
  }
}

class Sign extends types.IntType {
  _read(tap: ReadingTap): number {
    const value = tap.readLong();
    if (value !== 1 && value !== -1) throw badRecord(`${value} for a sign`);
    return value;
  }

  _write(tap: WritingTap, value: unknown): void {
    if (value !== 1 && value !== -1) throw badRecord(`${show(value)} for a sign`);
    tap.writeLong(value);
  }

  _check(value: unknown, _flags: unknown, report?: Report): boolean {
    return reported(value === 1 || value === -1, { value, type: this, report });
  }
}

class Text extends types.StringType {
  _write(tap: WritingTap, value: unknown): void {
    if (typeof value !== 'string') throw badRecord(`${show(value)} for a text`);
    tap.writeString(value);
  }
}

class Bytes extends types.BytesType {
  _write(tap: WritingTap, value: unknown): void {
    if (!(value instanceof Uint8Array)) throw badRecord(`${show(value)} for bytes`);
    tap.writeBytes(value);
  }

  _check(value: unknown, _flags: unknown, report?: Report): boolean {
    return reported(value instanceof Uint8Array, { value, type: this, report });
  }
}

/** A union of null and one other type: whatever is not null must be of the other. */
class Nullable extends types.UnwrappedUnionType {
  _getIndex(value: unknown): number {
    return value === null ? 0 : 1;
  }

  _skip(tap: ReadingTap): void {
    wireOf(this)._read(tap);
  }
}

class GuardedUnion extends types.UnwrappedUnionType {
  _skip(tap: ReadingTap): void {
    wireOf(this)._read(tap);
  }
}

/** `this` is a resolver instead of the array when an older version is read. */
interface ItemsHolder {
  readonly itemsType: Wire;
}

class GuardedArray extends types.ArrayType {
  _read(this: ItemsHolder, tap: ReadingTap): unknown[] {
    const { itemsType } = this;
    const values: unknown[] = [];
    for (let left = tap.readBlockCount(1); left > 0; left = tap.readBlockCount(1)) {
      for (; left > 0; left--) values.push(itemsType._read(tap));
    }
    return values;
  }

  _skip(tap: ReadingTap): void {
    const { itemsType } = this as unknown as ItemsHolder;
    for (let left = tap.readBlockCount(1); left > 0; left = tap.readBlockCount(1)) {
      for (; left > 0; left--) itemsType._skip(tap);
    }
  }
}

interface ValuesHolder {
  readonly valuesType: Wire;
}

class GuardedMap extends types.MapType {
  _read(this: ValuesHolder, tap: ReadingTap): Record<string, unknown> {
    const { valuesType } = this;
    const values: Record<string, unknown> = Object.create(null);
    for (let left = tap.readBlockCount(2); left > 0; left = tap.readBlockCount(2)) {
      for (; left > 0; left--) {
        const key = tap.readString();
        values[key] = valuesType._read(tap);
      }
    }
    return values;
  }

  _skip(tap: ReadingTap): void {
    const { valuesType } = this as unknown as ValuesHolder;
    for (let left = tap.readBlockCount(2); left > 0; left = tap.readBlockCount(2)) {
      for (; left > 0; left--) {
        tap.skipString();
        valuesType._skip(tap);
      }
    }
  }
}

type SchemaOptions = Partial<avro.ForSchemaOptions>;
type Guarded = new (schema: unknown, options: SchemaOptions) => AvroType;

const LOGICAL: Readonly<Record<string, Guarded>> = {
  'timestamp-millis': Time as Guarded,
  sign: Sign as Guarded,
};

const GUARDED: Readonly<Record<string, Guarded>> = {
  double: FiniteDouble as Guarded,
  long: SafeLong as Guarded,
  int: Int as Guarded,
  string: Text as Guarded,
  bytes: Bytes as Guarded,
  array: GuardedArray as Guarded,
  map: GuardedMap as Guarded,
};

/** The guarded twin of a schema, or undefined where avsc's own type will do. */
const guardedType = (schema: unknown, options: SchemaOptions): AvroType | undefined => {
  if (Array.isArray(schema)) {
    const isNullable = schema.length === 2 && schema[0] === 'null';
    return new ((isNullable ? Nullable : GuardedUnion) as unknown as Guarded)(schema, options);
  }
  if (typeof schema === 'string') {
    const named = GUARDED[schema];
    return named && new named({ type: schema }, options);
  }
  const { type, logicalType } = schema as { type: string; logicalType?: string };
  const guarded = (logicalType && LOGICAL[logicalType]) || GUARDED[type];
  return guarded && new guarded(schema, options);
};

/** An Avro type whose reading trusts nothing. */
export const guardedTypeOf = (schema: object): AvroType =>
  Type.forSchema(schema as Parameters<typeof Type.forSchema>[0], {
    omitRecordMethods: true,
    typeHook: guardedType as unknown as avro.ForSchemaOptions['typeHook'],
  });

const show = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value);
