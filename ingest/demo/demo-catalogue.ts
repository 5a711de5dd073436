/**
 * The catalogue that a fresh clone starts with: about four thousand real films, read from
 * `films.ndjson` (made by `build-catalogue.ts`) into catalogue records. Categories are genres, what
 * a film is based on, and its decade; themes are tags; directors and stars are people.
 *
 * Caveat: IMDb's figures are those of 2010 and lacking for later films; `renown` (0 to 100) orders
 * all films by how widely they are known.
 */
import { type EpochMs, epochMs, itemId } from '../../schemas/ids.ts';
import type { AttributeValue, CatalogueItemRecord } from '../../schemas/records.ts';
import { type FilmLine, readLines } from './film-lines.ts';

/** Names the catalogue in the data directory. */
export const DEMO_CATALOGUE_NAME = 'demo-films';

/** Sources that say something about a film; `Original Screenplay` and rare ones do not. */
const SOURCE_CATEGORIES: Readonly<Record<string, string>> = {
  'Based on Book/Short Story': 'Based on a book',
  'Based on Real Life Events': 'Based on a true story',
  'Based on Factual Book/Article': 'Based on a true story',
  'Based on Magazine Article': 'Based on a true story',
  'Based on TV': 'Based on a series',
  'Based on Comic/Graphic Novel': 'Based on a comic',
  'Based on Play': 'Based on a play',
  'Based on Musical/Opera': 'Based on a musical',
  'Based on Game': 'Based on a game',
  'Traditional/Legend/Fairytale': 'Based on a legend',
  Remake: 'Remake',
};

export const decadeOf = (year: number): string => `${Math.floor(year / 10) * 10}s`;

const categoriesOf = (film: FilmLine, year: number): string[] => {
  const source = film.source === undefined ? undefined : SOURCE_CATEGORIES[film.source];
  return [...film.genres, ...(source === undefined ? [] : [source]), decadeOf(year)];
};

const attributesOf = (film: FilmLine, year: number): Readonly<Record<string, AttributeValue>> => {
  const director = film.people?.slice(0, film.directors ?? film.people.length).join(', ');
  return {
    year,
    era: decadeOf(year),
    renown: film.renown,
    ...(director ? { director } : {}),
    ...(film.franchise === undefined ? {} : { franchise: film.franchise }),
    ...(film.source === undefined ? {} : { source: film.source }),
    ...(film.rating === undefined ? {} : { rating: film.rating }),
    ...(film.runningTime === undefined ? {} : { runningTime: film.runningTime }),
    ...(film.imdbRating === undefined ? {} : { imdbRating: film.imdbRating }),
    ...(film.imdbVotes === undefined ? {} : { imdbVotes: film.imdbVotes }),
  };
};

const recordOf = (film: FilmLine, updatedAt: EpochMs): CatalogueItemRecord => {
  const publishedAt = epochMs(Date.parse(film.date));
  const year = new Date(publishedAt).getUTCFullYear();
  return {
    itemId: itemId(film.id),
    title: film.title,
    categories: categoriesOf(film, year),
    tags: film.tags ?? [],
    people: film.people ?? [],
    attributes: attributesOf(film, year),
    publishedAt,
    availableFrom: null,
    expiresAt: null,
    available: true,
    price: null,
    hidden: false,
    image: null,
    updatedAt,
  };
};

/** All films, ordered by id. The same file gives the same records: only `updatedAt` is yours. */
export const loadDemoCatalogue = (updatedAt: EpochMs = epochMs(0)): CatalogueItemRecord[] =>
  readLines<FilmLine>('films.ndjson').map((film) => recordOf(film, updatedAt));
