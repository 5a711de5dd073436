/** Small data sets on the disk, for tests of the importers. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const writeFiles = async (
  folder: string,
  files: Readonly<Record<string, string | Buffer>>,
): Promise<string> => {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
};

export const MOVIELENS_CSV = {
  'movies.csv': [
    'movieId,title,genres',
    '1,Toy Story (1995),Adventure|Animation',
    '2,"Matrix, The (1999)",Action|Sci-Fi',
    '3,Nameless,(no genres listed)',
    '',
  ].join('\r\n'),
  'ratings.csv': [
    'userId,movieId,rating,timestamp',
    '1,1,4.0,964982703',
    '1,2,5.0,964982600',
    '2,1,0.5,964982700',
    '2,3,3.5,964982703',
    '',
  ].join('\r\n'),
  'tags.csv':
    'userId,movieId,tag,timestamp\n1,1,Pixar,1\n2,1,pixar,1\n2,1,"fun, funny",1\n2,2,bullet time,2\n',
  'links.csv': 'movieId,imdbId,tmdbId\n1,0114709,862\n2,0133093,\n',
};

export const MOVIELENS_DAT = {
  'movies.dat': Buffer.from(
    "1::Toy Story (1995)::Animation|Children's\n2::Am\xe9lie (2001)::Romance\n",
    'latin1',
  ),
  'ratings.dat': '1::1::5::978300760\n2::2::3::978302109\n1::2::4::978301968\n',
  'users.dat': '1::F::1::10::48067\n2::M::56::16::70072\n',
};

export const KAGGLE = {
  'movies_metadata.csv': [
    'adult,belongs_to_collection,genres,id,imdb_id,original_language,original_title,production_countries,release_date,runtime,title,vote_average,vote_count',
    `False,"{'id': 10194, 'name': 'Toy Story Collection', 'poster_path': None}","[{'id': 16, 'name': 'Animation'}, {'id': 35, 'name': 'Comedy'}]",862,tt0114709,en,Toy Story,"[{'iso_3166_1': 'US', 'name': 'United States of America'}]",1995-10-30,81.0,Toy Story,7.7,5415.0`,
    `False,,"[{'id': 12, 'name': 'Adventure'}]",8844,tt0113497,en,Jumanji,[],1995-12-15,104.0,Jumanji,6.9,2413.0`,
    `False,,[],8844,tt0113497,en,Jumanji,[],1995-12-15,104.0,Jumanji again,6.9,2413.0`,
    ` - Written by Ørnås,0.065736,"[{'name': 'Carousel'}]",1997-08-20,0,104.0,"[{'iso_639_1': 'en'}]",[],Released,,Midnight Man,6.0,1`,
    `False,,"[{'id': 12, 'name': 'broken",15602,tt0113228,en,Grumpier,[],1995-12-22,101.0,Grumpier Old Men,6.5,92.0`,
    '',
  ].join('\n'),
  'credits.csv': [
    'cast,crew,id',
    `"[{'cast_id': 15, 'name': 'Don Rickles', 'order': 2}, {'cast_id': 14, 'name': 'Tom Hanks', 'order': 0}, {'cast_id': 16, 'name': ""D'Arcy"", 'order': 1}]","[{'job': 'Director', 'name': 'John Lasseter'}, {'job': 'Writer', 'name': 'Joss Whedon'}]",862`,
    '[],[],8844',
    '',
  ].join('\n'),
  'keywords.csv': `id,keywords\n862,"[{'id': 931, 'name': 'jealousy'}, {'id': 4290, 'name': 'toy'}]"\n`,
  'links_small.csv': 'movieId,imdbId,tmdbId\n1,0114709,862.0\n2,0113497,8844.0\n9,0113228,\n',
  'ratings_small.csv':
    'userId,movieId,rating,timestamp\n1,1,4.5,1260759144\n1,9,3.0,1260759179\n2,2,2.0,1260759182\n2,77,2.0,1260759182\n',
};
