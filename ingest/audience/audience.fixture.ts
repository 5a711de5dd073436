/** A small audience for tests: the real catalogue, two hundred people, a fortnight. */
import { epochMs } from '../../schemas/ids.ts';
import { loadDemoCatalogue } from '../demo/demo-catalogue.ts';
import type { WorldOptions } from './audience-world.ts';
import { withReleases } from './releases.ts';

export const ENDS_AT = epochMs(Date.UTC(2026, 0, 15, 18));

export const smallAudience = (changes: Partial<WorldOptions> = {}): WorldOptions => ({
  catalogue: withReleases(loadDemoCatalogue(), {
    endsAt: ENDS_AT,
    releases: 30,
    releasesPerDay: 2,
  }),
  endsAt: ENDS_AT,
  seed: 7,
  people: 200,
  days: 14,
  events: 6_000,
  ...changes,
});
