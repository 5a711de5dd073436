/**
 * Kaggle's "The Movies Dataset": metadata, credits and keywords by TMDB id, ratings by MovieLens id,
 * links between the two. Merged by TMDB's id, which becomes the item's. Some columns hold Python
 * literals; a few rows of the metadata are damaged (their fields have slipped), some films are there
 * twice, some ratings lead to no film: all of it is counted.
 */
import type { AttributeValue } from '../../schemas/records.ts';
import {
  type Dataset,
  type ImportedItem,
  newItem,
  type ReadingContext,
  type TakeEvent,
} from './dataset.ts';
import { type PythonValue, parsePythonLiteral } from './python-literal.ts';
import { findFile, type SourceFile, type SourceFiles } from './source-files.ts';
import { readCsv } from './table-reader.ts';
import { parseTimeValue } from './time-value.ts';

const TOP_CAST = 5;
const KEYWORDS_MAX = 30;
const SECOND_MS = 1000;

interface Files {
  readonly metadata: SourceFile;
  readonly credits: SourceFile | undefined;
  readonly keywords: SourceFile | undefined;
  readonly links: SourceFile | undefined;
  readonly ratings: SourceFile | undefined;
}

/** Undefined where the files are not this set. */
export const openKaggleMovies = (source: SourceFiles): Dataset | undefined => {
  const metadata = findFile(source, 'movies_metadata.csv');
  if (!metadata) return undefined;
  const large = findFile(source, 'ratings.csv');
  const small = findFile(source, 'ratings_small.csv');
  const files: Files = {
    metadata,
    credits: findFile(source, 'credits.csv'),
    keywords: findFile(source, 'keywords.csv'),
    links:
      findFile(source, large ? 'links.csv' : 'links_small.csv') ?? findFile(source, 'links.csv'),
    ratings: large ?? small,
  };
  const read = Object.values(files).filter((file): file is SourceFile => file !== undefined);
  return {
    format: 'The Movies Dataset (Kaggle)',
    bytes: read.reduce((sum, { bytes }) => sum + bytes, 0) + (files.links?.bytes ?? 0),
    eventBytes: (files.ratings?.bytes ?? 0) + (files.links?.bytes ?? 0),
    notes: notesOf(files, Boolean(large && small)),
    readItems: (context) => readItems(files, context),
    readEvents: (context, take) => readRatings(files, context, take),
  };
};

const notesOf = (files: Files, hasBothRatings: boolean): readonly string[] => [
  'items have the ids of TMDB',
  ...(hasBothRatings ? ['ratings_small.csv is a part of ratings.csv and is not read again'] : []),
  ...(files.ratings && !files.links
    ? ['without links.csv the ratings cannot be joined to the films, so none are imported']
    : []),
  ...(files.ratings ? [] : ['no ratings among the files: the catalogue alone is imported']),
];

/** A column with a Python literal: undefined, and counted, where it cannot be read. */
const literal = (
  text: string,
  { problems }: ReadingContext,
  place: { readonly file: SourceFile; readonly line: number; readonly column: string },
): PythonValue | undefined => {
  if (text.trim() === '') return undefined;
  const value = parsePythonLiteral(text);
  if (value === undefined) {
    const what = `a ${place.column} column that is no Python literal, left empty`;
    problems.cleaned(what, `${place.file.name}:${place.line}`, text);
  }
  return value;
};

const entriesOf = (value: PythonValue | undefined): readonly ReadonlyMap<string, PythonValue>[] =>
  Array.isArray(value) ? value.filter((entry) => entry instanceof Map) : [];

const textIn = (
  entry: ReadonlyMap<string, PythonValue> | undefined,
  key: string,
): string | undefined => {
  const value = entry?.get(key);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
};

const namesOf = (value: PythonValue | undefined): readonly string[] =>
  entriesOf(value).flatMap((entry) => textIn(entry, 'name') ?? []);

interface Credits {
  readonly directors: readonly string[];
  readonly cast: readonly string[];
}

const readItems = async (
  files: Files,
  context: ReadingContext,
): Promise<readonly ImportedItem[]> => {
  const credits = await readCredits(files.credits, context);
  const keywords = await readKeywords(files.keywords, context);
  const { problems } = context;
  const file = files.metadata;
  const items = new Map<string, ImportedItem>();
  await readCsv(
    {
      file,
      required: ['id', 'title'] as MetadataColumn[],
      optional: METADATA_COLUMNS,
      onRow: ({ fields, line }, at) => {
        const field = (column: MetadataColumn): string => fields[at[column]] ?? '';
        const id = field('id').trim();
        const place = `${file.name}:${line}`;
        if (!/^\d+$/.test(id)) {
          problems.cleaned('a damaged film whose id is no number, left out', place, id);
        } else if (items.has(id)) {
          problems.cleaned('a film that is there twice, the first kept', place, field('title'));
        } else {
          const read = (column: MetadataColumn): PythonValue | undefined =>
            literal(field(column), context, { file, line, column });
          items.set(id, filmOf({ id, field, read }, credits.get(id), keywords.get(id) ?? []));
        }
      },
    },
    context,
  );
  return [...items.values()];
};

const METADATA_COLUMNS = [
  'original_title',
  'original_language',
  'genres',
  'release_date',
  'runtime',
  'imdb_id',
  'belongs_to_collection',
  'production_countries',
  'vote_average',
  'vote_count',
] as const;
type MetadataColumn = 'id' | 'title' | (typeof METADATA_COLUMNS)[number];

const filmOf = (
  row: {
    readonly id: string;
    readonly field: (column: MetadataColumn) => string;
    readonly read: (column: MetadataColumn) => PythonValue | undefined;
  },
  credits: Credits | undefined,
  keywords: readonly string[],
): ImportedItem => {
  const { id, field, read } = row;
  const released = parseTimeValue(field('release_date'));
  const collection = read('belongs_to_collection');
  const attributes = withoutEmpty({
    tmdbId: id,
    imdbId: field('imdb_id'),
    language: field('original_language'),
    runtimeMinutes: positive(field('runtime')),
    franchise: collection instanceof Map ? textIn(collection, 'name') : undefined,
    country: namesOf(read('production_countries'))[0],
    director: credits?.directors[0],
    tmdbVotes: positive(field('vote_count')),
    tmdbRating: positive(field('vote_average')),
  });
  return newItem(id, {
    title: field('title') || field('original_title'),
    year: Number.isNaN(released) ? null : new Date(released).getUTCFullYear(),
    publishedAt: Number.isNaN(released) ? null : (released as ImportedItem['publishedAt']),
    categories: namesOf(read('genres')),
    tags: keywords,
    people: [...(credits?.directors ?? []), ...(credits?.cast ?? [])],
    attributes,
  });
};

const positive = (text: string): number | undefined => {
  const value = Number(text);
  return text.trim() !== '' && Number.isFinite(value) && value > 0 ? value : undefined;
};

const withoutEmpty = (
  attributes: Readonly<Record<string, AttributeValue | undefined>>,
): Record<string, AttributeValue> =>
  Object.fromEntries(
    Object.entries(attributes).filter(
      (entry): entry is [string, AttributeValue] => entry[1] !== undefined && entry[1] !== '',
    ),
  );

const readCredits = async (
  file: SourceFile | undefined,
  context: ReadingContext,
): Promise<ReadonlyMap<string, Credits>> => {
  const credits = new Map<string, Credits>();
  if (!file) return credits;
  await readCsv(
    {
      file,
      required: ['id', 'cast', 'crew'] as const,
      onRow: ({ fields, line }, at) => {
        const cast = entriesOf(literal(fields[at.cast]!, context, { file, line, column: 'cast' }));
        const crew = entriesOf(literal(fields[at.crew]!, context, { file, line, column: 'crew' }));
        credits.set(fields[at.id]!.trim(), {
          directors: crew
            .filter((member) => member.get('job') === 'Director')
            .flatMap((member) => textIn(member, 'name') ?? []),
          cast: [...cast]
            .sort((left, right) => orderOf(left) - orderOf(right))
            .slice(0, TOP_CAST)
            .flatMap((member) => textIn(member, 'name') ?? []),
        });
      },
    },
    context,
  );
  return credits;
};

const orderOf = (member: ReadonlyMap<string, PythonValue>): number => {
  const order = member.get('order');
  return typeof order === 'number' ? order : Number.MAX_SAFE_INTEGER;
};

const readKeywords = async (
  file: SourceFile | undefined,
  context: ReadingContext,
): Promise<ReadonlyMap<string, readonly string[]>> => {
  const keywords = new Map<string, readonly string[]>();
  if (!file) return keywords;
  await readCsv(
    {
      file,
      required: ['id', 'keywords'] as const,
      onRow: ({ fields, line }, at) => {
        const value = literal(fields[at.keywords]!, context, { file, line, column: 'keywords' });
        keywords.set(fields[at.id]!.trim(), namesOf(value).slice(0, KEYWORDS_MAX));
      },
    },
    context,
  );
  return keywords;
};

const readRatings = async (
  { ratings, links }: Files,
  context: ReadingContext,
  take: TakeEvent,
): Promise<void> => {
  if (!ratings || !links) return;
  const tmdbOf = await readTmdbIds(links, context);
  await readCsv(
    {
      file: ratings,
      required: ['userId', 'movieId', 'rating', 'timestamp'] as const,
      onRow: ({ fields, line }, at) => {
        const movie = fields[at.movieId]!;
        const itemId = tmdbOf.get(movie);
        if (itemId === undefined) {
          const what = 'a rating of a film that links.csv does not lead to TMDB, left out';
          context.problems.cleaned(what, `${ratings.name}:${line}`, movie);
          return;
        }
        take({
          userId: fields[at.userId]!,
          sessionId: null,
          itemId,
          kind: 'rating',
          value: Number(fields[at.rating]! || Number.NaN),
          time: Number(fields[at.timestamp]! || Number.NaN) * SECOND_MS,
          file: ratings.name,
          line,
        });
      },
    },
    context,
  );
};

/** By MovieLens id. */
const readTmdbIds = async (
  file: SourceFile,
  context: ReadingContext,
): Promise<ReadonlyMap<string, string>> => {
  const ids = new Map<string, string>();
  await readCsv(
    {
      file,
      required: ['movieId', 'tmdbId'] as const,
      onRow: ({ fields }, at) => {
        // Where some are missing, the column is written as decimals: 862.0.
        const tmdb = fields[at.tmdbId]!.trim().replace(/\.0$/, '');
        if (tmdb !== '') ids.set(fields[at.movieId]!, tmdb);
      },
    },
    context,
  );
  return ids;
};
