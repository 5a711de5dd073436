/**
 * The people of an imported data set, as the log holds their ratings: what the audience of a data
 * set goes on from. Ratings that the audience gave itself carry other import ids and are left out.
 */
import type { UserId } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { topicSlices } from '../../storage/event-log/partition-slices.ts';
import { readableRecord } from '../readable-record.ts';

export interface RatedItem {
  readonly itemId: string;
  readonly stars: number;
}

export interface Rater {
  readonly userId: UserId;
  readonly ratings: readonly RatedItem[];
}

/** The most active ones; a rating takes some 60 bytes while they are read. */
const RATERS_MAX = 10_000;
/** As `freshet import` names what it imports: by a hash of the contents. */
const CONTENT_HASH = /^[0-9a-f]{64}$/;

/** Most active first. */
export const ratersIn = async (log: EventLog): Promise<readonly Rater[]> => {
  const ratings = new Map<UserId, RatedItem[]>();
  for await (const slice of topicSlices(log, TOPICS.interactions.name)) {
    for (const { value } of slice) addRating(ratings, value);
    await new Promise(setImmediate);
  }
  return [...ratings]
    .map(([userId, own]): Rater => ({ userId, ratings: own }))
    .sort((a, b) => b.ratings.length - a.ratings.length || (a.userId < b.userId ? -1 : 1))
    .slice(0, RATERS_MAX);
};

const addRating = (ratings: Map<UserId, RatedItem[]>, value: Uint8Array | null): void => {
  const named = readableRecord(value);
  if (named?.name !== 'Interaction') return;
  const { userId, itemId, kind, value: stars, backfill } = named.record;
  if (kind !== 'rating' || userId === null || stars === null) return;
  if (backfill === null || !CONTENT_HASH.test(backfill)) return;
  const own = ratings.get(userId);
  if (own) own.push({ itemId, stars });
  else ratings.set(userId, [{ itemId, stars }]);
};
