/**
 * Appends to one partition so that each record gets the offset that it had elsewhere. A log gives
 * offsets in the order of appends, so what is missing (expired, compacted away) is stood in for by
 * records that say nothing. What others keep of offsets, marks and covered positions above all, stays
 * true without being touched.
 *
 * A few batches are under way at once; those of a partition are appended in the order of the calls. One
 * that lands anywhere but where it belongs, since somebody else writes or an answer was lost, ends it.
 */
import { FreshetError } from '../../schemas/errors.ts';
import type { EpochMs, Offset, PartitionIndex } from '../../schemas/ids.ts';
import type { CleanupPolicy } from '../../schemas/topics.ts';
import type { AppendRecord, EventLog } from '../../storage/event-log/event-log.ts';

const BATCH_RECORDS = 2_000;
const BATCH_BYTES = 1_048_576;
const BATCHES_UNDER_WAY = 4;

const NO_BYTES = new Uint8Array(0);
const LONG_AGO = 0 as EpochMs;

/**
 * What stands where a record was. In a compacted topic it removes a key that nothing has, so that
 * compaction takes it away in time; elsewhere it is a record of which nothing is left.
 */
export const fillerFor = (cleanup: CleanupPolicy): AppendRecord => ({
  key: cleanup === 'compact' ? NO_BYTES : null,
  value: null,
  timestamp: LONG_AGO,
});

export interface KeptOffsetsOptions {
  readonly log: Pick<EventLog, 'append'>;
  readonly topic: string;
  readonly partition: PartitionIndex;
  readonly cleanup: CleanupPolicy;
  /** Where the partition ends. */
  readonly end: Offset;
  readonly onAppended: (records: number) => void;
}

export class KeptOffsets {
  readonly #options: KeptOffsetsOptions;
  readonly #filler: AppendRecord;
  /** The offset that the next record gets, and the first of the batch that is being gathered. */
  #next: number;
  #batchFrom: number;
  #batch: AppendRecord[] = [];
  #batchBytes = 0;
  #underWay: Promise<void>[] = [];

  constructor(options: KeptOffsetsOptions) {
    this.#options = options;
    this.#filler = fillerFor(options.cleanup);
    this.#next = options.end;
    this.#batchFrom = options.end;
  }

  async put(offset: Offset, record: AppendRecord): Promise<void> {
    await this.fillUpTo(offset);
    await this.#add(record);
  }

  /** Stands in for all that is missing before this offset. */
  async fillUpTo(offset: Offset): Promise<void> {
    while (this.#next < offset) {
      this.#take(this.#filler);
      if (this.#isFull) await this.#send();
    }
  }

  /** Resolves once everything is stored. */
  async finish(): Promise<void> {
    await this.#send();
    await Promise.all(this.#underWay);
    this.#underWay = [];
  }

  async #add(record: AppendRecord): Promise<void> {
    this.#take(record);
    if (this.#isFull) await this.#send();
  }

  #take(record: AppendRecord): void {
    this.#batch.push(record);
    this.#batchBytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
    this.#next += 1;
  }

  get #isFull(): boolean {
    return this.#batch.length >= BATCH_RECORDS || this.#batchBytes >= BATCH_BYTES;
  }

  async #send(): Promise<void> {
    if (this.#batch.length === 0) return;
    const sending = this.#append(this.#batch, this.#batchFrom);
    // Whoever waits for it hears of it.
    sending.catch(() => undefined);
    this.#underWay.push(sending);
    this.#batch = [];
    this.#batchBytes = 0;
    this.#batchFrom = this.#next;
    if (this.#underWay.length >= BATCHES_UNDER_WAY) await this.#underWay.shift();
  }

  async #append(records: readonly AppendRecord[], expected: number): Promise<void> {
    const { log, topic, partition, onAppended } = this.#options;
    const { firstOffset } = await log.append(topic, partition, records);
    if (firstOffset !== expected) {
      const problem = `a record of ${topic} partition ${partition} at ${firstOffset} that belongs at ${expected}`;
      throw new FreshetError('site_not_empty', { problem });
    }
    onAppended(records.length);
  }
}
