/** The answer to one request with events, while it is being put together. */
import type { EventsAnswer, RefusedEvent } from '../../schemas/api/events.ts';
import type { FreshetError } from '../../schemas/errors.ts';
import type { EventId, Offset, PartitionIndex } from '../../schemas/ids.ts';

export class EventsInRequest {
  readonly #settled: (error: unknown, answer: EventsAnswer | undefined) => void;
  readonly #eventIds: (string | null)[];
  readonly #refused: RefusedEvent[] = [];
  /** The highest offset in each partition that the answer speaks of. */
  readonly #positions: { partition: PartitionIndex; offset: Offset }[] = [];
  #accepted = 0;
  #duplicates = 0;
  /** Appends that the answer waits for, and one for the request still being read. */
  #awaited = 1;
  #error: unknown;

  constructor(size: number, settled: (error: unknown, answer: EventsAnswer | undefined) => void) {
    this.#eventIds = new Array<string | null>(size).fill(null);
    this.#settled = settled;
  }

  accept(index: number, eventId: EventId): void {
    this.#accepted += 1;
    this.#eventIds[index] = eventId;
  }

  recognise(index: number, eventId: EventId): void {
    this.#duplicates += 1;
    this.#eventIds[index] = eventId;
  }

  refuse(index: number, { code, message }: FreshetError, eventId: unknown): void {
    this.#refused.push({
      index,
      eventId: typeof eventId === 'string' ? eventId : null,
      code,
      message,
    });
  }

  /** The answer has to say that the log reaches there. */
  reaches(partition: PartitionIndex, offset: Offset): void {
    const known = this.#positions.find((position) => position.partition === partition);
    if (known === undefined) this.#positions.push({ partition, offset });
    else if (known.offset < offset) known.offset = offset;
  }

  /** One more append must be settled before the answer. */
  awaits(): void {
    this.#awaited += 1;
  }

  settles(error: unknown, partition: PartitionIndex, lastOffset: Offset): void {
    if (error === undefined) this.reaches(partition, lastOffset);
    else this.#error ??= error;
    this.settleIfDone();
  }

  settleIfDone(): void {
    this.#awaited -= 1;
    if (this.#awaited > 0) return;
    if (this.#error !== undefined) {
      this.#settled(this.#error, undefined);
      return;
    }
    this.#settled(undefined, {
      accepted: this.#accepted,
      duplicates: this.#duplicates,
      refused: this.#refused.sort((left, right) => left.index - right.index),
      eventIds: this.#eventIds,
      positions: this.#positions,
    });
  }
}
