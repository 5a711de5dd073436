/**
 * Items out of a feed (CSV, NDJSON or JSON). Columns with the names of an item's fields, or their usual
 * other names, become those; every other column becomes an attribute.
 */
import { FreshetError } from '../../schemas/errors.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import type { AttributeValue } from '../../schemas/records.ts';
import { type ImportedItem, newItem } from '../import/dataset.ts';
import { cleanItem } from '../import/item-cleaning.ts';
import { listOf } from '../import/mapped-file.ts';
import type { ProblemLog } from '../import/problem-log.ts';
import { type RecordRow, readRecords } from '../import/record-file.ts';
import { openSourceFiles } from '../import/source-files.ts';
import { parseTimeValue } from '../import/time-value.ts';

const FIELDS = {
  itemId: ['itemid', 'id', 'sku'],
  title: ['title', 'name'],
  categories: ['categories', 'category', 'genres', 'genre'],
  tags: ['tags', 'keywords'],
  people: ['people', 'authors', 'author', 'artist'],
  publishedAt: ['publishedat', 'published', 'released', 'releasedate'],
  availableFrom: ['availablefrom'],
  expiresAt: ['expiresat', 'expires'],
  available: ['available', 'instock'],
  price: ['price'],
  hidden: ['hidden'],
  image: ['image', 'imageurl', 'poster'],
  attributes: ['attributes'],
} as const satisfies Record<string, readonly string[]>;
type Field = keyof typeof FIELDS;

const FIELD_OF: ReadonlyMap<string, Field> = new Map(
  Object.entries(FIELDS).flatMap(([field, names]) =>
    names.map((name) => [name, field as Field] as const),
  ),
);

const fieldOf = (column: string): Field | undefined =>
  FIELD_OF.get(column.toLowerCase().replace(/[^a-z]/g, ''));

export const readItemFeed = async (
  path: string,
  problems: ProblemLog,
): Promise<ReadonlyMap<string, ImportedItem>> => {
  const source = await openSourceFiles(path);
  const [file, ...others] = source.files;
  try {
    if (!file || others.length > 0) {
      const got = file ? 'several' : 'none';
      throw new FreshetError('bad_file', { expected: 'one CSV, NDJSON or JSON file', path, got });
    }
    const items = new Map<string, ImportedItem>();
    await readRecords(file, { problems, onBytes: () => undefined }, (row, line) => {
      const place = `${file.name}:${line}`;
      const item = itemOf(row, problems, place);
      if (!item) return;
      if (items.has(item.itemId)) {
        problems.cleaned('an item that is there twice, the last kept', place, item.itemId);
      }
      items.set(item.itemId, item);
    });
    return items;
  } finally {
    source.close();
  }
};

/** A feed decides what is withdrawn, so a line that cannot be read is a broken line and no item. */
const itemOf = (row: RecordRow, problems: ProblemLog, place: string): ImportedItem | undefined => {
  const fields = new Map<Field, unknown>();
  const attributes: [string, AttributeValue][] = [];
  for (const [column, value] of row) {
    const field = fieldOf(column);
    if (field === undefined || fields.has(field)) attributes.push(...attributeOf(column, value));
    else if (value !== null && value !== undefined && value !== '') fields.set(field, value);
  }
  const text = (field: Field): string => String(fields.get(field) ?? '').trim();
  if (text('itemId') === '' || text('title') === '') {
    problems.broken('an item without an id or a title', place, [...row.values()].join(', '));
    return undefined;
  }
  const times = timesOf(text);
  if (!times) {
    problems.broken('a time that cannot be read', place, text('itemId'));
    return undefined;
  }
  const price = text('price') === '' ? null : Number(text('price'));
  if (price !== null && !(price >= 0 && Number.isFinite(price))) {
    problems.broken('a price that is no number from 0 on', place, text('price'));
    return undefined;
  }
  const item = newItem(text('itemId'), {
    title: text('title'),
    categories: listOf(fields.get('categories')),
    tags: listOf(fields.get('tags')),
    people: listOf(fields.get('people')),
    attributes: Object.fromEntries([...attributes, ...objectAttributes(fields.get('attributes'))]),
    image: text('image') === '' ? null : text('image'),
    price,
  });
  const cleaned = {
    ...item,
    ...times,
    available: !isFalse(text('available')),
    hidden: isTrue(text('hidden')),
  };
  return cleanItem(cleaned, problems);
};

const timesOf = (
  text: (field: Field) => string,
): Pick<ImportedItem, 'publishedAt' | 'availableFrom' | 'expiresAt'> | undefined => {
  const times = (['publishedAt', 'availableFrom', 'expiresAt'] as const).map((field) =>
    text(field) === '' ? null : parseTimeValue(text(field)),
  );
  if (times.some((time) => time !== null && Number.isNaN(time))) return undefined;
  const [publishedAt, availableFrom, expiresAt] = times as [
    EpochMs | null,
    EpochMs | null,
    EpochMs | null,
  ];
  return { publishedAt, availableFrom, expiresAt };
};

const isTrue = (text: string): boolean => /^(true|yes|1)$/i.test(text);
const isFalse = (text: string): boolean => /^(false|no|0)$/i.test(text);

const NUMBER = /^-?(0|[1-9]\d{0,14})(\.\d{1,15})?$/;

/** Text that is a number is meant as one: filters compare `year >= 1990`. */
const attributeOf = (name: string, value: unknown): [string, AttributeValue][] => {
  if (typeof value === 'number' || typeof value === 'boolean') return [[name, value]];
  if (typeof value !== 'string' || value.trim() === '') return [];
  const text = value.trim();
  return [[name, NUMBER.test(text) ? Number(text) : text]];
};

const objectAttributes = (given: unknown): [string, AttributeValue][] =>
  typeof given === 'object' && given !== null
    ? Object.entries(given).filter((entry): entry is [string, AttributeValue] =>
        ['string', 'number', 'boolean'].includes(typeof entry[1]),
      )
    : [];
