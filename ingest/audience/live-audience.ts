/**
 * The audience alive: people come, look at the lists that they are really served, click and rate, at
 * a chosen number of events a second. It acts through `AudienceApi` alone, as any site would, and
 * finds the same people as the history before it; whom it has rated with since lives in memory.
 *
 * Ticks of a tenth of a second: each gives the sessions that waited longest one event apiece, asks
 * for the lists that they need side by side, and sends all events of the tick as one batch. When the
 * program does not answer it waits, longer each time.
 */
import { type SeededRandom, seededRandom } from '../../algorithms/random/seeded-random.ts';
import type { Clock, Logger } from '../../schemas/environment.ts';
import { type DurationMs, type EpochMs, type EventId, eventId } from '../../schemas/ids.ts';
import type { AudienceApi, ShownList } from './audience-api.ts';
import type { AudienceWorld } from './audience-world.ts';
import { type AudienceEvent, ratedBy } from './history.ts';
import { LiveSession } from './live-session.ts';
import type { Person } from './people.ts';
import { sessionLength } from './session-plan.ts';

export interface LiveAudienceOptions {
  readonly ratePerSecond: number;
  /** Length of the lists asked for. */
  readonly listLength: number;
  /** A person in a session acts about this often. */
  readonly secondsPerAct: number;
  readonly sessionsMax: number;
  /** Sessions of hundreds of films belong to the history. */
  readonly ratingsPerSessionMax: number;
  /** People whose rated films are remembered, 16 bytes a film. */
  readonly peopleRememberedMax: number;
}

export const DEFAULT_LIVE_AUDIENCE_OPTIONS: LiveAudienceOptions = {
  ratePerSecond: 5,
  listLength: 20,
  secondsPerAct: 10,
  sessionsMax: 400,
  ratingsPerSessionMax: 40,
  peopleRememberedMax: 2_000,
};

export interface LiveAudienceStatus {
  readonly isPaused: boolean;
  readonly ratePerSecond: number;
  readonly sessions: number;
  readonly eventsSent: number;
  readonly eventsRefused: number;
  readonly listsSeen: number;
  readonly failures: number;
}

export interface LiveAudience {
  /** Acts until the signal is aborted; resolves then. */
  run(signal: AbortSignal): Promise<void>;
  pause(): void;
  resume(): void;
  setRate(ratePerSecond: number): void;
  status(): LiveAudienceStatus;
}

interface Dependencies {
  readonly world: AudienceWorld;
  readonly api: AudienceApi;
  readonly clock: Clock;
  readonly logger: Logger;
}

const TICK_MS = 100 as DurationMs;
/** After a pause or a stall at most the events of this long are made up for. */
const CATCH_UP_SECONDS = 1;
const BATCH_MAX = 500;
const BACKOFF_MS_MIN = 1_000;
const BACKOFF_MS_MAX = 30_000;
/** People who come in one tick beyond those needed: each costs a look at all that they ever did. */
const NEWCOMERS_MAX = 4;
/** Draws of people in a tick; few are needed beyond the free places. */
const PICKS_MAX = 1_000;
const LIVE_FORK = 6;

export const createLiveAudience = (
  dependencies: Dependencies,
  options: Partial<LiveAudienceOptions> = {},
): LiveAudience => new Visitors(dependencies, { ...DEFAULT_LIVE_AUDIENCE_OPTIONS, ...options });

class Visitors implements LiveAudience {
  readonly #given: Dependencies;
  readonly #options: LiveAudienceOptions;
  readonly #random: SeededRandom;
  readonly #runName: string;
  readonly #seen = new Map<number, Set<number>>();
  readonly #pool: PersonPool;
  #sessions: LiveSession[] = [];
  #ratePerSecond: number;
  #isPaused = false;
  #budget = 0;
  #begun = 0;
  #made = 0;
  #counters = { eventsSent: 0, eventsRefused: 0, listsSeen: 0, failures: 0 };

  constructor(given: Dependencies, options: LiveAudienceOptions) {
    const startedAt = given.clock.now();
    this.#given = given;
    this.#options = options;
    this.#ratePerSecond = options.ratePerSecond;
    this.#random = seededRandom(given.world.options.seed)
      .fork(LIVE_FORK)
      .fork(startedAt % 2 ** 31);
    this.#runName = startedAt.toString(36);
    this.#pool = new PersonPool(given.world);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  setRate(ratePerSecond: number): void {
    this.#ratePerSecond = ratePerSecond;
  }

  status(): LiveAudienceStatus {
    return {
      isPaused: this.#isPaused,
      ratePerSecond: this.#ratePerSecond,
      sessions: this.#sessions.length,
      ...this.#counters,
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#given;
    let last = clock.monotonicMs();
    let backoffMs = BACKOFF_MS_MIN;
    while (!signal.aborted) {
      try {
        const now = clock.monotonicMs();
        await this.#tick((now - last) / 1_000, signal);
        last = now;
        backoffMs = BACKOFF_MS_MIN;
        await clock.sleep(TICK_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#counters.failures++;
        this.#sessions = [];
        logger.warn('the audience waits', { backoffMs, error: String(error) });
        await clock.sleep(backoffMs as DurationMs, signal).catch(() => {});
        backoffMs = Math.min(2 * backoffMs, BACKOFF_MS_MAX);
        last = clock.monotonicMs();
      }
    }
  }

  async #tick(seconds: number, signal: AbortSignal): Promise<void> {
    if (this.#isPaused) return;
    const limit = Math.max(1, this.#ratePerSecond * CATCH_UP_SECONDS);
    this.#budget = Math.min(limit, this.#budget + this.#ratePerSecond * seconds);
    const acts = Math.min(Math.floor(this.#budget), BATCH_MAX);
    if (acts < 1) return;
    const acting = this.#nextSessions(acts);
    await this.#serveLists(acting, signal);
    const time = this.#given.clock.now();
    const events = acting
      .map((session) => session.act(time))
      .filter((event) => event !== undefined);
    const shown = acting
      .map((session) => session.takeShown(time))
      .filter((list) => list !== undefined);
    this.#sessions.push(...acting.filter(({ isOver }) => !isOver));
    await this.#send(events, shown, signal);
    this.#budget -= events.length;
  }

  /** The sessions that waited longest, new ones where too few people are there. */
  #nextSessions(count: number): LiveSession[] {
    const { secondsPerAct, sessionsMax } = this.#options;
    const wanted = Math.min(sessionsMax, Math.ceil(this.#ratePerSecond * secondsPerAct));
    const present = new Set(this.#sessions.map(({ person }) => person.index));
    const time = this.#given.clock.now();
    // A crowd gathers; waiting for all of it would keep the first from acting for seconds.
    const target = Math.min(Math.max(wanted, count), this.#sessions.length + NEWCOMERS_MAX);
    // Nobody is in two sessions at once; where few people exist, fewer act.
    for (
      let tries = 0;
      tries < PICKS_MAX && this.#sessions.length < Math.max(target, count);
      tries++
    ) {
      const person = this.#pool.pick(time, this.#random);
      if (present.has(person.index)) continue;
      present.add(person.index);
      this.#sessions.push(this.#newSession(person, time));
    }
    return this.#sessions.splice(0, count);
  }

  #newSession(person: Person, time: EpochMs): LiveSession {
    const { world } = this.#given;
    this.#begun++;
    return new LiveSession({
      world,
      person,
      taste: world.people.tasteAt(person, time),
      random: this.#random.fork(this.#begun),
      seen: this.#seenBy(person, time),
      ratings: Math.min(sessionLength(this.#random), this.#options.ratingsPerSessionMax),
      nextEventId: () => this.#nextEventId(),
    });
  }

  #seenBy(person: Person, time: EpochMs): Set<number> {
    const seen = this.#seen.get(person.index) ?? ratedBy(this.#given.world, person, time);
    // Moved to the end: the map's order is the order of use.
    this.#seen.delete(person.index);
    this.#seen.set(person.index, seen);
    if (this.#seen.size > this.#options.peopleRememberedMax) {
      this.#seen.delete(this.#seen.keys().next().value!);
    }
    return seen;
  }

  #nextEventId(): EventId {
    this.#made++;
    return eventId(`live-${this.#runName}-${this.#made}`);
  }

  async #serveLists(sessions: readonly LiveSession[], signal: AbortSignal): Promise<void> {
    const { api } = this.#given;
    await Promise.all(
      sessions
        .filter(({ wantsList }) => wantsList)
        .map(async (session) => {
          const { userId } = session.person;
          session.serve(await api.recommendations(userId, this.#options.listLength, signal));
          this.#counters.listsSeen++;
        }),
    );
  }

  async #send(
    events: readonly AudienceEvent[],
    shown: readonly ShownList[],
    signal: AbortSignal,
  ): Promise<void> {
    const { api } = this.#given;
    if (events.length > 0) {
      const refused = await api.postEvents(events, signal);
      this.#counters.eventsSent += events.length - refused;
      this.#counters.eventsRefused += refused;
    }
    if (shown.length > 0) await api.postImpressions(shown, signal);
  }
}

/** Draws people by how active they are; newcomers enter as they join. */
class PersonPool {
  readonly #world: AudienceWorld;
  #sums: number[] = [];

  constructor(world: AudienceWorld) {
    this.#world = world;
  }

  pick(time: EpochMs, random: SeededRandom): Person {
    const { people } = this.#world;
    const count = people.countAt(time);
    for (let index = this.#sums.length; index < count; index++) {
      this.#sums.push((this.#sums.at(-1) ?? 0) + people.at(index).activity);
    }
    const target = random.next() * (this.#sums.at(-1) ?? 0);
    let low = 0;
    let high = this.#sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sums[middle]! > target) high = middle;
      else low = middle + 1;
    }
    return people.at(low);
  }
}
