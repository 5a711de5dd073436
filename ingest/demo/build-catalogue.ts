/**
 * Makes `films.ndjson`, the demo catalogue, out of the films of `vega-datasets` (facts: titles,
 * dates, genres, directors, IMDb figures) and of the lists beside this file:
 *
 * - `corrections.ndjson`: each correction by hand, with its reason;
 * - `recent-films.ndjson`, `earlier-films.ndjson`: well-known films that the source lacks;
 * - `franchises.ndjson`: patterns over `Title (year)`;
 * - `themes.ndjson`, `stars.ndjson`: what a film is about and who plays in it, for well-known ones.
 *
 * Run by developers: `node ingest/demo/build-catalogue.ts`. The result is committed.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FilmLine, readLines } from './film-lines.ts';
import { readSourceFilms, type SourceFilm } from './source-films.ts';

interface Correction {
  readonly title: string;
  readonly year: number;
  readonly set: {
    readonly title?: string;
    readonly year?: number;
    readonly genres?: readonly string[];
    readonly people?: readonly string[];
    readonly imdbRating?: null;
    readonly imdbVotes?: null;
    readonly drop?: true;
  };
  readonly reason: string;
}

interface AddedFilm {
  readonly title: string;
  readonly year: number;
  readonly people: readonly string[];
  readonly genres: readonly string[];
  /** Known to nearly everyone who goes to the cinema. */
  readonly isLandmark?: true;
}

interface Draft {
  readonly title: string;
  readonly date: string;
  readonly year: number;
  readonly genres: readonly string[];
  readonly directors: readonly string[];
  readonly tags: readonly string[];
  readonly source: string | null;
  readonly rating: string | null;
  readonly runningTime: number | null;
  readonly imdbRating: number | null;
  readonly imdbVotes: number | null;
  readonly boxOffice: number | null;
  /** Given where the film was written down by hand. */
  readonly renown: number | null;
}

/** The source's genres in the catalogue's words. */
const GENRES: Readonly<Record<string, readonly string[]>> = {
  'Thriller/Suspense': ['Thriller'],
  'Romantic Comedy': ['Romance', 'Comedy'],
  'Black Comedy': ['Comedy'],
  'Concert/Performance': ['Music', 'Documentary'],
};
/** What the source's creative types say beyond the genre. */
const TYPE_GENRES: Readonly<Record<string, string>> = {
  'Science Fiction': 'Science Fiction',
  Fantasy: 'Fantasy',
  'Super Hero': 'Superhero',
  'Kids Fiction': 'Family',
  'Historical Fiction': 'History',
  Factual: 'Documentary',
};
/** Percentiles given to films added by hand: they are on the list because they are well known. */
const LANDMARK_RENOWN = 97;
const ADDED_RENOWN = 78;

const filmKey = (title: string, year: number): string => `${title} (${year})`;

const genresOf = (film: SourceFilm): string[] => {
  const own = film.genre === null ? [] : (GENRES[film.genre] ?? [film.genre]);
  const type = film.creativeType === null ? undefined : TYPE_GENRES[film.creativeType];
  // A film rated G is for everyone; half of them are called family films by their type already.
  const family = film.rating === 'G' && film.genre !== 'Documentary' ? ['Family'] : [];
  return [...new Set([...own, ...(type === undefined ? [] : [type]), ...family])];
};

const draftOf = (film: SourceFilm, correction: Correction | undefined): Draft | undefined => {
  const set = correction?.set ?? {};
  if (set.drop) return undefined;
  const year = set.year ?? film.year;
  return {
    title: set.title ?? film.title,
    year,
    date: year === film.year ? film.date : String(year),
    genres: set.genres ?? genresOf(film),
    directors: set.people ?? (film.director === null ? [] : [film.director]),
    tags: tagsOf(film),
    source: film.source,
    rating: film.rating,
    runningTime: film.runningTime,
    imdbRating: set.imdbRating === null ? null : film.imdbRating,
    imdbVotes: set.imdbVotes === null ? null : film.imdbVotes,
    boxOffice: film.boxOffice,
    renown: null,
  };
};

const tagsOf = (film: SourceFilm): string[] => [
  ...(film.genre === 'Black Comedy' ? ['black comedy'] : []),
  ...(film.creativeType === 'Dramatization' ? ['true story'] : []),
];

const addedDraft = (film: AddedFilm): Draft => ({
  title: film.title,
  year: film.year,
  date: String(film.year),
  genres: film.genres,
  directors: film.people,
  tags: [],
  source: null,
  rating: null,
  runningTime: null,
  imdbRating: null,
  imdbVotes: null,
  boxOffice: null,
  renown: film.isLandmark ? LANDMARK_RENOWN : ADDED_RENOWN,
});

/** Applies the corrections; one that meets no film is a mistake in the list. */
const correctedFilms = (films: readonly SourceFilm[]): Draft[] => {
  const corrections = new Map(
    readLines<Correction>('corrections.ndjson').map((line) => [
      filmKey(line.title, line.year),
      line,
    ]),
  );
  const drafts: Draft[] = [];
  for (const film of films) {
    const key = filmKey(film.title, film.year);
    const draft = draftOf(film, corrections.get(key));
    corrections.delete(key);
    if (draft) drafts.push(draft);
  }
  if (corrections.size > 0) {
    throw new Error(`Expected every correction to meet a film, got ${[...corrections.keys()]}.`);
  }
  return drafts;
};

/** The same title in the same year is the same film: the first is kept. */
const withoutDoubles = (drafts: readonly Draft[]): Draft[] => [
  ...new Map(
    drafts.toReversed().map((draft) => [filmKey(draft.title.toLowerCase(), draft.year), draft]),
  ).values(),
];

/** Position, 0 to 1, of a value among all that are known. */
const percentiles = (values: readonly (number | null)[]): ((value: number) => number) => {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  return (value) => sorted.findLastIndex((other) => other <= value) / (sorted.length - 1);
};

/** IMDb votes say best how widely a film is known; where they lack, box office; else little. */
const renownOf = (drafts: readonly Draft[]): ((draft: Draft) => number) => {
  const byVotes = percentiles(drafts.map((draft) => draft.imdbVotes));
  const byBoxOffice = percentiles(drafts.map((draft) => draft.boxOffice));
  return (draft) => {
    if (draft.renown !== null) return draft.renown;
    if (draft.imdbVotes !== null) return Math.round(100 * byVotes(draft.imdbVotes));
    return draft.boxOffice === null ? 10 : Math.round(100 * byBoxOffice(draft.boxOffice));
  };
};

const slugOf = (title: string): string =>
  title
    .replaceAll('½', '-half')
    .replaceAll('⅓', '-third')
    .replaceAll('³', '-3')
    .replaceAll('¢', 'c')
    .replaceAll('&', ' and ')
    .normalize('NFD')
    .replaceAll(/[\u0300-\u036f'’.]/g, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9ł]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');

interface Lists {
  readonly franchises: readonly { readonly name: string; readonly pattern: RegExp }[];
  readonly themes: ReadonlyMap<string, readonly string[]>;
  readonly stars: ReadonlyMap<string, readonly string[]>;
}

const invert = (lists: readonly (readonly [string, readonly string[]])[], known: Set<string>) => {
  const byFilm = new Map<string, string[]>();
  for (const [word, films] of lists) {
    for (const film of films) {
      if (!known.has(film)) throw new Error(`Expected a film of the catalogue, got ${film}.`);
      byFilm.set(film, [...(byFilm.get(film) ?? []), word]);
    }
  }
  return byFilm;
};

const readLists = (drafts: readonly Draft[]): Lists => {
  const known = new Set(drafts.map((draft) => filmKey(draft.title, draft.year)));
  return {
    franchises: readLines<{ franchise: string; titles: string }>('franchises.ndjson').map(
      (line) => ({ name: line.franchise, pattern: new RegExp(line.titles) }),
    ),
    themes: invert(
      readLines<{ tag: string; films: string[] }>('themes.ndjson').map((l) => [l.tag, l.films]),
      known,
    ),
    stars: invert(
      readLines<{ person: string; films: string[] }>('stars.ndjson').map((l) => [
        l.person,
        l.films,
      ]),
      known,
    ),
  };
};

const lineOf = (draft: Draft, lists: Lists, renown: number): FilmLine => {
  const key = filmKey(draft.title, draft.year);
  const [franchise, ...alsoOf] = lists.franchises
    .filter(({ pattern }) => pattern.test(key))
    .map(({ name }) => name);
  const stars = (lists.stars.get(key) ?? []).filter((name) => !draft.directors.includes(name));
  const tags = [...draft.tags, ...(lists.themes.get(key) ?? []), ...alsoOf];
  return {
    id: `${slugOf(draft.title)}-${draft.year}`,
    title: draft.title,
    date: draft.date,
    genres: draft.genres,
    ...(tags.length > 0 ? { tags } : {}),
    ...(draft.directors.length + stars.length > 0
      ? { people: [...draft.directors, ...stars] }
      : {}),
    ...(stars.length > 0 ? { directors: draft.directors.length } : {}),
    ...(franchise === undefined ? {} : { franchise }),
    ...(draft.source === null ? {} : { source: draft.source }),
    ...(draft.rating === null ? {} : { rating: draft.rating }),
    ...(draft.runningTime === null ? {} : { runningTime: draft.runningTime }),
    ...(draft.imdbRating === null ? {} : { imdbRating: draft.imdbRating }),
    ...(draft.imdbVotes === null ? {} : { imdbVotes: draft.imdbVotes }),
    renown,
  };
};

/** A franchise of one film is none. */
const withoutLoneFranchises = (films: readonly FilmLine[]): FilmLine[] => {
  const counts = Map.groupBy(films, (film) => film.franchise);
  return films.map(({ franchise, ...film }) =>
    franchise !== undefined && (counts.get(franchise)?.length ?? 0) > 1
      ? { ...film, franchise }
      : film,
  );
};

export const buildCatalogue = (): FilmLine[] => {
  const added = ['recent-films.ndjson', 'earlier-films.ndjson'].flatMap(readLines<AddedFilm>);
  const drafts = withoutDoubles([...correctedFilms(readSourceFilms()), ...added.map(addedDraft)]);
  const lists = readLists(drafts);
  const renown = renownOf(drafts);
  return withoutLoneFranchises(drafts.map((draft) => lineOf(draft, lists, renown(draft)))).sort(
    (a, b) => (a.id < b.id ? -1 : 1),
  );
};

if (import.meta.main) {
  const films = buildCatalogue();
  const path = join(import.meta.dirname, 'films.ndjson');
  writeFileSync(path, `${films.map((film) => JSON.stringify(film)).join('\n')}\n`);
  process.stdout.write(`${films.length} films written to ${path}\n`);
}
