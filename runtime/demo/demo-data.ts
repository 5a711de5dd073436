/**
 * The demo's films and the weeks that its audience lived before anybody looked: written through the
 * real log as a backfill, so that a kill in the middle is made good by the next start.
 */
import { type AudienceWorld, audienceWorld } from '../../ingest/audience/audience-world.ts';
import type { AudienceEvent } from '../../ingest/audience/history.ts';
import { DEFAULT_AUDIENCE_OPTIONS } from '../../ingest/audience/options.ts';
import { withReleases } from '../../ingest/audience/releases.ts';
import { fillGap, historyOf } from '../../ingest/audience/simulate-history.ts';
import { loadDemoCatalogue } from '../../ingest/demo/demo-catalogue.ts';
import type { BackfillSink } from '../../ingest/import/backfill-sink.ts';
import { LogBackfillSink } from '../../ingest/import/log-backfill-sink.ts';
import type { Clock } from '../../schemas/environment.ts';
import { type EpochMs, epochMs } from '../../schemas/ids.ts';
import type { AudienceFacts, DataDirectory } from '../data-directory.ts';
import type { Instance } from '../instance.ts';
import type { ProgressLine } from '../terminal.ts';

const HISTORY_EVENTS = 200_000;
/** More than that is made, since what was taken back is left out. */
const SURPLUS = 1.06;
const BATCH_EVENTS = 8_192;
const ITEM_BATCH = 500;
/** Longer absences are not filled: nobody reads a month of events that nobody saw. */
const GAP_DAYS_MAX = 7;
/** Shorter ones are not worth a line on the terminal. */
const GAP_MS_MIN = 60_000;
const DAY_MS = 86_400_000;

export const demoWorldOf = (facts: AudienceFacts): AudienceWorld => {
  const catalogue = withReleases(loadDemoCatalogue(facts.endsAt), {
    ...DEFAULT_AUDIENCE_OPTIONS,
    endsAt: facts.endsAt,
  });
  return audienceWorld({
    catalogue,
    endsAt: facts.endsAt,
    seed: facts.seed,
    events: Math.ceil(HISTORY_EVENTS * SURPLUS),
  });
};

/** How a history is written: until it is told to stop, with somebody looking. */
export interface Writing {
  readonly clock: Clock;
  readonly progress: ProgressLine;
  readonly signal: AbortSignal;
}

/** Writes films and history; what an interrupted start has written already is left out. */
export const loadDemo = async (
  instance: Pick<Instance, 'log' | 'directory'>,
  writing: Writing,
): Promise<number> => {
  const { clock } = writing;
  const facts = audienceFactsOf(instance.directory, clock);
  const sink = new LogBackfillSink({ log: instance.log, clock });
  const catalogue = withReleases(loadDemoCatalogue(facts.endsAt), {
    ...DEFAULT_AUDIENCE_OPTIONS,
    endsAt: facts.endsAt,
  });
  for (let from = 0; from < catalogue.length; from += ITEM_BATCH) {
    await sink.appendItems(catalogue.slice(from, from + ITEM_BATCH));
  }
  const events = withoutUndone(historyOf(demoWorldOf(facts), facts.endsAt)).slice(-HISTORY_EVENTS);
  const importId = `demo-${facts.seed}-${facts.endsAt}`;
  await backfill(sink, { ...writing, importId, events });
  instance.directory.updateFacts({ audience: { ...facts, isLoaded: true } });
  return events.length;
};

export interface Absence extends Writing {
  readonly world: AudienceWorld;
}

/** What the people did since Freshet was last on; the number of events. */
export const fillAbsence = async (
  instance: Pick<Instance, 'log' | 'directory'>,
  { world, ...writing }: Absence,
): Promise<number> => {
  const { clock } = writing;
  const facts = instance.directory.facts.audience;
  const now = clock.now();
  if (!facts || now - facts.actedUntil < GAP_MS_MIN) return 0;
  const from = epochMs(Math.max(facts.actedUntil, now - GAP_DAYS_MAX * DAY_MS));
  const events = withoutUndone(fillGap(world, from, now));
  const sink = new LogBackfillSink({ log: instance.log, clock });
  await backfill(sink, { ...writing, importId: `gap-${facts.seed}-${from}`, events });
  instance.directory.updateFacts({ audience: { ...facts, actedUntil: now } });
  return events.length;
};

/** Decided once and written down before anything else, so that a second try means the same events. */
const audienceFactsOf = (directory: DataDirectory, clock: Clock): AudienceFacts => {
  const known = directory.facts.audience;
  if (known) return known;
  const audience: AudienceFacts = { ...newAudience(clock), isLoaded: false };
  directory.updateFacts({ audience });
  return audience;
};

/** An audience whose history ends now. */
export const newAudience = (clock: Clock): AudienceFacts => {
  const endsAt = clock.now();
  return { seed: DEFAULT_AUDIENCE_OPTIONS.seed, endsAt, actedUntil: endsAt, isLoaded: true };
};

/** An imported event has another id than the one that an undo names: so both stay out. */
const withoutUndone = (events: readonly AudienceEvent[]): readonly AudienceEvent[] => {
  const undone = new Set(events.map(({ context }) => context?.undoes).filter((id) => id !== null));
  return events.filter(({ kind, eventId }) => kind !== 'undo' && !undone.has(eventId));
};

const backfill = async (
  sink: BackfillSink,
  given: Writing & { readonly importId: string; readonly events: readonly AudienceEvent[] },
): Promise<void> => {
  const { importId, events, clock, progress, signal } = given;
  const startedAt = clock.now();
  const record = (eventsSent: number, finishedAt: EpochMs | null): Promise<void> =>
    sink.recordImport(importId, {
      status: finishedAt === null ? 'running' : 'done',
      source: 'the simulated audience',
      items: 0,
      events: events.length,
      eventsSent,
      shiftMs: 0,
      startedAt,
      finishedAt,
    });
  await record(0, null);
  for (let from = 0; from < events.length; from += BATCH_EVENTS) {
    signal.throwIfAborted();
    const batch = events.slice(from, from + BATCH_EVENTS);
    await sink.appendEvents(
      importId,
      batch.map((event, index) => ({ ...event, sessionId: null, sequence: from + index })),
    );
    progress.update(from + batch.length, events.length);
  }
  await record(events.length, clock.now());
};
