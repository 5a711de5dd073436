/**
 * Any CSV, NDJSON or JSON file with a map of its columns, as a data set of events, and of items too
 * where the map names a title.
 */
import { FreshetError } from '../../schemas/errors.ts';
import type { ColumnMap, MappedField } from './column-map.ts';
import { guessColumnMap } from './column-map.ts';
import {
  type Dataset,
  type ImportedEvent,
  type ImportedItem,
  newItem,
  type ReadingContext,
} from './dataset.ts';
import { ProblemLog, shownLine } from './problem-log.ts';
import { type RecordRow, readRecords } from './record-file.ts';
import type { SourceFile, SourceFiles } from './source-files.ts';
import { parseTimeValue } from './time-value.ts';

export interface MappedFileOptions {
  readonly map?: ColumnMap;
  /** Of several in a folder or zip. */
  readonly file?: string;
}

const READABLE = /\.(csv|tsv|txt|ndjson|jsonl|json)$/;

/** Undefined where no file could be meant. */
export const openMappedFile = async (
  source: SourceFiles,
  { map, file: wanted }: MappedFileOptions,
): Promise<Dataset | undefined> => {
  const readable = source.files.filter(({ name }) => READABLE.test(name));
  const file = wanted
    ? readable.find(({ name }) => name === wanted.toLowerCase())
    : readable.length === 1
      ? readable[0]
      : undefined;
  if (!file) return undefined;
  const header = await headerOf(file);
  const found = map ?? guessColumnMap(header);
  checkMap(file, found, header);
  return mappedDataset(file, found);
};

const mappedDataset = (file: SourceFile, map: ColumnMap): Dataset => {
  const hasItems = map.columns.has('title');
  return {
    format: `${file.name} (${describeMap(map)})`,
    bytes: file.bytes * (hasItems ? 2 : 1),
    eventBytes: file.bytes,
    notes: [],
    readItems: async (context) => (hasItems ? readItems(file, map, context) : []),
    readEvents: (context, take) =>
      readRecords(file, context, (row, line) => take(eventOf(row, map, { file: file.name, line }))),
  };
};

const describeMap = ({ columns, constants }: ColumnMap): string =>
  [
    ...[...columns].map(([field, column]) => `${field}=${column}`),
    ...[...constants].map(([field, text]) => `${field}:=${text}`),
  ].join(', ');

/** Names of the columns, from the first row. */
const headerOf = async (file: SourceFile): Promise<readonly string[]> => {
  let header: readonly string[] | undefined;
  const enough = new Error('read enough');
  const context = {
    problems: new ProblemLog(Number.POSITIVE_INFINITY),
    onBytes: () => undefined,
  };
  try {
    await readRecords(file, context, (row) => {
      header = [...row.keys()];
      throw enough;
    });
  } catch (error) {
    if (error !== enough) throw error;
  }
  return header ?? [];
};

const checkMap = (file: SourceFile, map: ColumnMap, header: readonly string[]): void => {
  const missing = [...map.columns.values()].filter((column) => !header.includes(column));
  const has = (field: MappedField): boolean => map.columns.has(field) || map.constants.has(field);
  if (header.length === 0) {
    const expected = 'rows with named columns';
    throw new FreshetError('bad_file', { expected, path: file.path, got: 'none' });
  }
  const got = `the columns ${shownLine(header.join(', '))}`;
  if (missing.length > 0) {
    const expected = `the columns ${missing.join(', ')}`;
    throw new FreshetError('bad_file', { expected, path: file.path, got });
  }
  if (has('itemId') && (has('userId') || has('sessionId')) && has('occurredAt')) return;
  throw new FreshetError('bad_file', {
    expected:
      'columns for itemId, occurredAt and userId or sessionId (say which with --map userId=…,itemId=…,occurredAt=…)',
    path: file.path,
    got,
  });
};

const eventOf = (
  row: RecordRow,
  map: ColumnMap,
  place: { readonly file: string; readonly line: number },
): ImportedEvent => {
  const text = textReader(row, map);
  const value = text('value');
  return {
    userId: text('userId') ?? null,
    sessionId: text('sessionId') ?? null,
    itemId: text('itemId') ?? '',
    kind: text('kind') ?? (value === undefined ? 'click' : 'rating'),
    value: value === undefined ? null : Number(value),
    time: parseTimeValue(text('occurredAt') ?? ''),
    ...place,
  };
};

/** Fields as text; undefined where there is nothing in them. */
const textReader =
  (row: RecordRow, { columns, constants }: ColumnMap) =>
  (field: MappedField): string | undefined => {
    const column = columns.get(field);
    const given = column === undefined ? constants.get(field) : row.get(column);
    if (given === undefined || given === null || given === '') return undefined;
    return typeof given === 'object' ? JSON.stringify(given) : String(given);
  };

const readItems = async (
  file: SourceFile,
  map: ColumnMap,
  context: ReadingContext,
): Promise<readonly ImportedItem[]> => {
  const items = new Map<string, ImportedItem>();
  // The same rows are read again as events, which is when their problems are told.
  const quiet = { ...context, problems: new ProblemLog(Number.POSITIVE_INFINITY) };
  await readRecords(file, quiet, (row) => {
    const text = textReader(row, map);
    const itemId = text('itemId');
    const title = text('title');
    if (itemId === undefined || title === undefined || items.has(itemId)) return;
    const list = (field: MappedField): readonly string[] =>
      listOf(row.get(map.columns.get(field) ?? ''));
    const publishedAt = parseTimeValue(text('publishedAt') ?? '');
    const price = Number(text('price') ?? Number.NaN);
    items.set(
      itemId,
      newItem(itemId, {
        title,
        categories: list('categories'),
        tags: list('tags'),
        people: list('people'),
        publishedAt: Number.isNaN(publishedAt)
          ? null
          : (publishedAt as ImportedItem['publishedAt']),
        price: Number.isFinite(price) && price >= 0 ? price : null,
        image: text('image') ?? null,
      }),
    );
  });
  return [...items.values()];
};

/** A list from JSON, or text with `|` or `;` between. */
export const listOf = (value: unknown): readonly string[] => {
  if (Array.isArray(value)) return value.map(String);
  if (typeof value !== 'string' || value === '') return [];
  return value.split(/[|;]/).map((name) => name.trim());
};
