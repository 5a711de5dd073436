/**
 * Fashions: for some days a share of all picks goes to films of one theme, franchise, person or
 * genre of a decade; a film that comes out is a fashion of its own. A fashion rises within a day
 * and halves every few days. Which fashions there are on a day is a pure function of (seed, day).
 */
import { seededRandom } from '../../algorithms/random/seeded-random.ts';
import type { FilmTable } from './film-table.ts';
import { AUDIENCE_MODEL } from './options.ts';

export interface Fashion {
  readonly name: string;
  readonly startsAt: number;
  /** Share of picks at its height. */
  readonly share: number;
  readonly halfLifeMs: number;
  /** Indexes of its films. */
  readonly films: ArrayLike<number>;
}

export interface Fashions {
  /** Those that still matter at a time. */
  activeAt(time: number): readonly Fashion[];
}

/** After this long a fashion is over. */
const LASTS_MS = 14 * AUDIENCE_MODEL.DAY_MS;
const FILMS_MIN = 4;
const FILMS_MAX = 60;
const FASHIONS_FORK = 5;

/** Share of picks that go to a fashion at a time. */
export const shareAt = (fashion: Fashion, time: number): number => {
  const age = time - fashion.startsAt;
  if (age <= 0 || age > LASTS_MS) return 0;
  const risen = 1 - Math.exp(-age / (AUDIENCE_MODEL.fashionRiseDays * AUDIENCE_MODEL.DAY_MS));
  return fashion.share * risen * 2 ** (-age / fashion.halfLifeMs);
};

export const fashionsOf = (films: FilmTable, seed: number): Fashions => {
  const subjects = films.features.filter(
    ({ group, films: { length } }) =>
      group !== 'basis' && length >= FILMS_MIN && length <= FILMS_MAX,
  );
  const byDay = new Map<number, readonly Fashion[]>();
  const releases = releaseFashions(films);

  const startingOn = (day: number): readonly Fashion[] => {
    const known = byDay.get(day);
    if (known) return known;
    const random = seededRandom(seed).fork(FASHIONS_FORK).fork(day);
    const count = subjects.length > 0 && random.next() < AUDIENCE_MODEL.fashionsPerDay ? 1 : 0;
    const fashions = Array.from({ length: count }, (): Fashion => {
      const { name, films: members } = subjects[random.below(subjects.length)]!;
      return {
        name,
        startsAt: (day + random.next()) * AUDIENCE_MODEL.DAY_MS,
        share: AUDIENCE_MODEL.fashionShare * (0.5 + random.next()),
        halfLifeMs:
          AUDIENCE_MODEL.fashionHalfLifeDays * AUDIENCE_MODEL.DAY_MS * (0.5 + random.next()),
        films: members,
      };
    });
    byDay.set(day, fashions);
    return fashions;
  };

  return {
    activeAt: (time) => {
      const today = Math.floor(time / AUDIENCE_MODEL.DAY_MS);
      const days = Math.ceil(LASTS_MS / AUDIENCE_MODEL.DAY_MS);
      const recent = Array.from({ length: days + 1 }, (_, ago) => startingOn(today - ago)).flat();
      return [...recent, ...releases].filter((fashion) => shareAt(fashion, time) > 0);
    },
  };
};

const releaseFashions = (films: FilmTable): Fashion[] =>
  films.items.flatMap((item, film) =>
    item.availableFrom === null
      ? []
      : [
          {
            name: item.title,
            startsAt: item.availableFrom,
            share: AUDIENCE_MODEL.releaseShare,
            halfLifeMs: AUDIENCE_MODEL.fashionHalfLifeDays * AUDIENCE_MODEL.DAY_MS,
            films: [film],
          },
        ],
  );
