/**
 * The streams of events that the learning loop is measured on: the simulated audience, whose tastes
 * drift and whose fashions come and go, and MovieLens, whose years are compressed. The weights and
 * ISGD's settings were chosen on the warm-up of each.
 */
import { audienceWorld } from '../../../ingest/audience/audience-world.ts';
import { DEFAULT_AUDIENCE_OPTIONS } from '../../../ingest/audience/options.ts';
import { withReleases } from '../../../ingest/audience/releases.ts';
import { historyOf } from '../../../ingest/audience/simulate-history.ts';
import { loadDemoCatalogue } from '../../../ingest/demo/demo-catalogue.ts';
import { epochMs } from '../../../schemas/ids.ts';
import {
  ML_1M_FILE,
  ML_SMALL_FILE,
  type Ratings,
  readMovieLens1M,
  readMovieLensSmall,
} from '../datasets/movielens.ts';
import type { IncrementalSgdSettings } from '../online/incremental-sgd.ts';
import type { OnlineEvent } from '../online/prequential-run.ts';

const DAY_MS = 24 * 3_600_000;

/** Weights of z-scores: of what is counted, and of what is solved at night. */
export interface LoopWeights {
  readonly transitions: number;
  readonly 'item cosine': number;
  readonly EASE: number;
  readonly taste: number;
}

export interface LoopStream {
  readonly name: string;
  readonly title: string;
  /** The data file without which there is no such stream. */
  readonly file?: string;
  events(): Promise<OnlineEvent[]>;
  readonly nights: { readonly share: number } | { readonly everyMs: number };
  readonly sgd: IncrementalSgdSettings;
  readonly weights: LoopWeights;
  /** Whether the next-item model is among what is tried on the warm-up. */
  readonly triesNextItem?: true;
}

const numbered = (): ((id: number | string) => number) => {
  const known = new Map<number | string, number>();
  return (id) => {
    const place = known.get(id) ?? known.size;
    known.set(id, place);
    return place;
  };
};

const likedOf = ({ ratings }: Ratings): OnlineEvent[] => {
  const [userOf, itemOf] = [numbered(), numbered()];
  return ratings
    .filter(({ value }) => value >= 4)
    .map(({ user, item, time }) => ({ user: userOf(user), item: itemOf(item), time }));
};

const AUDIENCE_ENDS_AT = epochMs(Date.UTC(2026, 0, 15, 18));

/** The first time that each person of the simulated audience took each film. */
const takenByAudience = (): OnlineEvent[] => {
  const endsAt = AUDIENCE_ENDS_AT;
  const catalogue = withReleases(loadDemoCatalogue(), { ...DEFAULT_AUDIENCE_OPTIONS, endsAt });
  const world = audienceWorld({ catalogue, endsAt });
  const [userOf, itemOf] = [numbered(), numbered()];
  const taken = new Set<string>();
  const events: OnlineEvent[] = [];
  for (const { userId, itemId, kind, value, occurredAt } of historyOf(world, AUDIENCE_ENDS_AT)) {
    const isChosen = kind === 'rating' ? (value ?? 0) >= 4 : kind === 'watch' || kind === 'like';
    const pair = `${userId} ${itemId}`;
    if (!isChosen || taken.has(pair)) continue;
    taken.add(pair);
    events.push({ user: userOf(userId), item: itemOf(itemId), time: occurredAt });
  }
  return events;
};

export const STREAMS: readonly LoopStream[] = [
  {
    name: 'audience',
    title: 'the simulated audience',
    events: async () => takenByAudience(),
    nights: { everyMs: DAY_MS },
    sgd: { rate: 0.05, deviation: 0.02 },
    weights: { transitions: 0.5, 'item cosine': 0.5, EASE: 0.5, taste: 2 },
    triesNextItem: true,
  },
  {
    name: 'latest-small',
    title: 'MovieLens latest-small',
    file: ML_SMALL_FILE,
    events: async () => likedOf(await readMovieLensSmall()),
    nights: { share: 0.1 },
    sgd: { rate: 0.1, deviation: 0.1 },
    weights: { transitions: 3, 'item cosine': 0.5, EASE: 1, taste: 1 },
  },
  {
    name: 'ml-1m',
    title: 'MovieLens 1M',
    file: ML_1M_FILE,
    events: async () => likedOf(await readMovieLens1M()),
    nights: { share: 0.1 },
    sgd: { rate: 0.05, deviation: 0.02 },
    weights: { transitions: 3, 'item cosine': 0.5, EASE: 0.5, taste: 0.5 },
  },
];
