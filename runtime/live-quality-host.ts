/**
 * Watches how good lists are while people use them: events on their way to the log are tried against
 * the lists of just before (a sample of them, so that it costs a few milliseconds a second), and what
 * it sees raises the alarms of the learning loop.
 */
import { Alarms, distanceOf, overlapOf } from '../evaluation/alarms.ts';
import { QualityWindow } from '../evaluation/live-quality/quality-window.ts';
import type { LiveQualityAnswer } from '../schemas/api/system.ts';
import type { Clock, Logger } from '../schemas/environment.ts';
import type { DurationMs, EpochMs } from '../schemas/ids.ts';
import { DEFAULT_KINDS } from '../schemas/kinds.ts';
import type { InteractionRecord } from '../schemas/records.ts';
import type { Serving } from '../serving/serving.ts';
import type { Subject } from '../serving/subject-reader.ts';
import { TRIED_SOURCES } from '../serving/trial-lists.ts';
import type { Warehouse } from '../storage/warehouse/warehouse.ts';

export interface LiveQualityOptions {
  readonly serving: Serving;
  /** Absent where there is none: then nothing is known of other days. */
  readonly warehouse: Warehouse | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Events that are tried a second, at most; 0 for none. */
  readonly perSecond: number;
}

export interface LiveQualityHost {
  observe(event: InteractionRecord): void;
  report(): LiveQualityAnswer;
  alarms(): readonly string[];
  stop(): Promise<void>;
}

const WINDOW_EVENTS = 2_000;
const PEOPLE_MAX = 1_000;
const TURN_MS = 1_000 as DurationMs;
/** So all of a thousand people are looked at in some three minutes. */
const PEOPLE_PER_TURN = 5;
/** With fewer people nothing is said of the overlap. */
const PEOPLE_MIN = 20;
const DRIFT_EVERY_MS = 600_000;
const DAY_MS = 86_400_000;
const DAYS_BEFORE = 7;
/** Choices of a day, and of the days before, below which a distance says nothing. */
const CHOICES_MIN = 200;
const ITEMS_MAX = 20_000;

const CHOICES = {
  name: 'what was chosen by day',
  sql: `SELECT itemId, countIf(occurredAt >= {today:DateTime64(3)}) AS today,
      countIf(occurredAt < {today:DateTime64(3)}) AS before
    FROM interactions
    WHERE occurredAt >= {since:DateTime64(3)} AND kind IN {kinds:Array(String)}
    GROUP BY itemId ORDER BY today + before DESC, itemId LIMIT {items:UInt32}`,
};

export const watchLiveQuality = (options: LiveQualityOptions): LiveQualityHost => {
  const { serving, clock, logger } = options;
  const window = new QualityWindow({
    size: WINDOW_EVENTS,
    sources: TRIED_SOURCES,
    baseline: 'popular',
  });
  const alarms = new Alarms();
  const people = new RecentPeople();
  const stop = new AbortController();
  let allowance = options.perSecond;
  let trying: Promise<void> = Promise.resolve();
  let drift: number | undefined;
  let driftAt = Number.NEGATIVE_INFINITY;
  let on: readonly string[] = [];

  const tryEvent = async (event: InteractionRecord): Promise<void> => {
    const before = await serving.trials.before(event);
    if (before === undefined) return;
    people.met(before.subject);
    window.add(before.lists, before.target);
  };

  const turn = async (): Promise<void> => {
    allowance = options.perSecond;
    const release = serving.status().release;
    if (release?.version != null) await lookAtPeople(people, serving);
    const nowMs = clock.monotonicMs();
    // Before the first event there need not be a table yet.
    const isDue = window.tested > 0 && nowMs - driftAt >= DRIFT_EVERY_MS;
    if (options.warehouse !== undefined && isDue) {
      driftAt = nowMs;
      drift = await driftOf(options.warehouse, clock.now());
    }
    const releaseMadeAt = release?.madeAt ?? undefined;
    on = alarms.see({ now: clock.now(), overlap: people.overlap(), drift, releaseMadeAt });
  };

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await clock.sleep(TURN_MS, stop.signal).catch(() => undefined);
      if (stop.signal.aborted) return;
      await turn().catch((error) => logger.warn('The quality of lists is not watched', { error }));
    }
  };
  const running = run();
  return {
    observe(event) {
      if (allowance <= 0 || event.backfill !== null) return;
      allowance -= 1;
      trying = trying
        .then(() => tryEvent(event))
        .catch((error) => logger.warn('An event could not be tried against lists', { error }));
    },
    report: () => ({
      tested: window.tested,
      windowEvents: Math.min(window.tested, WINDOW_EVENTS),
      sources: window.read(serving.status().catalogue.visible),
      overlap: people.overlap() ?? null,
      drift: drift ?? null,
    }),
    alarms: () => on,
    async stop() {
      stop.abort();
      await running;
      await trying;
    },
  };
};

/** Those who chose something of late, and how far the two sides of their lists agreed when last seen. */
class RecentPeople {
  readonly #people = new Map<string, Subject>();
  readonly #overlaps = new Map<string, number>();
  #turn: Iterator<Subject> = this.#people.values();

  met(subject: Subject): void {
    this.#people.delete(subject.id);
    this.#people.set(subject.id, subject);
    if (this.#people.size <= PEOPLE_MAX) return;
    const [oldest] = this.#people.keys();
    this.#people.delete(oldest!);
    this.#overlaps.delete(oldest!);
  }

  next(): Subject | undefined {
    const found = this.#turn.next();
    if (!found.done) return found.value;
    this.#turn = this.#people.values();
    return this.#turn.next().value;
  }

  saw(subject: Subject, overlap: number | undefined): void {
    if (overlap === undefined) this.#overlaps.delete(subject.id);
    else if (this.#people.has(subject.id)) this.#overlaps.set(subject.id, overlap);
  }

  overlap(): number | undefined {
    if (this.#overlaps.size < PEOPLE_MIN) return undefined;
    let sum = 0;
    for (const overlap of this.#overlaps.values()) sum += overlap;
    return sum / this.#overlaps.size;
  }
}

const lookAtPeople = async (people: RecentPeople, { trials }: Serving): Promise<void> => {
  for (let looked = 0; looked < PEOPLE_PER_TURN; looked++) {
    const subject = people.next();
    if (subject === undefined) return;
    const sides = await trials.bothSides(subject);
    people.saw(subject, sides && overlapOf(sides.models, sides.counted));
  }
};

const driftOf = async (warehouse: Warehouse, now: EpochMs): Promise<number | undefined> => {
  const rows = await warehouse.query(CHOICES, {
    today: new Date(now - DAY_MS),
    since: new Date(now - (DAYS_BEFORE + 1) * DAY_MS),
    kinds: DEFAULT_KINDS.filter(
      ({ polarity }) => polarity !== 'none' && polarity !== 'negative',
    ).map(({ name }) => name),
    items: ITEMS_MAX,
  });
  const countsOf = (column: 'today' | 'before'): Map<string, number> =>
    new Map(rows.map((row) => [row.itemId as string, row[column] as number]));
  const [today, before] = [countsOf('today'), countsOf('before')];
  const isEnough = [today, before].every(
    (counts) => [...counts.values()].reduce((sum, count) => sum + count, 0) >= CHOICES_MIN,
  );
  return isEnough ? distanceOf(today, before) : undefined;
};
