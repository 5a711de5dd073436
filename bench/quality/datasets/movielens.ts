/** Ratings of MovieLens, in the order of the file, users and items numbered by first appearance. */
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
