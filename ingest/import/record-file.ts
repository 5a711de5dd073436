/** Rows with named fields out of one file: CSV (any usual delimiter), NDJSON, or a JSON array. */
import { FreshetError } from '../../schemas/errors.ts';
import { CsvReader } from './csv-reader.ts';
import type { ReadingContext } from './dataset.ts';
import { readLines } from './line-reader.ts';
import type { SourceFile } from './source-files.ts';
import { delimiterOf } from './table-reader.ts';

/** A field by its name; lists come as they are from JSON and as text from CSV. */
export type RecordRow = ReadonlyMap<string, unknown>;
export type TakeRow = (row: RecordRow, line: number) => void;

/** A whole JSON file is read into memory. */
const JSON_BYTES_MAX = 256 * 1024 * 1024;

export const readRecords = (
  file: SourceFile,
  context: ReadingContext,
  take: TakeRow,
): Promise<void> => {
  if (/\.(ndjson|jsonl)$/.test(file.name)) return readNdjson(file, context, take);
  if (/\.json$/.test(file.name)) return readJson(file, context, take);
  return readCsvRecords(file, context, take);
};

const readNdjson = async (
  file: SourceFile,
  { problems, onBytes }: ReadingContext,
  take: TakeRow,
): Promise<void> => {
  const read = await readLines(
    file,
    (text, line) => {
      if (text.trim() === '') return;
      const row = objectOf(text);
      if (row) take(row, line);
      else problems.broken('a line that is no JSON object', `${file.name}:${line}`, text);
    },
    onBytes,
  );
  problems.otherEncoding(file.name, read.otherEncoding);
};

const objectOf = (text: string): RecordRow | undefined => {
  try {
    return rowOf(JSON.parse(text));
  } catch {
    return undefined;
  }
};

const rowOf = (value: unknown): RecordRow | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : undefined;

const readJson = async (
  file: SourceFile,
  { problems, onBytes }: ReadingContext,
  take: TakeRow,
): Promise<void> => {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of await file.open()) {
    bytes += (piece as Buffer).length;
    if (bytes > JSON_BYTES_MAX) {
      const got = 'more; write it as NDJSON';
      throw new FreshetError('bad_file', { expected: '256 MiB at most', path: file.path, got });
    }
    pieces.push(piece as Buffer);
    await onBytes((piece as Buffer).length);
  }
  jsonList(file, Buffer.concat(pieces)).forEach((value, index) => {
    const row = rowOf(value);
    if (row) take(row, index + 1);
    else
      problems.broken('an element that is no object', `${file.name}:${index + 1}`, String(value));
  });
};

const jsonList = (file: SourceFile, bytes: Buffer): readonly unknown[] => {
  const wrong = (got: string, cause?: unknown): FreshetError =>
    new FreshetError('bad_file', { expected: 'a JSON array', path: file.path, got }, { cause });
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw wrong((cause as Error).message, cause);
  }
  const list = Array.isArray(value) ? value : (value as { items?: unknown } | null)?.items;
  if (!Array.isArray(list)) throw wrong('something else');
  return list;
};

const readCsvRecords = async (
  file: SourceFile,
  { problems, onBytes }: ReadingContext,
  take: TakeRow,
): Promise<void> => {
  let header: readonly string[] | undefined;
  let reader: CsvReader | undefined;
  const onRow = ({ fields, line }: { fields: readonly string[]; line: number }): void => {
    if (header === undefined) header = fields.map((name) => name.trim());
    else if (fields.length === header.length) take(namedFields(header, fields), line);
    else {
      const problem = `a row with another number of fields than the header's ${header.length}`;
      problems.broken(problem, `${file.name}:${line}`, fields.join(','));
    }
  };
  const onBroken = (problem: string, line: number, text: string): void =>
    problems.broken(problem, `${file.name}:${line}`, text);
  const read = await readLines(
    file,
    (text, line) => {
      reader ??= new CsvReader({ delimiter: delimiterOf(text), onRow, onBroken });
      reader.take(text, line);
    },
    onBytes,
  );
  reader?.end();
  problems.otherEncoding(file.name, read.otherEncoding);
};

const namedFields = (header: readonly string[], fields: readonly string[]): RecordRow =>
  new Map(header.map((name, index) => [name, fields[index]]));
