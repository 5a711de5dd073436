/**
 * What the events of one partition of the log do to the items' vectors of a release: a pure function of
 * the release and of the records up to an offset, in their order. It begins so many records before what
 * the release was trained on, to know what people did; only what came after the training moves items.
 *
 * An event that was taken back no longer counts as its person's history; the pull that it made stays. So it
 * is with all events of a person who was forgotten.
 */
import { ItemPulls } from '../../../algorithms/factors/item-pulls.ts';
import type { PersonEvents } from '../../../algorithms/factors/person-events.ts';
import {
  type Offset,
  type SubjectId,
  subjectOfSession,
  subjectOfUser,
} from '../../../schemas/ids.ts';
import type { InteractionRecord } from '../../../schemas/records.ts';
import { NO_ITEM } from '../release-items.ts';
import { PersonDeeds, type PersonDeedsOptions } from './person-deeds.ts';

/** The factors of a release. */
export interface PulledFactors {
  readonly dimensions: number;
  /** NO_ITEM where they do not know it. */
  itemOf(itemId: string): number;
  factorsOf(item: number): Float32Array;
  solve(events: PersonEvents, into: Float32Array): void;
}

export interface PartitionPullsOptions extends PersonDeedsOptions {
  readonly itemsMax: number;
  /** The last record of the partition that the release was trained on. */
  readonly trainedTo: Offset;
}

const UNDO = 'undo';

export class PartitionPulls {
  readonly pulls: ItemPulls;
  readonly #factors: PulledFactors;
  readonly #trainedTo: Offset;
  readonly #people: PersonDeeds;
  readonly #vector: Float32Array;

  constructor(factors: PulledFactors, options: PartitionPullsOptions) {
    this.pulls = new ItemPulls(factors.dimensions, options);
    this.#factors = factors;
    this.#trainedTo = options.trainedTo;
    this.#people = new PersonDeeds(options);
    this.#vector = new Float32Array(factors.dimensions);
  }

  /** What they did no longer counts as their history; the pulls that it made stay. */
  letGoOf(subject: SubjectId): void {
    this.#people.letGoOf(subject);
  }

  /** The item whose vector is another now; undefined where none is. */
  take(record: InteractionRecord, offset: Offset): number | undefined {
    const subject = subjectOf(record);
    if (record.kind === UNDO) {
      const undone = record.context?.undoes;
      if (undone != null) this.#people.takeBack(subject, undone);
      return undefined;
    }
    const item = this.#factors.itemOf(record.itemId);
    if (item === NO_ITEM || this.#people.holds(subject, record.eventId)) return undefined;
    const isMoved = offset > this.#trainedTo && this.#pull(subject, record, item);
    this.#people.add(subject, record, item);
    return isMoved ? item : undefined;
  }

  #pull(subject: SubjectId, record: InteractionRecord, item: number): boolean {
    const weight = this.#people.strengthOf(subject, record);
    const events = this.#people.eventsOf(subject);
    if (weight === 0 || events === undefined || events.positiveCount === 0) return false;
    this.#factors.solve(events, this.#vector);
    this.pulls.add({ item, weight, person: this.#vector }, this.#factors.factorsOf(item));
    return true;
  }
}

const subjectOf = ({ userId, sessionId }: InteractionRecord): SubjectId =>
  userId === null ? subjectOfSession(sessionId!) : subjectOfUser(userId);
