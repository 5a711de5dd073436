/**
 * Weeks of history in a moment: what the people did before the program was there, and what they
 * would have done while it was off. Each person is simulated alone (choices rest on popularity,
 * taste, fashion and mood, not on what others just did), so any span of time gives the same events
 * however it is cut, and the whole is a sort of the parts by time.
 */
import {
  type EpochMs,
  type EventId,
  eventId,
  type ItemId,
  type UserId,
} from '../../schemas/ids.ts';
import type { InteractionContext } from '../../schemas/records.ts';
import type { AudienceWorld } from './audience-world.ts';
import { FilmChoice } from './film-choice.ts';
import type { Person, TasteNow } from './people.ts';
import { type PlannedSession, PURPOSES_PER_CYCLE, sessionsOf } from './session-plan.ts';
import type { Opinion } from './stars.ts';
import { BROWSED_PER_RATED, browsedVisit, ratedVisit, type Step } from './visit.ts';

/** An interaction without the stamps that ingest puts on it. */
export interface AudienceEvent {
  readonly eventId: EventId;
  readonly userId: UserId;
  readonly itemId: ItemId;
  readonly kind: string;
  readonly value: number | null;
  readonly occurredAt: EpochMs;
  readonly context: InteractionContext | null;
}

export interface HistorySpan {
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Begins the event ids: `history` for the first weeks, `gap` for time in which nothing ran. */
  readonly mark: string;
}

const ACTS_PURPOSE = 1;

/** All events of a span, oldest first. */
export const eventsBetween = (world: AudienceWorld, span: HistorySpan): AudienceEvent[] => {
  const events: AudienceEvent[] = [];
  const count = world.people.countAt(span.to);
  for (let index = 0; index < count; index++) {
    new PersonHistory(world, world.people.at(index), span).addTo(events);
  }
  return events.sort((a, b) => a.occurredAt - b.occurredAt || (a.eventId < b.eventId ? -1 : 1));
};

export const opinionOf = (world: AudienceWorld, taste: TasteNow, film: number): Opinion => ({
  affinity: taste.affinities[film]!,
  quality: world.films.quality[film]!,
});

/** Indexes of the films that a person has rated by a time, in the simulated history. */
export const ratedBy = (world: AudienceWorld, person: Person, time: EpochMs): Set<number> =>
  new PersonHistory(world, person, { from: time, to: time, mark: '' }).addTo([]);

/** One person from the origin on; only what falls into the span is kept. */
class PersonHistory {
  readonly #world: AudienceWorld;
  readonly #person: Person;
  readonly #span: HistorySpan;
  readonly #seen: Set<number>;
  #made = 0;

  constructor(world: AudienceWorld, person: Person, span: HistorySpan) {
    this.#world = world;
    this.#person = person;
    this.#span = span;
    this.#seen = new Set(world.people.metBefore(person));
  }

  /** Adds the events of the span and answers the films rated by its end. */
  addTo(events: AudienceEvent[]): Set<number> {
    const { people, ratingsPerPerson } = this.#world;
    const cycles = Math.ceil((this.#span.to - people.origin) / people.cycleMs);
    for (let cycle = 0; cycle < cycles; cycle++) {
      const random = people.randomOf(this.#person, PURPOSES_PER_CYCLE * cycle + ACTS_PURPOSE);
      sessionsOf(people, this.#person, cycle, ratingsPerPerson).forEach((session, at) => {
        if (session.startsAt < this.#span.to) this.#session(session, random.fork(at), events);
      });
    }
    return this.#seen;
  }

  #session(
    session: PlannedSession,
    random: ReturnType<AudienceWorld['people']['randomOf']>,
    events: AudienceEvent[],
  ): void {
    const taste = this.#world.people.tasteAt(this.#person, session.startsAt);
    const choice = new FilmChoice({
      films: this.#world.films,
      taste,
      fashions: this.#world.fashions.activeAt(session.startsAt),
      seen: this.#seen,
      time: session.startsAt,
    });
    let time = session.startsAt;
    let last: number | undefined;
    for (let rated = 0; rated < session.ratings; ) {
      const film = choice.next(last, random);
      if (film === undefined) return;
      const isRated = random.next() >= BROWSED_PER_RATED / (1 + BROWSED_PER_RATED);
      const steps = isRated
        ? ratedVisit(this.#person, opinionOf(this.#world, taste, film), random)
        : browsedVisit(taste.affinities[film]!, random);
      time = this.#emit(film, steps, time, events);
      if (isRated) {
        rated++;
        last = film;
        this.#seen.add(film);
      }
    }
  }

  /** Adds the steps and answers the time of the last. */
  #emit(film: number, steps: readonly Step[], from: number, events: AudienceEvent[]): number {
    let time = from;
    let before: EventId | null = null;
    for (const step of steps) {
      time += step.afterMs;
      const id = this.#nextId();
      if (time >= this.#span.from && time < this.#span.to) {
        events.push({
          eventId: id,
          userId: this.#person.userId,
          itemId: this.#world.films.items[film]!.itemId,
          kind: step.kind,
          value: step.value,
          occurredAt: time as EpochMs,
          context: step.undoes
            ? { listId: null, rank: null, placement: null, undoes: before }
            : null,
        });
      }
      before = id;
    }
    return time;
  }

  /** Numbered per person from the origin, so that an id does not depend on the span. */
  #nextId(): EventId {
    this.#made++;
    return eventId(`${this.#span.mark}-${this.#person.index + 1}-${this.#made}`);
  }
}
