/**
 * Tables of text: rows with named columns, out of CSV (a header, quotes) or of files with a plain
 * separator such as `::` (names given). A row of another number of fields is reported and left out.
 */
import { FreshetError } from '../../schemas/errors.ts';
import { CsvReader, type CsvRow } from './csv-reader.ts';
import type { ReadingContext } from './dataset.ts';
import { readLines } from './line-reader.ts';
import type { SourceFile } from './source-files.ts';

export interface TableRow {
  readonly fields: readonly string[];
  readonly line: number;
}

/** Where each column that is asked for stands; −1 for an optional one that is not there. */
export type ColumnIndices<Column extends string> = Readonly<Record<Column, number>>;

export interface CsvTable<Column extends string> {
  readonly file: SourceFile;
  readonly required: readonly Column[];
  readonly optional?: readonly Column[];
  /** Found from the header line where left out. */
  readonly delimiter?: string;
  readonly onRow: (row: TableRow, columns: ColumnIndices<Column>) => void;
}

export const readCsv = async <Column extends string>(
  table: CsvTable<Column>,
  context: ReadingContext,
): Promise<void> => {
  const { file } = table;
  const { problems } = context;
  let columns: ColumnIndices<Column> | undefined;
  let width = 0;
  let reader: CsvReader | undefined;
  const onRow = ({ fields, line }: CsvRow): void => {
    if (columns === undefined) {
      columns = findColumns(table, fields);
      width = fields.length;
    } else if (fields.length !== width) {
      const problem = `a row with another number of fields than the header's ${width}`;
      problems.broken(problem, `${file.name}:${line}`, fields.join(','));
    } else table.onRow({ fields, line }, columns);
  };
  const onBroken = (problem: string, line: number, text: string): void =>
    problems.broken(problem, `${file.name}:${line}`, text);
  const read = await readLines(
    file,
    (text, line) => {
      reader ??= new CsvReader({
        delimiter: table.delimiter ?? delimiterOf(text),
        onRow,
        onBroken,
      });
      reader.take(text, line);
    },
    context.onBytes,
  );
  reader?.end();
  if (columns === undefined) throw badTable(file, 'a header line', 'none');
  problems.otherEncoding(file.name, read.otherEncoding);
};

/** Tables without a header, whose separator never occurs in a field. */
export const readSeparated = async (
  table: {
    readonly file: SourceFile;
    readonly separator: string;
    readonly fieldsMin: number;
    readonly onRow: (row: TableRow) => void;
  },
  context: ReadingContext,
): Promise<void> => {
  const { file, separator, fieldsMin } = table;
  const read = await readLines(
    file,
    (text, line) => {
      if (text === '') return;
      const fields = text.split(separator);
      if (fields.length >= fieldsMin) table.onRow({ fields, line });
      else {
        const problem = `a row with fewer than ${fieldsMin} fields`;
        context.problems.broken(problem, `${file.name}:${line}`, text);
      }
    },
    context.onBytes,
  );
  context.problems.otherEncoding(file.name, read.otherEncoding);
};

const findColumns = <Column extends string>(
  { file, required, optional = [] }: CsvTable<Column>,
  header: readonly string[],
): ColumnIndices<Column> => {
  const names = header.map((name) => name.trim().toLowerCase());
  const missing = required.filter((column) => !names.includes(column.toLowerCase()));
  if (missing.length > 0) {
    throw badTable(file, `the columns ${missing.join(', ')}`, `only ${header.join(', ')}`);
  }
  const indices = Object.create(null) as Record<Column, number>;
  for (const column of [...required, ...optional]) {
    indices[column] = names.indexOf(column.toLowerCase());
  }
  return indices;
};

const DELIMITERS = [',', ';', '\t', '|'];

/** The one that the header holds most of. */
export const delimiterOf = (header: string): string => {
  const count = (delimiter: string): number => header.split(delimiter).length;
  return DELIMITERS.reduce((best, other) => (count(other) > count(best) ? other : best));
};

export const badTable = (file: SourceFile, expected: string, got: string): FreshetError =>
  new FreshetError('bad_file', { expected, path: file.path, got });
