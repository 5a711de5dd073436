/**
 * The films of `vega-datasets` (a development dependency), read and repaired where a rule can do
 * it: text that went through the wrong character set, dates a century off, dates one day early.
 * What only knowledge can mend stands in `corrections.ndjson`. Used by `build-catalogue.ts` alone;
 * the program itself reads the finished `films.ndjson`.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface SourceFilm {
  readonly title: string;
  readonly year: number;
  /** `YYYY-MM-DD`, or `YYYY` where the source knows only the year. */
  readonly date: string;
  readonly genre: string | null;
  readonly creativeType: string | null;
  readonly source: string | null;
  readonly director: string | null;
  readonly rating: string | null;
  readonly runningTime: number | null;
  readonly imdbRating: number | null;
  readonly imdbVotes: number | null;
  readonly boxOffice: number | null;
}

interface VegaFilm {
  readonly Title: string | number | null;
  readonly 'Release Date': string;
  readonly 'Worldwide Gross': number | null;
  readonly 'MPAA Rating': string | null;
  readonly 'Running Time min': number | null;
  readonly Source: string | null;
  readonly 'Major Genre': string | null;
  readonly 'Creative Type': string | null;
  readonly Director: string | null;
  readonly 'IMDB Rating': number | null;
  readonly 'IMDB Votes': number | null;
}

/** The data ends in 2011; whatever lies beyond was written with two digits of the year. */
const LAST_YEAR = 2011;
/** The ratings that say something; `Not Rated` and `Open` do not. */
const MPAA_RATINGS = new Set(['G', 'PG', 'PG-13', 'R', 'NC-17']);
/**
 * A film that took 60 M$ has thousands of votes. One with fewer than a vote for 25,000 $ got the
 * figures of a namesake (Die Hard: 237 votes), since the source joined them by title.
 */
const GROSS_PER_VOTE_MAX = 25_000;
const GROSS_CHECKED_MIN = 60_000_000;
/** Up to this year the 31st of December means `only the year is known`, one day early. */
const YEAR_ONLY_UNTIL = 1992;

/** Characters of Mac Roman from 0x80 on: text in Latin-1 was decoded by this table. */
const MAC_ROMAN =
  'ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\u00a0ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\uf8ffÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ';
const WINDOWS_1252 = new TextDecoder('windows-1252');

const repairText = (text: string): string =>
  [...text]
    .map((character) => {
      const index = MAC_ROMAN.indexOf(character);
      return index < 0 ? character : WINDOWS_1252.decode(Uint8Array.of(0x80 + index));
    })
    .join('')
    .trim();

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

const repairDate = (text: string): { readonly year: number; readonly date: string } => {
  const [monthName = '', day = '', yearText = ''] = text.split(' ');
  const stated = Number(yearText);
  const year = stated > LAST_YEAR ? stated - 100 : stated;
  if (monthName === 'Dec' && day === '31' && year <= YEAR_ONLY_UNTIL) {
    return { year: year + 1, date: String(year + 1) };
  }
  if (monthName === 'Jan' && day === '01') return { year, date: String(year) };
  const month = String(MONTHS.indexOf(monthName) + 1).padStart(2, '0');
  return { year, date: `${year}-${month}-${day.padStart(2, '0')}` };
};

const hasForeignFigures = (film: VegaFilm): boolean => {
  const gross = film['Worldwide Gross'] ?? 0;
  const votes = film['IMDB Votes'];
  return votes !== null && gross >= GROSS_CHECKED_MIN && votes < gross / GROSS_PER_VOTE_MAX;
};

const sourceFilmOf = (film: VegaFilm): SourceFilm => {
  const hasFigures = !hasForeignFigures(film);
  const rating = film['MPAA Rating'];
  return {
    title: repairText(String(film.Title)),
    ...repairDate(film['Release Date']),
    genre: film['Major Genre'],
    creativeType: film['Creative Type'],
    source: film.Source,
    director: film.Director === null ? null : repairText(film.Director),
    rating: rating !== null && MPAA_RATINGS.has(rating) ? rating : null,
    runningTime: film['Running Time min'],
    imdbRating: hasFigures ? film['IMDB Rating'] : null,
    imdbVotes: hasFigures ? film['IMDB Votes'] : null,
    boxOffice: film['Worldwide Gross'] || null,
  };
};

/**
 * Two films of one title share their figures in the source: the later one keeps them, since most
 * votes are about it. Where that is wrong a correction says so.
 */
const withoutSharedFigures = (films: readonly SourceFilm[]): SourceFilm[] => {
  const latest = new Map<string, number>();
  const keyOf = (film: SourceFilm): string =>
    `${film.title.toLowerCase()} ${film.imdbRating} ${film.imdbVotes}`;
  for (const film of films) {
    latest.set(keyOf(film), Math.max(latest.get(keyOf(film)) ?? 0, film.year));
  }
  return films.map((film) =>
    latest.get(keyOf(film)) === film.year ? film : { ...film, imdbRating: null, imdbVotes: null },
  );
};

export const readSourceFilms = (): SourceFilm[] => {
  const entry = createRequire(import.meta.url).resolve('vega-datasets');
  const films = JSON.parse(readFileSync(join(dirname(entry), '../data/movies.json'), 'utf8'));
  return withoutSharedFigures((films as VegaFilm[]).map(sourceFilmOf));
};
