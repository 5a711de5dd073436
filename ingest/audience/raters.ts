/**
 * The people of an imported data set, as the log holds their ratings: what the audience of a data
 * set goes on from. Ratings that the audience gave itself carry other import ids and are left out.
 */
import type { UserId } from '../../schemas/ids.ts';
import { partitionIndex } from '../../schemas/ids.ts';
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog, LogRecord } from '../../storage/event-log/event-log.ts';
import { partitionSlices } from '../../storage/event-log/partition-slices.ts';
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
const _SLICE = { recordsMax: 4_096, bytesMax: 1_048_576 };
/** As `freshet import` names what it imports: by a hash of the contents. */
const CONTENT_HASH = /^[0-9a-f]{64}$/;

/** Most active first. */
export const ratersIn = async (log: EventLog): Promise<readonly Rater[]> => {
  const ratings = new Map<UserId, RatedItem[]>();
  await eachRecord(log, TOPICS.interactions.name, ({ value }) => {
    const named = readableRecord(value);
    if (named?.name !== 'Interaction') return;
    const { userId, itemId, kind, value: stars, backfill } = named.record;
    if (kind !== 'rating' || userId === null || stars === null) return;
    if (backfill === null || !CONTENT_HASH.test(backfill)) return;
    const own = ratings.get(userId);
    if (own) own.push({ itemId, stars });
    else ratings.set(userId, [{ itemId, stars }]);
  });
  return [...ratings]
    .map(([userId, own]): Rater => ({ userId, ratings: own }))
    .sort((a, b) => b.ratings.length - a.ratings.length || (a.userId < b.userId ? -1 : 1))
    .slice(0, RATERS_MAX);
};

/** Every item as the log has it last, deleted ones left out. */
export const catalogueIn = async (log: EventLog): Promise<readonly CatalogueItemRecord[]> => {
  const items = new Map<string, CatalogueItemRecord>();
  await eachRecord(log, TOPICS.catalogue.name, ({ key, value }) => {
    if (value === null) items.delete(Buffer.from(key ?? []).toString());
    const named = readableRecord(value);
    if (named?.name === 'CatalogueItem') items.set(named.record.itemId, named.record);
  });
  return [...items.values()];
};

const eachRecord = async (
  log: EventLog,
  topic: string,
  receive: (record: LogRecord) => void,
): Promise<void> => {
  const { partitionCount } = await log.topic(topic);
  for (let number = 0; number < partitionCount; number++) {
    const partition = partitionIndex(number);
    for await (const slice of partitionSlices(log, topic, partition)) {
      for (const record of slice) receive(record);
      await new Promise(setImmediate);
    }
  }
};
