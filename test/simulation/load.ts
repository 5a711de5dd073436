/**
 * The events of a simulation: few people and items, so that everything meets everything; duplicates
 * within a batch, the same id with another payload, undos, late events, people whose clocks are wrong.
 */

import type { BackfillEvent } from '../../ingest/import/backfill-sink.ts';
import type { EventInput } from '../../schemas/api/events.ts';
import type { EpochMs, EventId, ItemId } from '../../schemas/ids.ts';
import { integerBelow, pick, type Random } from '../faults/seeded-random.ts';
import { BEGIN } from './sim-process.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PEOPLE = ['ada', 'bob', '__proto__', 'eve', 'constructor', '🦊'];
const SESSIONS = ['one', 'two'];
const ITEMS = ['heat-1995', 'b', 'constructor', 'd', '__proto__', 'f', '🎬', 'h'] as ItemId[];
const KINDS = ['click', 'view', 'watch', 'like', 'rating', 'rating', 'dislike', 'hide'];

/** What somebody's clock may be off by: mostly nothing. */
const CLOCKS_OFF_BY = [
  0,
  0,
  0,
  0,
  -HOUR_MS,
  HOUR_MS,
  -DAY_MS,
  DAY_MS,
  -BEGIN,
  4_294_967_296_000 - BEGIN,
];

interface Person {
  readonly subject: Pick<EventInput, 'userId' | 'sessionId'>;
  readonly clockOffMs: number;
  /** What they did so far, to be taken back or told again. */
  readonly events: EventInput[];
}

export class Load {
  readonly #random: Random;
  readonly #people: readonly Person[];
  readonly #sources: readonly string[];
  #made = 0;

  constructor(random: Random) {
    this.#random = random;
    const people = [
      ...PEOPLE.map((userId) => ({ userId })),
      ...SESSIONS.map((sessionId) => ({ sessionId })),
    ];
    this.#people = people.map((subject) => ({
      subject: subject as Person['subject'],
      clockOffMs: random() < 0.3 ? random() * 3 * DAY_MS - 2 * DAY_MS : pick(random, CLOCKS_OFF_BY),
      events: [],
    }));
    this.#sources = ['web', 'app'];
  }

  get made(): number {
    return this.#made;
  }

  /** A request's worth of events, made at this true time. */
  batch(nowMs: number): readonly EventInput[] {
    const size = 1 + Math.floor(this.#random() ** 2 * 9);
    const events: EventInput[] = [];
    for (let count = 0; count < size; count += 1) {
      const person = pick(this.#random, this.#people);
      const event = this.#event(person, nowMs);
      events.push(event);
      if (this.#random() < 0.06) events.push(event);
    }
    return events;
  }

  #event(person: Person, nowMs: number): EventInput {
    const random = this.#random;
    const draw = random();
    const known = person.events.length > 0 ? pick(random, person.events) : undefined;
    if (known !== undefined && draw < 0.04) return known;
    if (known !== undefined && draw < 0.07) return this.#contradict(known);
    const event =
      known !== undefined && draw < 0.14 ? this.#undo(person, known) : this.#deed(person);
    const timed: EventInput = { ...event, ...this.#time(person, nowMs) };
    person.events.push(timed);
    return timed;
  }

  #deed({ subject }: Person): EventInput {
    const random = this.#random;
    const kind = pick(random, KINDS);
    return {
      ...this.#identity(),
      ...subject,
      itemId: pick(random, ITEMS),
      kind,
      ...(kind === 'rating' ? { value: (1 + integerBelow(random, 10)) / 2 } : {}),
      ...(kind === 'watch' ? { value: integerBelow(random, 11) / 10 } : {}),
    };
  }

  #undo({ subject }: Person, known: EventInput): EventInput {
    return {
      ...this.#identity(),
      ...subject,
      itemId: known.itemId,
      kind: 'undo',
      context: { undoes: known.eventId! },
    };
  }

  /** The same id, but something else. */
  #contradict(known: EventInput): EventInput {
    const other = ITEMS[(ITEMS.indexOf(known.itemId) + 1) % ITEMS.length]!;
    return { ...known, itemId: other };
  }

  #identity(): Pick<EventInput, 'eventId' | 'source'> {
    this.#made += 1;
    return { eventId: `event-${this.#made}` as EventId, source: pick(this.#random, this.#sources) };
  }

  /** Mostly just now by their own clock, at times long ago, often left to the server. */
  #time({ clockOffMs }: Person, nowMs: number): Pick<EventInput, 'occurredAt'> {
    const random = this.#random;
    if (random() < 0.4) return {};
    const ageMs = pick(random, [
      () => 0,
      () => random() * 2_000,
      () => random() * 2_000,
      () => random() * 7.2 * DAY_MS,
    ])();
    const atMs = Math.max(0, Math.round(BEGIN + nowMs + clockOffMs - ageMs));
    return { occurredAt: new Date(atMs).toISOString() };
  }
}

/** The events of an import, in the order of their times. */
export const importOf = (random: Random, count: number): readonly BackfillEvent[] => {
  const times = Array.from({ length: count }, () => Math.round(random() * 30 * DAY_MS));
  return times
    .sort((left, right) => left - right)
    .map((time, sequence) => {
      const isRating = random() < 0.5;
      return {
        sequence,
        userId: pick(random, PEOPLE),
        sessionId: null,
        itemId: pick(random, ITEMS),
        kind: isRating ? 'rating' : 'view',
        value: isRating ? (1 + integerBelow(random, 10)) / 2 : null,
        occurredAt: (BEGIN - 40 * DAY_MS + time) as EpochMs,
      };
    });
};

/** Bytes that are no record, or none that belongs where they are. */
export const poisonBytes = (random: Random): Uint8Array => {
  const shapes = [
    () => new Uint8Array(0),
    () => Uint8Array.of(7),
    () => Uint8Array.of(9, 0, 0, 0, 1, 2, 3),
    () => Uint8Array.of(0, 0, 0, 1, 255, 2, 3),
    () => Uint8Array.of(0, 0, 0, 0, 1, 2),
    () => Uint8Array.from({ length: 40 }, () => integerBelow(random, 256)),
    () => Uint8Array.of(0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0x80, 0xc2, 0xd7, 0x2f),
  ];
  return pick(random, shapes)();
};
