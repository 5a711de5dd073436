/**
 * Which column of a file is which field of an event or item: `userId=user,itemId=movie,kind:=click`.
 * `field=column` takes a column, `field:=text` says the same for every row. Without a map the usual
 * names are looked for.
 */
import { FreshetError } from '../../schemas/errors.ts';

export const MAPPED_FIELDS = [
  'userId',
  'sessionId',
  'itemId',
  'kind',
  'value',
  'occurredAt',
  'title',
  'categories',
  'tags',
  'people',
  'publishedAt',
  'price',
  'image',
] as const;
export type MappedField = (typeof MAPPED_FIELDS)[number];

export interface ColumnMap {
  readonly columns: ReadonlyMap<MappedField, string>;
  readonly constants: ReadonlyMap<MappedField, string>;
}

/** Names that files have for the fields, in lower case without separators. */
const USUAL_NAMES: Readonly<Record<MappedField, readonly string[]>> = {
  userId: ['userid', 'user', 'uid', 'customerid', 'visitorid', 'personid'],
  sessionId: ['sessionid', 'session'],
  itemId: ['itemid', 'item', 'movieid', 'productid', 'articleid', 'trackid', 'bookid', 'sku'],
  kind: ['kind', 'event', 'eventtype', 'action', 'type'],
  value: ['value', 'rating', 'stars', 'score'],
  occurredAt: ['occurredat', 'timestamp', 'time', 'ts', 'date', 'datetime', 'createdat'],
  title: ['title', 'name'],
  categories: ['categories', 'category', 'genres', 'genre'],
  tags: ['tags', 'keywords'],
  people: ['people', 'authors', 'author', 'artist', 'director'],
  publishedAt: ['publishedat', 'released', 'releasedate', 'published'],
  price: ['price'],
  image: ['image', 'imageurl', 'poster'],
};

export const parseColumnMap = (text: string): ColumnMap => {
  const columns = new Map<MappedField, string>();
  const constants = new Map<MappedField, string>();
  for (const pair of text.split(',')) {
    const match = /^\s*(\w+)\s*(:?=)(.*)$/.exec(pair);
    const field = MAPPED_FIELDS.find((name) => name === match?.[1]);
    const given = match?.[3]?.trim() ?? '';
    if (!match || field === undefined || given === '') throw wrongMap(pair);
    (match[2] === ':=' ? constants : columns).set(field, given);
  }
  return { columns, constants };
};

/** The usual names found in a header; an event file needs an item and somebody at least. */
export const guessColumnMap = (header: readonly string[]): ColumnMap => {
  const plain = header.map((name) => name.toLowerCase().replace(/[^a-z]/g, ''));
  const columns = new Map<MappedField, string>();
  for (const field of MAPPED_FIELDS) {
    const index = USUAL_NAMES[field].map((name) => plain.indexOf(name)).find((at) => at >= 0);
    if (index !== undefined) columns.set(field, header[index]!);
  }
  if (columns.has('userId')) columns.delete('sessionId');
  return { columns, constants: new Map() };
};

const wrongMap = (pair: string): FreshetError =>
  new FreshetError('bad_usage', {
    problem:
      `Expected a map such as userId=user,itemId=movie,kind:=click with the fields ${MAPPED_FIELDS.join(', ')}, ` +
      `got ${JSON.stringify(pair)}.`,
  });
