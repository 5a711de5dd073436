import { describe, expect, it } from 'vitest';
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import { buildCatalogue } from './build-catalogue.ts';
import { loadDemoCatalogue } from './demo-catalogue.ts';
import { type FilmLine, readLines } from './film-lines.ts';

const films = loadDemoCatalogue();
const byId = new Map<string, CatalogueItemRecord>(films.map((film) => [film.itemId, film]));
const film = (id: string): CatalogueItemRecord => {
  const found = byId.get(id);
  if (!found) throw new Error(`Expected ${id} in the catalogue, found none.`);
  return found;
};

describe('the demo catalogue', () => {
  it('has films enough, each with an id of its own that can be read', () => {
    expect(films.length).toBeGreaterThanOrEqual(3_300);
    expect(byId.size).toBe(films.length);
    expect(films.filter(({ itemId }) => !/^[a-z0-9]+(-[a-z0-9]+)*-\d{4}$/.test(itemId))).toEqual(
      [],
    );
  });

  it('has no impossible date', () => {
    const years = films.map(({ attributes }) => Number(attributes.year));
    expect(Math.min(...years)).toBeGreaterThanOrEqual(1900);
    expect(Math.max(...years)).toBeLessThanOrEqual(2025);
    const odd = films.filter(({ publishedAt, attributes }) => {
      const released = new Date(publishedAt ?? Number.NaN);
      return released.getUTCFullYear() !== attributes.year;
    });
    expect(odd).toEqual([]);
  });

  it('gives every film a title, a genre and a decade', () => {
    expect(films.filter(({ title }) => title === '' || title === 'null')).toEqual([]);
    expect(films.filter(({ categories }) => categories.length < 2).map((f) => f.itemId)).toEqual(
      [],
    );
    expect(films.filter((f) => new Set(f.categories).size !== f.categories.length)).toEqual([]);
  });

  it('tells remakes apart by year and keeps no film twice', () => {
    expect(film('king-kong-1933').people).toContain('Merian C. Cooper');
    expect(film('king-kong-1976').people).toContain('John Guillermin');
    expect(film('king-kong-2005').people).toContain('Peter Jackson');
    const titles = films.map(
      ({ title, attributes }) => `${title.toLowerCase()} ${attributes.year}`,
    );
    expect(new Set(titles).size).toBe(titles.length);
  });

  it.each([
    ['the-matrix-1999', 'Science Fiction', 'Lana Wachowski', 'The Matrix'],
    ['toy-story-1995', 'Animation', 'John Lasseter', 'Toy Story'],
    ['saw-2004', 'Horror', 'James Wan', 'Saw'],
    ['pretty-woman-1990', 'Romance', 'Garry Marshall', undefined],
    ['the-godfather-1972', 'Crime', 'Francis Ford Coppola', 'The Godfather'],
    ['heat-1995', 'Crime', 'Michael Mann', undefined],
    ['harry-potter-and-the-sorcerers-stone-2001', 'Fantasy', 'Chris Columbus', 'Harry Potter'],
    ['1941-1979', 'Comedy', 'Steven Spielberg', undefined],
    ['gone-with-the-wind-1939', 'Romance', 'Victor Fleming', undefined],
  ])('knows %s', (id, category, person, franchise) => {
    expect(film(id).categories).toContain(category);
    expect(film(id).people).toContain(person);
    expect(film(id).attributes.franchise).toBe(franchise);
  });

  it('mends text of the wrong character set', () => {
    expect(film('leon-the-professional-1994').title).toBe('Léon: The Professional');
    expect(films.filter(({ title }) => /[ÈÍ‡˘‰Ω]/.test(title)).map(({ title }) => title)).toEqual(
      [],
    );
  });

  it('has no figures that cannot be', () => {
    const odd = films.filter(({ attributes: { imdbRating, imdbVotes, runningTime } }) => {
      const rating = Number(imdbRating ?? 5);
      const minutes = Number(runningTime ?? 90);
      return (
        rating < 1 || rating > 10 || Number(imdbVotes ?? 1) < 1 || minutes < 30 || minutes > 400
      );
    });
    expect(odd.map(({ itemId }) => itemId)).toEqual([]);
  });

  it('is what its script makes of the source and the lists', () => {
    const committed = readLines<FilmLine>('films.ndjson');
    expect(buildCatalogue()).toEqual(committed);
  });

  it('names a reason for every correction', () => {
    const corrections = readLines<{ title: string; reason: string }>('corrections.ndjson');
    expect(corrections.filter(({ reason }) => reason.length < 10)).toEqual([]);
  });
});
