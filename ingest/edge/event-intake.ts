/**
 * The way of live interactions from a request into the log: check every event, tell what is known
 * already, append the rest with one submission per partition, and answer once all of it is durable.
 * The HTTP routes and the simulated audience come through here alike.
 *
 * All of it up to the append happens in one turn of the event loop, so that of two requests with the
 * same event the later one finds the earlier; if that one is still on its way to the disk, the later
 * one waits for it, since a duplicate of what may yet be lost must not be acknowledged.
 */
import { EventInput, type EventsAnswer } from '../../schemas/api/events.ts';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { eventIdentity, payloadHash } from '../../schemas/event-identity.ts';
import type { EventId, Offset, PartitionIndex } from '../../schemas/ids.ts';
import type { KindTable } from '../../schemas/kinds.ts';
import type { InteractionRecord } from '../../schemas/records.ts';
import type { AppendRecord } from '../../storage/event-log/event-log.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import type { IngestOptions } from '../options.ts';
import type { AppendQueue, QueueBudget, Submission } from './append-queue.ts';
import { type Batch, batchOf, placeIn } from './batch.ts';
import { checkEvent, type EventCheckContext, subjectOf } from './event-check.ts';
import { EventsInRequest } from './events-in-request.ts';
import type { EntryNumber, RecentIndex } from './recent-index.ts';
import { isRefusal, shapeOf } from './shape.ts';

export interface EventIntakeOptions {
  readonly queue: AppendQueue;
  readonly budget: QueueBudget;
  readonly recent: RecentIndex;
  readonly kinds: KindTable;
  readonly clock: Pick<Clock, 'now'>;
  readonly newEventId: () => EventId;
  readonly onAccepted?: (event: InteractionRecord) => void;
  readonly limits: Pick<IngestOptions, 'ageMax' | 'aheadMax'>;
}

/** received = accepted + duplicates + refused + failed. */
export interface IntakeCounters {
  received: number;
  accepted: number;
  duplicates: number;
  refused: number;
  /** In requests whose answer was a failure: nobody may count on them, some may be in the log. */
  failed: number;
}

export const emptyIntakeCounters = (): IntakeCounters => ({
  received: 0,
  accepted: 0,
  duplicates: 0,
  refused: 0,
  failed: 0,
});

type TakenEvents = (error: unknown, answer: EventsAnswer | undefined) => void;

const eventShape = shapeOf<EventInput>(EventInput);
const LAST_TICKET = 0xffff_fffe;

interface Checked {
  readonly index: number;
  readonly record: InteractionRecord;
  readonly value: Uint8Array;
}

export class EventIntake {
  readonly counters = emptyIntakeCounters();
  readonly #options: EventIntakeOptions;
  /** Appends under way, by ticket. */
  readonly #underWay = new Map<number, Share>();
  #lastTicket = 0;

  constructor(options: EventIntakeOptions) {
    this.#options = options;
  }

  /** Takes the events in; resolves once those accepted are durable. */
  take(events: readonly EventInput[]): Promise<EventsAnswer> {
    return new Promise((resolve, reject) => {
      this.takeNow(batchOf(events), (error, answer) => (answer ? resolve(answer) : reject(error)));
    });
  }

  /** Throws while nothing can be taken in. */
  checkOpen(): void {
    this.#options.budget.check();
    this.#options.queue.checkWait();
  }

  /** Takes them in without a promise; throws what is wrong with the whole, else calls `taken` once. */
  takeNow(batch: Batch, taken: TakenEvents): void {
    this.checkOpen();
    const { length } = batch.values;
    const request = new EventsInRequest(length, (error, answer) => {
      this.#count(length, answer);
      taken(error, answer);
    });
    const checked = this.#check(batch, request);
    const shares = new Map<PartitionIndex, Share>();
    for (const event of checked) this.#place(event, { batch, request, shares });
    for (const [partition, share] of shares) {
      request.awaits();
      this.#options.queue.submit(partition, share);
    }
    request.settleIfDone();
  }

  #check(batch: Batch, request: EventsInRequest): Checked[] {
    const { clock, kinds, limits, newEventId } = this.#options;
    const context: EventCheckContext = { kinds, limits, newEventId, receivedAt: clock.now() };
    const checked: Checked[] = [];
    batch.values.forEach((event, index) => {
      try {
        const record = checkEvent(eventShape.check(event, placeIn(batch, index)), context);
        checked.push({ index, record, value: encodeRecord('Interaction', record) });
      } catch (error) {
        if (!isRefusal(error)) throw error;
        this.#refuse(error, { batch, request, index, eventId: (event as EventInput).eventId });
      }
    });
    return checked;
  }

  /** An event that came alone is answered with the error itself. */
  #refuse(
    error: FreshetError,
    at: { batch: Batch; request: EventsInRequest; index: number; eventId: unknown },
  ): void {
    if (!at.batch.isSingle) {
      at.request.refuse(at.index, error, at.eventId);
      return;
    }
    this.counters.received += 1;
    this.counters.refused += 1;
    throw error;
  }

  #place(
    { index, record, value }: Checked,
    into: { batch: Batch; request: EventsInRequest; shares: Map<PartitionIndex, Share> },
  ): void {
    const { batch, request, shares } = into;
    const { recent, queue } = this.#options;
    const { eventId } = record;
    const subject = subjectOf(record);
    const payload = payloadHash(record);
    const known = recent.find(eventIdentity(record, subject));
    if (known === undefined) {
      const key = Buffer.from(subject);
      const partition = partitionOf(key, queue.partitionCount);
      let share = shares.get(partition);
      if (share === undefined) {
        share = this.#newShare(partition, request);
        shares.set(partition, share);
      }
      share.entries.push(recent.add({ payload, partition, ticket: share.ticket }));
      share.records.push({ key, value, timestamp: record.receivedAt });
      request.accept(index, eventId);
      this.#options.onAccepted?.(record);
    } else if (known.payload !== payload) {
      const conflict = new FreshetError('id_conflict', { eventId });
      this.#refuse(conflict, { batch, request, index, eventId });
    } else {
      request.recognise(index, eventId);
      if (known.offset !== undefined) request.reaches(known.partition, known.offset);
      else this.#waitFor(known.ticket, request);
    }
  }

  #newShare(partition: PartitionIndex, request: EventsInRequest): Share {
    this.#lastTicket = (this.#lastTicket % LAST_TICKET) + 1;
    const ticket = this.#lastTicket;
    const share = new Share(ticket, (error, firstOffset) => {
      this.#underWay.delete(ticket);
      this.#rememberOutcome(share, error, firstOffset);
      const lastOffset = (firstOffset + share.records.length - 1) as Offset;
      request.settles(error, partition, lastOffset);
      for (const waiting of share.waiting) waiting.settles(error, partition, lastOffset);
    });
    this.#underWay.set(ticket, share);
    return share;
  }

  #rememberOutcome(share: Share, error: unknown, firstOffset: Offset): void {
    const { recent } = this.#options;
    share.entries.forEach((entry, position) => {
      if (error === undefined) recent.settle(entry, (firstOffset + position) as Offset);
      else recent.remove(entry);
    });
  }

  /** The request's own shares are awaited anyway; waiting for one twice does no harm. */
  #waitFor(ticket: number, request: EventsInRequest): void {
    const share = this.#underWay.get(ticket);
    if (share === undefined || share.waiting.has(request)) return;
    share.waiting.add(request);
    request.awaits();
  }

  #count(received: number, answer: EventsAnswer | undefined): void {
    const { counters } = this;
    counters.received += received;
    if (answer === undefined) {
      counters.failed += received;
      return;
    }
    counters.accepted += answer.accepted;
    counters.duplicates += answer.duplicates;
    counters.refused += answer.refused.length;
  }
}

/** What one request has for one partition, while it is on its way to the disk. */
class Share implements Submission {
  readonly ticket: number;
  readonly records: AppendRecord[] = [];
  readonly entries: EntryNumber[] = [];
  /** Other requests that hold duplicates of these records. */
  readonly waiting = new Set<EventsInRequest>();
  readonly #settled: (error: unknown, firstOffset: Offset) => void;

  constructor(ticket: number, settled: (error: unknown, firstOffset: Offset) => void) {
    this.ticket = ticket;
    this.#settled = settled;
  }

  onDurable(firstOffset: Offset): void {
    this.#settled(undefined, firstOffset);
  }

  onFailed(error: unknown): void {
    this.#settled(error, 0 as Offset);
  }
}
