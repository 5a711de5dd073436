/**
 * MovieLens' data sets in their three dresses: CSV with headers (latest, latest-small, 20M to 32M),
 * `.dat` with `::` between fields (1M, 10M; ISO 8859-1), and 100K's `u.data` and `u.item`. Ids stay
 * MovieLens' own, as text.
 *
 * What people are (users.dat, u.user) is not imported: Freshet keeps nothing about people that they did
 * not do; the report says so.
 */
import type { Dataset, ImportedEvent, ImportedItem, ReadingContext, TakeEvent } from './dataset.ts';
import { newItem } from './dataset.ts';
import { parseFilmTitle } from './film-title.ts';
import { findFile, type SourceFile, type SourceFiles } from './source-files.ts';
import { readCsv, readSeparated } from './table-reader.ts';
import { TagCounts } from './tag-counts.ts';

/** Undefined where the files are no MovieLens set. */
export const openMovieLens = (source: SourceFiles): Dataset | undefined =>
  csvDataset(source) ?? datDataset(source) ?? hundredThousand(source);

const SECOND_MS = 1000;
const NO_GENRE = '(no genres listed)';

const sizeOf = (...files: readonly (SourceFile | undefined)[]): number =>
  files.reduce((sum, file) => sum + (file?.bytes ?? 0), 0);

const rating = (fields: {
  readonly user: string;
  readonly item: string;
  readonly value: string;
  readonly seconds: string;
  readonly file: string;
  readonly line: number;
}): ImportedEvent => ({
  userId: fields.user,
  sessionId: null,
  itemId: fields.item,
  kind: 'rating',
  value: numberOf(fields.value),
  time: numberOf(fields.seconds) * SECOND_MS,
  file: fields.file,
  line: fields.line,
});

/** NaN for what is no number, also for nothing. */
const numberOf = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

const filmOf = (
  id: string,
  text: string,
  rest: {
    readonly genres: readonly string[];
    readonly tags?: readonly string[];
    readonly attributes?: Readonly<Record<string, string>>;
  },
): ImportedItem => {
  const { title, year } = parseFilmTitle(text);
  return newItem(id, {
    title,
    year,
    categories: rest.genres.filter((genre) => genre !== '' && genre !== NO_GENRE),
    ...(rest.tags ? { tags: rest.tags } : {}),
    ...(rest.attributes ? { attributes: rest.attributes } : {}),
  });
};

const csvDataset = (source: SourceFiles): Dataset | undefined => {
  const [movies, ratings] = [findFile(source, 'movies.csv'), findFile(source, 'ratings.csv')];
  if (!movies || !ratings) return undefined;
  const [tags, links] = [findFile(source, 'tags.csv'), findFile(source, 'links.csv')];
  const hasGenome = source.files.some(({ name }) => name.startsWith('genome-'));
  return {
    format: 'MovieLens (CSV)',
    bytes: sizeOf(movies, ratings, tags, links),
    eventBytes: sizeOf(ratings),
    notes: [
      ...(tags ? ['tags.csv: the 20 tags most given to a film become its tags'] : []),
      ...(hasGenome ? ['the tag genome is not imported'] : []),
    ],
    readItems: (context) => readCsvItems({ movies, tags, links }, context),
    readEvents: (context, take) => readCsvRatings(ratings, context, take),
  };
};

const readCsvItems = async (
  files: {
    readonly movies: SourceFile;
    readonly tags: SourceFile | undefined;
    readonly links: SourceFile | undefined;
  },
  context: ReadingContext,
): Promise<readonly ImportedItem[]> => {
  const tags = new TagCounts();
  if (files.tags) {
    const required = ['movieId', 'tag'] as const;
    const onRow = (
      { fields }: { fields: readonly string[] },
      at: { movieId: number; tag: number },
    ) => tags.add(fields[at.movieId]!, fields[at.tag]!);
    await readCsv({ file: files.tags, required, onRow }, context);
  }
  const links = files.links ? await readLinks(files.links, context) : new Map();
  const items: ImportedItem[] = [];
  await readCsv(
    {
      file: files.movies,
      required: ['movieId', 'title', 'genres'] as const,
      onRow: ({ fields }, at) => {
        const id = fields[at.movieId]!;
        const genres = fields[at.genres]!.split('|');
        const attributes = links.get(id);
        items.push(
          filmOf(id, fields[at.title]!, {
            genres,
            tags: tags.of(id),
            ...(attributes ? { attributes } : {}),
          }),
        );
      },
    },
    context,
  );
  return items;
};

/** By film: its numbers at IMDb and TMDB, as attributes. */
const readLinks = async (
  file: SourceFile,
  context: ReadingContext,
): Promise<Map<string, Record<string, string>>> => {
  const links = new Map<string, Record<string, string>>();
  await readCsv(
    {
      file,
      required: ['movieId'] as ('movieId' | 'imdbId' | 'tmdbId')[],
      optional: ['imdbId', 'tmdbId'],
      onRow: ({ fields }, at) => {
        const imdb = fields[at.imdbId] ?? '';
        const tmdb = fields[at.tmdbId] ?? '';
        links.set(fields[at.movieId]!, {
          ...(imdb === '' ? {} : { imdbId: `tt${imdb.padStart(7, '0')}` }),
          ...(tmdb === '' ? {} : { tmdbId: tmdb }),
        });
      },
    },
    context,
  );
  return links;
};

const readCsvRatings = (
  file: SourceFile,
  context: ReadingContext,
  take: TakeEvent,
): Promise<void> =>
  readCsv(
    {
      file,
      required: ['userId', 'movieId', 'rating', 'timestamp'] as const,
      onRow: ({ fields, line }, at) =>
        take(
          rating({
            user: fields[at.userId]!,
            item: fields[at.movieId]!,
            value: fields[at.rating]!,
            seconds: fields[at.timestamp]!,
            file: file.name,
            line,
          }),
        ),
    },
    context,
  );

const datDataset = (source: SourceFiles): Dataset | undefined => {
  const [movies, ratings] = [findFile(source, 'movies.dat'), findFile(source, 'ratings.dat')];
  if (!movies || !ratings) return undefined;
  const tags = findFile(source, 'tags.dat');
  return {
    format: 'MovieLens (.dat)',
    bytes: sizeOf(movies, ratings, tags),
    eventBytes: sizeOf(ratings),
    notes: findFile(source, 'users.dat')
      ? ['users.dat (age, sex, occupation) is not imported: people are known by what they do']
      : [],
    readItems: (context) => readDatItems({ movies, tags }, context),
    readEvents: (context, take) => readRatingRows(ratings, '::', context, take),
  };
};

const readDatItems = async (
  { movies, tags }: { movies: SourceFile; tags: SourceFile | undefined },
  context: ReadingContext,
): Promise<readonly ImportedItem[]> => {
  const counts = new TagCounts();
  if (tags) {
    const onRow = ({ fields }: { fields: readonly string[] }) => counts.add(fields[1]!, fields[2]!);
    await readSeparated({ file: tags, separator: '::', fieldsMin: 4, onRow }, context);
  }
  const items: ImportedItem[] = [];
  await readSeparated(
    {
      file: movies,
      separator: '::',
      fieldsMin: 3,
      onRow: ({ fields }) => {
        const [id, title, genres] = fields as [string, string, string];
        items.push(filmOf(id, title, { genres: genres.split('|'), tags: counts.of(id) }));
      },
    },
    context,
  );
  return items;
};

const readRatingRows = (
  file: SourceFile,
  separator: string,
  context: ReadingContext,
  take: TakeEvent,
): Promise<void> =>
  readSeparated(
    {
      file,
      separator,
      fieldsMin: 4,
      onRow: ({ fields, line }) => {
        const [user, item, value, seconds] = fields as [string, string, string, string];
        take(rating({ user, item, value, seconds, file: file.name, line }));
      },
    },
    context,
  );

/** u.genre's order; u.item has a column of 0 or 1 for each. */
const GENRES_100K = [
  'unknown',
  'Action',
  'Adventure',
  'Animation',
  "Children's",
  'Comedy',
  'Crime',
  'Documentary',
  'Drama',
  'Fantasy',
  'Film-Noir',
  'Horror',
  'Musical',
  'Mystery',
  'Romance',
  'Sci-Fi',
  'Thriller',
  'War',
  'Western',
];
const FIRST_GENRE_FIELD = 5;

const hundredThousand = (source: SourceFiles): Dataset | undefined => {
  const [movies, ratings] = [findFile(source, 'u.item'), findFile(source, 'u.data')];
  if (!movies || !ratings) return undefined;
  return {
    format: 'MovieLens (100K)',
    bytes: sizeOf(movies, ratings),
    eventBytes: sizeOf(ratings),
    notes: findFile(source, 'u.user')
      ? ['u.user (age, sex, occupation) is not imported: people are known by what they do']
      : [],
    readItems: (context) => readItems100k(movies, context),
    readEvents: (context, take) => readRatingRows(ratings, '\t', context, take),
  };
};

const readItems100k = async (
  file: SourceFile,
  context: ReadingContext,
): Promise<readonly ImportedItem[]> => {
  const items: ImportedItem[] = [];
  await readSeparated(
    {
      file,
      separator: '|',
      fieldsMin: FIRST_GENRE_FIELD + GENRES_100K.length,
      onRow: ({ fields }) => {
        const genres = GENRES_100K.filter(
          (genre, index) => genre !== 'unknown' && fields[FIRST_GENRE_FIELD + index] === '1',
        );
        items.push(filmOf(fields[0]!, fields[1]!, { genres }));
      },
    },
    context,
  );
  return items;
};
