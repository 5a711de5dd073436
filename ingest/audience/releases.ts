/**
 * New films: the newest real films of the catalogue are held back and come out one by one, by
 * `availableFrom`, so that nothing has to run for a film to appear. Invented titles would be more
 * but mean nothing to anyone.
 */
import { type EpochMs, epochMs } from '../../schemas/ids.ts';
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import { AUDIENCE_MODEL } from './options.ts';

export interface ReleaseOptions {
  /** When the history ends; a third of the releases are out by then. */
  readonly endsAt: EpochMs;
  readonly releases: number;
  readonly releasesPerDay: number;
}

/** Share of the releases that came out within the history, so that some are fresh at the start. */
const OUT_BEFORE_END = 1 / 3;

/** The same catalogue, its newest films with a time from which they are there. */
export const withReleases = (
  catalogue: readonly CatalogueItemRecord[],
  { endsAt, releases, releasesPerDay }: ReleaseOptions,
): CatalogueItemRecord[] => {
  const newest = catalogue
    .filter(({ publishedAt }) => publishedAt !== null)
    .sort((a, b) => b.publishedAt! - a.publishedAt! || (a.itemId < b.itemId ? -1 : 1))
    .slice(0, releases)
    .reverse();
  const gapMs = AUDIENCE_MODEL.DAY_MS / releasesPerDay;
  const firstAt = endsAt - Math.floor(newest.length * OUT_BEFORE_END) * gapMs;
  const times = new Map(newest.map((item, at) => [item.itemId, epochMs(firstAt + at * gapMs)]));
  return catalogue.map((item) => {
    const availableFrom = times.get(item.itemId);
    return availableFrom === undefined ? item : { ...item, availableFrom };
  });
};
