/** An item as the API shows it: its record, whether lists may show it now, and its live counters. */
import type { Item } from '../schemas/api/items.ts';
import { formatTime } from '../schemas/api/time.ts';
import type { EpochMs } from '../schemas/ids.ts';
import type { Catalogue } from './catalogue.ts';
import type { ItemIndex } from './item-index.ts';
import { timeOrNull } from './list-answer.ts';

export const itemOf = (
  slot: number,
  now: EpochMs,
  given: { readonly catalogue: Catalogue; readonly itemIndex: ItemIndex },
): Item => {
  const { catalogue, itemIndex } = given;
  const record = catalogue.record(slot)!;
  return {
    ...record,
    attributes: { ...record.attributes },
    publishedAt: timeOrNull(record.publishedAt),
    availableFrom: timeOrNull(record.availableFrom),
    expiresAt: timeOrNull(record.expiresAt),
    updatedAt: formatTime(record.updatedAt),
    visible: catalogue.isVisible(slot, now),
    counters: {
      interactions: itemIndex.interactionsOf(slot),
      popularity: shortened(itemIndex.popularityOf(slot, now)),
      trend: shortened(itemIndex.liftOf(slot, now)),
      ratingCount: itemIndex.ratingCountOf(slot),
      ratingMean: itemIndex.ratingMeanOf(slot),
      ratingHistogram: itemIndex.histogramOf(slot),
    },
  };
};

/** Four digits behind the point are plenty for a decayed counter. */
const shortened = (value: number): number => Math.round(value * 10_000) / 10_000;
