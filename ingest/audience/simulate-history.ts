/** The history that a fresh instance starts with. */
import type { EpochMs } from '../../schemas/ids.ts';
import { type AudienceWorld, audienceWorld, type WorldOptions } from './audience-world.ts';
import { type AudienceEvent, eventsBetween } from './history.ts';
import { AUDIENCE_MODEL } from './options.ts';

/**
 * `events` events that end at `endsAt`, oldest first (a few per cent fewer where a small audience
 * comes less often than in the mean); the same options, the same events.
 */
export const simulateHistory = (options: WorldOptions): AudienceEvent[] =>
  historyOf(audienceWorld(options), options.endsAt);

export const historyOf = (world: AudienceWorld, endsAt: EpochMs): AudienceEvent[] => {
  const from = (endsAt - world.options.days * AUDIENCE_MODEL.DAY_MS) as EpochMs;
  const events = eventsBetween(world, { from, to: endsAt, mark: 'history' });
  return events.slice(Math.max(0, events.length - world.options.events));
};

/** What the people did in a span in which the program was off; ids begin with `gap`. */
export const fillGap = (world: AudienceWorld, from: EpochMs, to: EpochMs): AudienceEvent[] =>
  eventsBetween(world, { from, to, mark: 'gap' });
