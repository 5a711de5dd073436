/**
 * Writes one partition. Appends wait in the order of the calls; all that fit go as one record batch, and
 * the next batch is sent only after the former was answered. A batch that got no answer is sent again as
 * it was, with the same producer and sequence, so a broker that has it says so and does not store it
 * twice. The client's own idempotent producer takes the sequence back when an answer is lost, and then
 * loses acknowledged records; here it moves on an answer and on nothing else.
 *
 * What is given up fails what waits behind it: the partition holds a beginning of what was handed over.
 * Whether a batch that was given up after it was sent is there, nobody knows (`log_unacknowledged`): the
 * next one is written by a new producer, and whoever appended sends the same events again, which the
 * stream tells by their ids.
 */
import type { Clock } from '../../../schemas/environment.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { type Offset, offset } from '../../../schemas/ids.ts';
import type { AppendRecord, AppendResult } from '../event-log.ts';
import { KafkaFailure, logError } from './kafka-errors.ts';
import { persist } from './persistence.ts';
import { encodeRecordBatch, type ProducerStamp } from './record-batch.ts';

export interface PartitionWriterParts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** A number that no other writer has. */
  readonly newProducer: () => Promise<Omit<ProducerStamp, 'firstSequence'>>;
  /** Appends the batch at its leader; resolves with the offset of its first record. */
  readonly send: (batch: Buffer) => Promise<Offset>;
  /** Appends are merged into a batch up to this; a single one may be larger. */
  readonly mergedBytesMax: number;
  readonly deliveryMsMax: number;
}

interface WaitingAppend {
  readonly records: readonly AppendRecord[];
  readonly bytes: number;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/** A sequence has 31 bits and begins anew after them. */
const SEQUENCES = 2 ** 31;

export class PartitionWriter {
  readonly #parts: PartitionWriterParts;
  #waiting: WaitingAppend[] = [];
  #producer: Omit<ProducerStamp, 'firstSequence'> | undefined;
  #sequence = 0;
  #writing: Promise<void> | undefined;

  constructor(parts: PartitionWriterParts) {
    this.#parts = parts;
  }

  /** The records are the writer's from now on. */
  append(records: readonly AppendRecord[], bytes: number): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, bytes, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Resolves once nothing waits. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const appends = this.#takeBatch();
      try {
        acknowledge(appends, await this.#deliver(appends.flatMap(({ records }) => records)));
      } catch (error) {
        for (const { reject } of appends) reject(error);
        this.#failWaiting();
      }
    }
    this.#writing = undefined;
  }

  #takeBatch(): readonly WaitingAppend[] {
    let bytes = 0;
    const end = this.#waiting.findIndex((append, index) => {
      bytes += append.bytes;
      return index > 0 && bytes > this.#parts.mergedBytesMax;
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  async #deliver(records: readonly AppendRecord[]): Promise<Offset> {
    const { clock, deliveryMsMax } = this.#parts;
    let mayBeThere = false;
    try {
      return await persist(() => this.#attempt(records), {
        clock,
        msMax: deliveryMsMax,
        signal: NEVER,
        onFailure: (failure) => {
          // A new producer could not be told from one that writes the records a second time.
          if (failure.remedy === 'new-producer' && mayBeThere) return 'give up';
          mayBeThere ||= failure.mayHaveAppended;
          return 'go on';
        },
      });
    } catch (error) {
      const failure = error as KafkaFailure | FreshetError;
      mayBeThere ||= failure instanceof KafkaFailure && failure.mayHaveAppended;
      if (!mayBeThere) throw logError(failure);
      this.#producer = undefined;
      const details = { limitMs: deliveryMsMax, problem: failure.message };
      throw new FreshetError('log_unacknowledged', details, { cause: failure });
    }
  }

  async #attempt(records: readonly AppendRecord[]): Promise<Offset> {
    if (!this.#producer) {
      this.#producer = await this.#parts.newProducer();
      this.#sequence = 0;
    }
    const stamp = { ...this.#producer, firstSequence: this.#sequence };
    try {
      const first = await this.#parts.send(encodeRecordBatch(records, stamp));
      this.#sequence = (this.#sequence + records.length) % SEQUENCES;
      return first;
    } catch (error) {
      if (error instanceof KafkaFailure && error.remedy === 'new-producer') {
        this.#producer = undefined;
      }
      throw error;
    }
  }

  #failWaiting(): void {
    const behind = this.#waiting.splice(0);
    const problem = 'a failure of the records before them';
    for (const { reject } of behind) reject(new FreshetError('log_unavailable', { problem }));
  }
}

const NEVER = new AbortController().signal;

const acknowledge = (appends: readonly WaitingAppend[], first: Offset): void => {
  let next: number = first;
  for (const { records, resolve } of appends) {
    resolve({ firstOffset: offset(next), lastOffset: offset(next + records.length - 1) });
    next += records.length;
  }
};
