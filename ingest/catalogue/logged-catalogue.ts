/** The catalogue read from the log itself, for whoever has no serving at hand. */
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { topicSlices } from '../../storage/event-log/partition-slices.ts';
import { readableRecord } from '../readable-record.ts';

/** Every item as the log has it last, deleted ones left out. */
export const catalogueIn = async (log: EventLog): Promise<readonly CatalogueItemRecord[]> => {
  const items = new Map<string, CatalogueItemRecord>();
  for await (const slice of topicSlices(log, TOPICS.catalogue.name)) {
    for (const { key, value } of slice) {
      if (value === null) items.delete(Buffer.from(key ?? []).toString());
      const named = readableRecord(value);
      if (named?.name === 'CatalogueItem') items.set(named.record.itemId, named.record);
    }
    await new Promise(setImmediate);
  }
  return [...items.values()];
};
