/**
 * What people did of late, as far as a consumer of the log needs it to fold them in: per person the
 * newest deeds with their strengths, of so many people as there is room for, whoever acted longest ago
 * going first. A pure function of the records that it took, in their order.
 *
 * Memory: some 100 bytes a deed, at most `deedsMax` a person.
 */
import {
  type PersonEventLimits,
  type PersonEvents,
  personEventsOf,
} from '../../../algorithms/factors/person-events.ts';
import { fading, tasteStrengths } from '../../../algorithms/histories/taste-weights.ts';
import { type OwnMeanPrior, thousandthsOf } from '../../../algorithms/popularity/own-mean.ts';
import type { EventId } from '../../../schemas/ids.ts';
import type { KindTable } from '../../../schemas/kinds.ts';
import type { InteractionRecord } from '../../../schemas/records.ts';

export interface PersonDeedsOptions {
  readonly kinds: KindTable;
  readonly prior: OwnMeanPrior;
  readonly limits: PersonEventLimits;
  readonly peopleMax: number;
}

interface StrongDeed {
  readonly eventId: EventId;
  /** The release's number of it. */
  readonly item: number;
  readonly strength: number;
  readonly halfLife: number;
  readonly at: number;
}

interface Person {
  /** By time, oldest first. */
  readonly deeds: StrongDeed[];
  ownSum: number;
  ownCount: number;
}

export class PersonDeeds {
  readonly #options: PersonDeedsOptions;
  readonly #deedsMax: number;
  /** Who acted last at the end. */
  readonly #people = new Map<string, Person>();

  constructor(options: PersonDeedsOptions) {
    this.#options = options;
    this.#deedsMax = options.limits.positives + options.limits.negatives;
  }

  get peopleCount(): number {
    return this.#people.size;
  }

  /** As a fold-in takes them; undefined for somebody of whom nothing is known. */
  eventsOf(subject: string): PersonEvents | undefined {
    const person = this.#people.get(subject);
    if (person === undefined) return undefined;
    const items = person.deeds.map(({ item }) => item);
    const newest = person.deeds.at(-1)?.at ?? 0;
    const weights = Float64Array.from(
      person.deeds,
      ({ strength, at, halfLife }) => strength * fading(newest - at, halfLife),
    );
    return personEventsOf({ places: items, items, weights }, this.#options.limits);
  }

  /** How strongly it speaks for the item (below 0 against it) to somebody who did what is held. */
  strengthOf(subject: string, record: InteractionRecord): number {
    const { kinds, prior } = this.#options;
    const person = this.#people.get(subject);
    const earlier = { sum: person?.ownSum ?? 0, count: person?.ownCount ?? 0 };
    return tasteStrengths([record], earlier, { kinds, prior })[0]!;
  }

  holds(subject: string, eventId: EventId): boolean {
    return this.#people.get(subject)?.deeds.some((deed) => deed.eventId === eventId) ?? false;
  }

  add(subject: string, record: InteractionRecord, item: number): void {
    const strength = this.strengthOf(subject, record);
    const kind = this.#options.kinds.get(record.kind);
    if (strength === 0 || kind === undefined) return;
    const person = this.#person(subject);
    if (kind.polarity === 'by-own-mean' && record.value !== null) {
      person.ownSum += thousandthsOf(record.value);
      person.ownCount += 1;
    }
    const { eventId, occurredAt: at } = record;
    const deed = { eventId, item, strength, halfLife: kind.halfLife, at };
    const place = person.deeds.findLastIndex((other) => other.at <= at) + 1;
    person.deeds.splice(place, 0, deed);
    if (person.deeds.length > this.#deedsMax) person.deeds.shift();
  }

  takeBack(subject: string, eventId: EventId): void {
    const deeds = this.#people.get(subject)?.deeds;
    const place = deeds?.findIndex((deed) => deed.eventId === eventId) ?? -1;
    if (place >= 0) deeds!.splice(place, 1);
  }

  /** As if they had never acted. */
  letGoOf(subject: string): void {
    this.#people.delete(subject);
  }

  #person(subject: string): Person {
    const known = this.#people.get(subject);
    const person = known ?? { deeds: [], ownSum: 0, ownCount: 0 };
    if (known === undefined && this.#people.size >= this.#options.peopleMax) {
      const [longestAgo] = this.#people.keys();
      this.#people.delete(longestAgo!);
    }
    this.#people.delete(subject);
    this.#people.set(subject, person);
    return person;
  }
}
