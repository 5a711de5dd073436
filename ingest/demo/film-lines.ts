/**
 * One film as a line of `films.ndjson`, and the reading of such files. Fields that a film lacks are
 * left out, so that a line stays short enough to read in a diff.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FilmLine {
  readonly id: string;
  readonly title: string;
  /** First release: `YYYY-MM-DD`, or `YYYY` where only the year is known. */
  readonly date: string;
  readonly genres: readonly string[];
  readonly tags?: readonly string[];
  /** Directors first, then the stars that `stars.ndjson` names. */
  readonly people?: readonly string[];
  readonly directors?: number;
  readonly franchise?: string;
  readonly source?: string;
  readonly rating?: string;
  readonly runningTime?: number;
  readonly imdbRating?: number;
  readonly imdbVotes?: number;
  /** How widely known it is, 0 to 100; see `build-catalogue.ts`. */
  readonly renown: number;
}

export const readLines = <Line>(name: string): Line[] =>
  readFileSync(join(import.meta.dirname, name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
