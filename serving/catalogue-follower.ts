/**
 * Keeps the catalogue in memory equal to its compacted log: reads each partition from its beginning,
 * then waits at the end. A record that cannot be read is counted and passed over; the item keeps
 * what was known of it.
 */
import { decodeRecordAs } from '../schemas/avro/record-codec.ts';
import type { Logger } from '../schemas/environment.ts';
import type { ItemId, Offset, PartitionIndex } from '../schemas/ids.ts';
import { NO_OFFSET, offset, partitionIndex } from '../schemas/ids.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { EventLog, LogRecord } from '../storage/event-log/event-log.ts';
import type { Catalogue } from './catalogue.ts';

const READ = { recordsMax: 1_000, bytesMax: 1_048_576 } as const;
const TOPIC = TOPICS.catalogue.name;

interface Waiter {
  readonly partition: PartitionIndex;
  readonly wanted: Offset;
  readonly done: () => void;
}

export interface CatalogueFollowerOptions {
  readonly eventLog: EventLog;
  readonly catalogue: Catalogue;
  readonly logger: Logger;
  readonly onChange: (slots: readonly number[]) => void;
  /** A partition can be followed no longer. */
  readonly onFailure: (error: unknown) => void;
}

export class CatalogueFollower {
  readonly #options: CatalogueFollowerOptions;
  readonly #stopping = new AbortController();
  readonly #decoder = new TextDecoder();
  #covered: Offset[] = [];
  #waiters: Waiter[] = [];
  #tails: Promise<void>[] = [];
  #unreadable = 0;

  constructor(options: CatalogueFollowerOptions) {
    this.#options = options;
  }

  get unreadableCount(): number {
    return this.#unreadable;
  }

  covered(): readonly Offset[] {
    return this.#covered;
  }

  /** Resolves once everything that the log held at the call is in memory. */
  async start(): Promise<void> {
    const { partitionCount } = await this.#options.eventLog.topic(TOPIC);
    const partitions = Array.from({ length: partitionCount }, (_, index) => partitionIndex(index));
    this.#covered = partitions.map(() => NO_OFFSET);
    await Promise.all(partitions.map((partition) => this.#catchUp(partition)));
    this.#tails = partitions.map((partition) => this.#tail(partition));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#tails);
    this.#waiters = [];
  }

  /** Resolves once the record at that offset is in memory. */
  reached(partition: PartitionIndex, wanted: Offset): Promise<void> {
    if ((this.#covered[partition] ?? NO_OFFSET) >= wanted) return Promise.resolve();
    return new Promise((done) => this.#waiters.push({ partition, wanted, done }));
  }

  async #catchUp(partition: PartitionIndex): Promise<void> {
    const { eventLog } = this.#options;
    const { low, end } = await eventLog.watermarks(TOPIC, partition);
    for (let from = low; from < end; ) {
      const records = await eventLog.read(TOPIC, partition, from, READ);
      if (records.length === 0) break;
      this.#take(partition, records);
      from = offset(records.at(-1)!.offset + 1);
    }
    // What compaction removed at the end of the log counts as taken in.
    this.#advance(partition, offset(end - 1));
  }

  async #tail(partition: PartitionIndex): Promise<void> {
    const { signal } = this.#stopping;
    const from = offset(this.#covered[partition]! + 1);
    try {
      const slices = this.#options.eventLog.tail(TOPIC, partition, from, { ...READ, signal });
      for await (const records of slices) this.#take(partition, records);
    } catch (error) {
      if (!signal.aborted) this.#options.onFailure(error);
    }
  }

  #take(partition: PartitionIndex, records: readonly LogRecord[]): void {
    const changed: number[] = [];
    for (const record of records) {
      const slot = this.#takeOne(record);
      if (slot !== undefined) changed.push(slot);
    }
    const last = records.at(-1);
    if (last === undefined) return;
    this.#options.onChange(changed);
    this.#advance(partition, last.offset);
  }

  #takeOne(record: LogRecord): number | undefined {
    const { catalogue, logger } = this.#options;
    try {
      if (record.value === null) {
        const id = this.#decoder.decode(record.key ?? new Uint8Array(0)) as ItemId;
        catalogue.remove(id);
        return catalogue.slots.find(id);
      }
      const item = decodeRecordAs('CatalogueItem', record.value);
      catalogue.put(item);
      return catalogue.slots.find(item.itemId);
    } catch (error) {
      this.#unreadable++;
      logger.warn('A catalogue record could not be read', { offset: record.offset, error });
      return undefined;
    }
  }

  #advance(partition: PartitionIndex, to: Offset): void {
    if (to <= this.#covered[partition]!) return;
    this.#covered[partition] = to;
    const isReached = (waiter: Waiter): boolean =>
      waiter.partition === partition && waiter.wanted <= to;
    for (const waiter of this.#waiters.filter(isReached)) waiter.done();
    this.#waiters = this.#waiters.filter((waiter) => !isReached(waiter));
  }
}
