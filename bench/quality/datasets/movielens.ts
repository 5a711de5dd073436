/** Ratings of MovieLens, in the order of the file, users and items numbered by first appearance. */
import type { ItemContent } from '../../../algorithms/content/item-tokens.ts';
import { parseFilmTitle } from '../../../ingest/import/film-title.ts';
import { linesOf, readZipEntry } from './archive.ts';

export const ML_1M_FILE = 'ml-1m.zip';
export const ML_SMALL_FILE = 'ml-latest-small.zip';

export interface Rating {
  readonly user: number;
  readonly item: number;
  readonly value: number;
  /** Seconds since 1970. */
  readonly time: number;
}

export interface Ratings {
  readonly userCount: number;
  readonly itemCount: number;
  readonly ratings: readonly Rating[];
}

const ratingsOf = (lines: readonly string[], separator: string): Ratings => {
  const users = new Map<string, number>();
  const items = new Map<string, number>();
  const indexOf = (ids: Map<string, number>, id: string): number => {
    const known = ids.get(id);
    if (known !== undefined) return known;
    ids.set(id, ids.size);
    return ids.size - 1;
  };
  const ratings = lines.map((line) => {
    const [user = '', item = '', value = '', time = ''] = line.split(separator);
    return {
      user: indexOf(users, user),
      item: indexOf(items, item),
      value: Number(value),
      time: Number(time),
    };
  });
  return { userCount: users.size, itemCount: items.size, ratings };
};

export const readMovieLens1M = async (): Promise<Ratings> =>
  ratingsOf(linesOf(await readZipEntry(ML_1M_FILE, 'ratings.dat')), '::');

export const readMovieLensSmall = async (): Promise<Ratings> =>
  ratingsOf(linesOf(await readZipEntry(ML_SMALL_FILE, 'ratings.csv')).slice(1), ',');

/** What the items of `readMovieLensSmall` are about, in its numbering; tags as people gave them. */
export const readMovieLensSmallItems = async (): Promise<readonly ItemContent[]> => {
  const ratings = linesOf(await readZipEntry(ML_SMALL_FILE, 'ratings.csv')).slice(1);
  const ids = [...new Set(ratings.map((line) => line.split(',')[1]!))];
  const films = new Map(
    linesOf(await readZipEntry(ML_SMALL_FILE, 'movies.csv'))
      .slice(1)
      .map((line) => [line.slice(0, line.indexOf(',')), filmOf(line)]),
  );
  const tags = new Map<string, Set<string>>();
  for (const line of linesOf(await readZipEntry(ML_SMALL_FILE, 'tags.csv')).slice(1)) {
    const [, id = '', tag = ''] = line.split(',');
    if (!tags.has(id)) tags.set(id, new Set());
    tags.get(id)!.add(tag.toLowerCase());
  }
  return ids.map((id) => ({ ...films.get(id)!, tags: [...(tags.get(id) ?? [])] }));
};

const filmOf = (line: string): Omit<ItemContent, 'tags'> => {
  const genres = line.slice(line.lastIndexOf(',') + 1);
  const title = line.slice(line.indexOf(',') + 1, line.lastIndexOf(','));
  const film = parseFilmTitle(title.replaceAll(/^"|"$/g, '').replaceAll('""', '"'));
  return {
    title: film.title,
    categories: genres.startsWith('(') ? [] : genres.split('|'),
    people: [],
    attributes: film.year === null ? {} : { year: film.year },
  };
};
