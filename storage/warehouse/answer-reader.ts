/**
 * Reads answers in JSONCompactEachRowWithNamesAndTypes: a line of names, a line of types, then one
 * array a line. Whole runs of lines go through one JSON.parse, which is what makes it fast; then
 * the columns whose JSON form is not their JavaScript form (see the port's table) are converted.
 *
 * A statement may fail after its first rows are out. ClickHouse then appends the error behind a
 * carriage return, a byte that JSON text never contains raw.
 */
import { extractErrorAtTheEndOfChunk, parseError } from '@clickhouse/client';
import { type ColumnType, parseColumnType } from './column-type.ts';
import type { Row } from './warehouse.ts';

export const ANSWER_FORMAT = 'JSONCompactEachRowWithNamesAndTypes';

/** Settings that pin down the text forms that this reader expects. */
export const ANSWER_SETTINGS = {
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_denormals: 1,
  output_format_json_quote_decimals: 1,
  output_format_json_named_tuples_as_objects: 0,
  output_format_json_map_as_array_of_tuples: 1,
  output_format_json_validate_utf8: 1,
  date_time_output_format: 'iso',
} as const;

type Convert = (cell: unknown) => unknown;

interface AnswerColumn {
  readonly name: string;
  /** Undefined where JSON's own form is the right one. */
  readonly convert: Convert | undefined;
}

const NEW_LINE = 10;
const CARRIAGE_RETURN = 13;

export class AnswerReader {
  readonly #exceptionTag: string | undefined;
  #names: readonly string[] | undefined;
  #columns: readonly AnswerColumn[] | undefined;
  #rest: Buffer = Buffer.alloc(0);

  constructor(exceptionTag: string | undefined) {
    this.#exceptionTag = exceptionTag;
  }

  /** The rows that are complete with this piece of the answer. */
  take(piece: Buffer): readonly Row[] {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    if (bytes.includes(CARRIAGE_RETURN)) {
      this.#rest = bytes;
      return [];
    }
    const end = bytes.lastIndexOf(NEW_LINE) + 1;
    this.#rest = bytes.subarray(end);
    return this.#rowsOf(bytes.toString('utf8', 0, end));
  }

  /** What the server appended where the statement failed midway. */
  failure(): Error | undefined {
    if (!this.#rest.includes(CARRIAGE_RETURN)) return undefined;
    return this.#exceptionTag === undefined
      ? parseError(this.#rest.toString('utf8'))
      : extractErrorAtTheEndOfChunk(this.#rest, this.#exceptionTag);
  }

  /** Call when the answer has ended; throws where it failed midway or was cut off. */
  finish(): void {
    const failure = this.failure();
    if (failure !== undefined) throw failure;
    if (this.#rest.length === 0 && this.#columns !== undefined) return;
    throw parseError(`the answer was cut off after: ${this.#rest.toString('utf8').slice(-200)}`);
  }

  #rowsOf(text: string): readonly Row[] {
    let start = 0;
    while (this.#columns === undefined) {
      if (start >= text.length) return [];
      const end = text.indexOf('\n', start);
      this.#takeHeader(JSON.parse(text.slice(start, end)) as readonly string[]);
      start = end + 1;
    }
    if (start >= text.length) return [];
    const cells = JSON.parse(
      `[${text.slice(start, -1).replaceAll('\n', ',')}]`,
    ) as readonly (readonly unknown[])[];
    return cells.map(this.#toRow);
  }

  #takeHeader(line: readonly string[]): void {
    if (this.#names === undefined) this.#names = line;
    else {
      this.#columns = this.#names.map((name, index) => ({
        name,
        convert: converterOf(parseColumnType(line[index]!), name),
      }));
    }
  }

  readonly #toRow = (cells: readonly unknown[]): Row => {
    const columns = this.#columns!;
    const row: Record<string, unknown> = {};
    for (let index = 0; index < columns.length; index += 1) {
      const { name, convert } = columns[index]!;
      row[name] = convert === undefined ? cells[index] : convert(cells[index]);
    }
    return row;
  };
}

const converterOf = (type: ColumnType, column: string): Convert | undefined => {
  const [first, second] = type.inner;
  switch (type.name) {
    case 'Nullable': {
      const convert = converterOf(first!, column);
      return convert && ((cell) => (cell === null ? null : convert(cell)));
    }
    case 'Array': {
      const convert = converterOf(first!, column);
      return convert && ((cells) => (cells as readonly unknown[]).map(convert));
    }
    case 'Tuple':
      return tupleConverter(type.inner.map((inner) => converterOf(inner, column)));
    case 'Map':
      return mapConverter(
        converterOf(first!, column) ?? same,
        converterOf(second!, column) ?? same,
      );
    case 'Int64':
    case 'UInt64':
      return (cell) => exactNumber(cell as string, column);
    case 'Int128':
    case 'UInt128':
    case 'Int256':
    case 'UInt256':
      return (cell) => BigInt(cell as string);
    case 'Float32':
    case 'BFloat16':
      // The shortest text that names a 32-bit float names another one in 64 bits.
      return (cell) => Math.fround(floatOf(cell));
    case 'Float64':
      return floatOf;
    case 'DateTime':
    case 'DateTime64':
      return (cell) => timeOf(cell as string);
    default:
      return undefined;
  }
};

const same: Convert = (cell) => cell;

const tupleConverter = (converters: readonly (Convert | undefined)[]): Convert | undefined =>
  converters.every((convert) => convert === undefined)
    ? undefined
    : (cells) =>
        (cells as readonly unknown[]).map((cell, index) => (converters[index] ?? same)(cell));

const mapConverter =
  (convertKey: Convert, convertValue: Convert): Convert =>
  (entries) =>
    new Map(
      (entries as readonly (readonly [unknown, unknown])[]).map(([key, value]) => [
        convertKey(key),
        convertValue(value),
      ]),
    );

const exactNumber = (text: string, column: string): number => {
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  throw new RangeError(
    `Expected integers of at most 2^53 in column ${column}, got ${text}; cast it to UInt128 or Int128`,
  );
};

/** `2026-01-31T12:00:00.123Z`, at fixed places; what is finer than a millisecond is cut off. */
const timeOf = (iso: string): number =>
  Date.UTC(
    digits(iso, 0, 4),
    digits(iso, 5, 7) - 1,
    digits(iso, 8, 10),
    digits(iso, 11, 13),
    digits(iso, 14, 16),
    digits(iso, 17, 19),
    iso[19] === '.' ? digits(iso.slice(0, -1).padEnd(23, '0'), 20, 23) : 0,
  );

const digits = (text: string, start: number, end: number): number => {
  let number = 0;
  for (let index = start; index < end; index += 1) {
    number = number * 10 + text.charCodeAt(index) - 48;
  }
  return number;
};

/** What JSON cannot say comes quoted: nan, inf, -inf. */
const floatOf = (cell: unknown): number => {
  if (typeof cell === 'number') return cell;
  if (cell === 'nan' || cell === '-nan') return Number.NaN;
  return cell === '-inf' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
};
