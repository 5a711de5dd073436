/**
 * What is true of the simulated people, for judging what a recommender has learned: NDJSON lines,
 * first one of the audience, then the fashions of a time, then each person with the films that they
 * like best and how much, in standard deviations.
 */
import type { EpochMs } from '../../schemas/ids.ts';
import type { AudienceWorld } from './audience-world.ts';
import { shareAt } from './fashions.ts';

export interface TruthOptions {
  readonly at: EpochMs;
  /** Films of each person, the best liked first; all of them by `Infinity`. */
  readonly filmsPerPerson: number;
}

export function* truthLines(world: AudienceWorld, options: TruthOptions): Generator<string> {
  const { at } = options;
  const { people, films, fashions } = world;
  const time = new Date(at).toISOString();
  yield JSON.stringify({ type: 'audience', at: time, ...world.options });
  for (const fashion of fashions.activeAt(at)) {
    yield JSON.stringify({
      type: 'fashion',
      name: fashion.name,
      startsAt: new Date(fashion.startsAt).toISOString(),
      share: rounded(shareAt(fashion, at)),
      itemIds: Array.from(fashion.films, (film) => films.items[film]!.itemId),
    });
  }
  for (let index = 0; index < people.countAt(at); index++) {
    yield JSON.stringify(personTruth(world, index, options));
  }
}

const personTruth = (world: AudienceWorld, index: number, options: TruthOptions) => {
  const { people, films } = world;
  const person = people.at(index);
  const { affinities } = people.tasteAt(person, options.at);
  const best = Array.from(films.everyFilm)
    .sort((a, b) => affinities[b]! - affinities[a]! || a - b)
    .slice(0, options.filmsPerPerson);
  return {
    type: 'person',
    userId: person.userId,
    activity: rounded(person.activity),
    joinedAt: Number.isFinite(person.joinedAt) ? new Date(person.joinedAt).toISOString() : null,
    starBias: rounded(person.starBias),
    usesHalfStars: person.usesHalfStars,
    affinities: best.map((film) => [films.items[film]!.itemId, rounded(affinities[film]!)]),
  };
};

const rounded = (value: number): number => Math.round(10_000 * value) / 10_000;
