/**
 * The partitions of a topic as one sequence: each in its own order, and between them by the time at which
 * records were received. So a person's events stay in their order, and a clock that runs over any share
 * of them rises as it did.
 *
 * What an import numbered must rise, too, in whatever partition it comes to lie: records that were
 * received in the same millisecond go by their numbers.
 */
import { decodeRecord } from '../../schemas/avro/record-codec.ts';
import type { AppendRecord, LogRecord } from '../../storage/event-log/event-log.ts';

/** A record that can be read, and what is stored of it. */
export interface ReadableRecord extends LogRecord {
  readonly stored: AppendRecord;
}

type Records = AsyncIterable<readonly ReadableRecord[]>;

export async function* mergedPartitions(
  partitions: readonly Records[],
): AsyncGenerator<ReadableRecord> {
  const cursors = await Promise.all(partitions.map((records) => Cursor.open(records)));
  try {
    for (;;) {
      let first: Cursor | undefined;
      for (const cursor of cursors) {
        if (cursor.head !== undefined && (first === undefined || isBefore(cursor, first))) {
          first = cursor;
        }
      }
      if (first?.head === undefined) return;
      yield first.head;
      await first.next();
    }
  } finally {
    await Promise.all(cursors.map((cursor) => cursor.close()));
  }
}

class Cursor {
  head: ReadableRecord | undefined;
  readonly #slices: AsyncIterator<readonly ReadableRecord[]>;
  #slice: readonly ReadableRecord[] = [];
  #at = -1;
  #number: number | undefined;

  static async open(records: Records): Promise<Cursor> {
    const cursor = new Cursor(records[Symbol.asyncIterator]());
    await cursor.next();
    return cursor;
  }

  private constructor(slices: AsyncIterator<readonly ReadableRecord[]>) {
    this.#slices = slices;
  }

  async next(): Promise<void> {
    this.#at += 1;
    while (this.#at >= this.#slice.length) {
      const { done, value } = await this.#slices.next();
      if (done === true) {
        this.head = undefined;
        return;
      }
      this.#slice = value;
      this.#at = 0;
    }
    this.head = this.#slice[this.#at];
    this.#number = undefined;
  }

  /** Of an import; 0 for everything else. Asked for only where times are the same. */
  get number(): number {
    this.#number ??= numberOf(this.head?.value ?? null);
    return this.#number;
  }

  async close(): Promise<void> {
    await this.#slices.return?.();
  }
}

const isBefore = (one: Cursor, other: Cursor): boolean => {
  const apart = one.head!.timestamp - other.head!.timestamp;
  return apart === 0 ? one.number < other.number : apart < 0;
};

const numberOf = (value: Uint8Array | null): number => {
  if (value === null) return 0;
  try {
    const { name, record } = decodeRecord(value);
    return name === 'Interaction' ? (record.sequence ?? 0) : 0;
  } catch {
    // Unreadable records are the stream's to set aside.
    return 0;
  }
};
