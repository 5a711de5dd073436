/** Everything about an audience that does not change as it acts: films, people, fashions. */
import type { EpochMs } from '../../schemas/ids.ts';
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import { type Fashions, fashionsOf } from './fashions.ts';
import { type FilmTable, filmTable } from './film-table.ts';
import { AUDIENCE_MODEL, type AudienceOptions, DEFAULT_AUDIENCE_OPTIONS } from './options.ts';
import { type People, peopleOf } from './people.ts';
import { withNeutralTaste } from './taste.ts';
import { EVENTS_PER_RATING } from './visit.ts';

export interface AudienceWorld {
  readonly options: AudienceOptions;
  readonly films: FilmTable;
  readonly people: People;
  readonly fashions: Fashions;
  /** Ratings of a person of mean activity in one cycle (the days of the history). */
  readonly ratingsPerPerson: number;
}

export interface WorldOptions extends Partial<AudienceOptions> {
  readonly catalogue: readonly CatalogueItemRecord[];
  /** When the history ends. The same moment must be given again to meet the same people. */
  readonly endsAt: EpochMs;
  /** How often each item was chosen in an imported dataset; goes before `renown`. */
  readonly counts?: ReadonlyMap<string, number>;
}

export const audienceWorld = (given: WorldOptions): AudienceWorld => {
  const { catalogue, endsAt, counts, ...rest } = given;
  const options: AudienceOptions = { ...DEFAULT_AUDIENCE_OPTIONS, ...rest };
  const table = filmTable(catalogue, { seed: options.seed, ...(counts ? { counts } : {}) });
  const films = withNeutralTaste(table, options.seed);
  const origin = endsAt - options.days * AUDIENCE_MODEL.DAY_MS;
  return {
    options,
    films,
    people: peopleOf(films, { ...options, origin }),
    fashions: fashionsOf(films, options.seed),
    ratingsPerPerson: (SURPLUS * options.events) / EVENTS_PER_RATING / options.people,
  };
};

/** A little more than asked for is made, since sessions reach over the end; the oldest is cut off. */
const SURPLUS = 1.05;
