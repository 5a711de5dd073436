/** What `freshet export` wrote, as a data set: all items as they were, and every event that counted. */
import { FreshetError } from '../../schemas/errors.ts';
import {
  EXPORT_FORMAT,
  type ExportEnd,
  type ExportedEvent,
  type ExportHead,
} from '../../schemas/export-lines.ts';
import type { Dataset, ImportedEvent, ImportedItem, ReadingContext } from './dataset.ts';
import { readLines } from './line-reader.ts';
import type { SourceFile, SourceFiles } from './source-files.ts';

const FIRST_LINE = /^\{"freshetExport":/;

/** Undefined where the source is no export. */
export const openFreshetExport = async (source: SourceFiles): Promise<Dataset | undefined> => {
  const [file, ...others] = source.files;
  if (file === undefined || others.length > 0 || !file.name.endsWith('.ndjson')) return undefined;
  const head = await headOf(file);
  if (head === undefined) return undefined;
  if (head.freshetExport > EXPORT_FORMAT) {
    const expected = `an export of format ${EXPORT_FORMAT} or older`;
    throw badExport(file, expected, `one of format ${head.freshetExport}; use a newer Freshet`);
  }
  return {
    format: `an export of ${head.exportedAt}`,
    bytes: file.bytes * 2,
    eventBytes: file.bytes,
    notes: [],
    hasEventsOfOtherItems: true,
    readItems: (context) => readItems(file, context),
    readEvents: (context, take) => readEvents(file, context, take),
  };
};

const badExport = ({ path }: SourceFile, expected: string, got: string): FreshetError =>
  new FreshetError('bad_file', { expected, path, got });

const headOf = async (file: SourceFile): Promise<ExportHead | undefined> => {
  const stream = await file.open();
  let start = '';
  try {
    for await (const piece of stream) {
      start += String(piece);
      if (start.includes('\n') || !FIRST_LINE.test(start)) break;
    }
  } finally {
    stream.destroy();
  }
  if (!FIRST_LINE.test(start)) return undefined;
  return parsed<ExportHead>(start.slice(0, start.indexOf('\n')));
};

const parsed = <Line>(text: string): Line | undefined => {
  try {
    return JSON.parse(text) as Line;
  } catch {
    // Whoever asks says what is wrong.
    return undefined;
  }
};

/** The first time through, so this is where a file that is not whole is noticed. */
const readItems = async (
  file: SourceFile,
  { problems, onBytes }: ReadingContext,
): Promise<readonly ImportedItem[]> => {
  const items: ImportedItem[] = [];
  let events = 0;
  let end: ExportEnd | undefined;
  await readLines(
    file,
    (text, line) => {
      if (text.startsWith('{"event":')) events += 1;
      else if (text.startsWith('{"item":')) {
        const item = parsed<{ item?: ImportedItem }>(text)?.item;
        if (item && isItem(item)) items.push(item);
        else problems.broken('an item that cannot be read', `${file.name}:${line}`, text);
      } else if (text.startsWith('{"end":')) end = parsed<{ end: ExportEnd }>(text)?.end;
    },
    onBytes,
  );
  if (end?.events !== events) {
    const got = end === undefined ? 'one that breaks off' : `${events} events of ${end.events}`;
    throw badExport(file, 'a whole export', got);
  }
  return items;
};

const isItem = (item: ImportedItem): boolean =>
  typeof item.itemId === 'string' &&
  typeof item.title === 'string' &&
  [item.categories, item.tags, item.people].every(isListOfTexts) &&
  typeof item.attributes === 'object' &&
  item.attributes !== null &&
  [item.publishedAt, item.availableFrom, item.expiresAt, item.price].every(isNumberOrNull) &&
  typeof item.available === 'boolean' &&
  typeof item.hidden === 'boolean' &&
  (item.image === null || typeof item.image === 'string');

const isListOfTexts = (list: unknown): boolean =>
  Array.isArray(list) && list.every((text) => typeof text === 'string');

const isNumberOrNull = (value: unknown): boolean => value === null || Number.isFinite(value);

const readEvents = async (
  file: SourceFile,
  { problems, onBytes }: ReadingContext,
  take: (event: ImportedEvent) => void,
): Promise<void> => {
  await readLines(
    file,
    (text, line) => {
      if (!text.startsWith('{"event":')) return;
      const event = parsed<{ event: Partial<ExportedEvent> }>(text)?.event;
      if (event) take(importedEvent(event, { file: file.name, line }));
      else problems.broken('an event that cannot be read', `${file.name}:${line}`, text);
    },
    onBytes,
  );
};

/** What has the wrong type becomes something that the import's checks refuse by name. */
const importedEvent = (
  event: Partial<ExportedEvent>,
  place: { readonly file: string; readonly line: number },
): ImportedEvent => ({
  userId: textOr(event.userId, null),
  sessionId: textOr(event.sessionId, null),
  itemId: textOr(event.itemId, ''),
  kind: textOr(event.kind, ''),
  value: event.value === undefined ? null : numberOf(event.value),
  time: numberOf(event.occurredAt),
  ...place,
});

const textOr = <Other>(value: unknown, other: Other): string | Other =>
  typeof value === 'string' ? value : other;

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : Number.NaN);
