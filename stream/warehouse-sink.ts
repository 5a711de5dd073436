/**
 * Copies one partition of the log into the warehouse, behind what state has covered and without what
 * dedupe rejected. Its mark is the warehouse's own record of covered ranges, so that a lost reply, a
 * restart or a warehouse set up anew are all the same case: ask where it stands, go on from there.
 *
 * Ranges end at multiples of `chunkRecords`, or at the end of the log when that has been quiet; a
 * row's (topic, partition, offset) identifies it, so a range sent twice, or cut elsewhere, is once.
 *
 * It is the least urgent of all that follows the log. It shares its thread with the stream, so it works
 * in pieces; while the stream is behind it lets several chunks gather, and one insert of many rows costs
 * the warehouse a fraction of many inserts of few.
 *
 * While the warehouse is away nothing else notices; the sink's lag shows it. A list of rejected
 * offsets is kept for the dedupe window: a sink further behind than that may copy duplicates.
 */
import type { Clock, CrashPoint, Logger } from '../schemas/environment.ts';
import { FreshetError, isFreshetError } from '../schemas/errors.ts';
import {
  type DurationMs,
  type ItemId,
  NO_OFFSET,
  type Offset,
  type PartitionIndex,
  statePartition,
} from '../schemas/ids.ts';
import { chunkOfOffset, decodeDedupeChunk, dedupeKey } from '../schemas/state/dedupe-chunk.ts';
import { impressionRow, interactionRow, itemRow, WAREHOUSE_TABLES } from '../schemas/tables.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { EventLog, LogRecord } from '../storage/event-log/event-log.ts';
import type { StateStore } from '../storage/state-store/state-store.ts';
import type { Row, Warehouse } from '../storage/warehouse/warehouse.ts';
import type { SinkOptions } from './options.ts';
import { sourceRecordOf } from './pipeline.ts';

export interface SinkDependencies {
  readonly eventLog: EventLog;
  readonly stateStore: StateStore;
  readonly warehouse: Warehouse;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly crashPoint: CrashPoint;
}

export interface SinkPlan extends SinkPlace {
  /** Up to where rows may be copied now. */
  limit(): Promise<Offset>;
  /** Whether the stream's verdicts decide which records become rows. */
  readonly followsVerdicts: boolean;
}

export interface SinkStatus {
  readonly table: string;
  readonly topic: string;
  readonly partition: PartitionIndex;
  /** NO_OFFSET until the warehouse has answered for the first time. */
  readonly coveredOffset: Offset;
  /** Offsets that may be copied by now and are not, also while nobody could copy them. */
  readonly lag: number;
  readonly rows: number;
  readonly rejected: number;
  /** Records that the log had let go of before they were copied. */
  readonly lost: number;
  readonly problem: string | null;
}

/** Of rows made in one go: a millisecond or two of the stream's thread. */
const PIECE = { recordsMax: 256, bytesMax: 1_048_576 };
/** A stream that is behind by so many records has better things to do than to make rows. */
const STREAM_BEHIND = 1_024;
/** While a partition moves fast its sink looks this many times more often than at rest. */
const LOOKS_WHILE_MOVING = 8;
const decoder = new TextDecoder();

export class WarehouseSink {
  readonly #deps: SinkDependencies;
  readonly #plan: SinkPlan;
  readonly #options: SinkOptions;
  readonly #stop = new AbortController();
  #covered = NO_OFFSET;
  #limit = NO_OFFSET;
  #rows = 0;
  #rejected = 0;
  #lost = 0;
  #problem: string | null = null;
  #mustLook = false;
  #done: Promise<void> | undefined;

  constructor(deps: SinkDependencies, plan: SinkPlan, options: SinkOptions) {
    this.#deps = deps;
    this.#plan = plan;
    this.#options = options;
  }

  start(): void {
    this.#done ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  /** The warehouse was set up anew: what the sink knows of it holds no longer. */
  lookAgain(): void {
    this.#covered = NO_OFFSET;
    this.#mustLook = true;
  }

  /**
   * What may be copied is asked for anew: what the sink saw when it last looked would call a sink
   * level that sleeps, or that still waits for the warehouse's first answer.
   */
  async status(): Promise<SinkStatus> {
    const { table, topic, partition } = this.#plan;
    const limit = await this.#plan.limit().catch(() => this.#limit);
    return {
      table,
      topic,
      partition,
      coveredOffset: this.#covered,
      lag: Math.max(0, limit - this.#covered),
      rows: this.#rows,
      rejected: this.#rejected,
      lost: this.#lost,
      problem: this.#problem,
    };
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#follow();
      } catch (error) {
        this.#limit = await this.#plan.limit().catch(() => this.#limit);
        this.#report(error);
        await this.#sleep(this.#options.retryMs);
      }
    }
  }

  #report(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    const message = error instanceof Error ? error.message : String(error);
    const { topic, partition } = this.#plan;
    // Said once per outage, not at every try.
    if (this.#problem === null) {
      const code = isFreshetError(error) ? error.code : 'internal';
      this.#deps.logger.warn('the warehouse sink waits', { topic, partition, code, error });
    }
    this.#problem = message;
  }

  async #follow(): Promise<void> {
    await this.#deps.warehouse.migrate();
    await this.#look();
    this.#problem = null;
    let isQuiet = false;
    let lookedAtMs = this.#deps.clock.monotonicMs();
    while (!this.#stop.signal.aborted) {
      if (this.#mustLook) await this.#look();
      const limitBefore = this.#limit;
      this.#limit = await this.#plan.limit();
      const first = (this.#covered + 1) as Offset;
      const last = await this.#lastOfCopy(first, isQuiet);
      if (last !== undefined) {
        await this.#copy(first, last);
        isQuiet = false;
      } else if (this.#limit - limitBefore > this.#options.chunkRecords / LOOKS_WHILE_MOVING) {
        const { flushAfterMs } = this.#options;
        await this.#sleep((flushAfterMs / LOOKS_WHILE_MOVING) as DurationMs);
      } else {
        await this.#sleep(this.#options.flushAfterMs);
        isQuiet = true;
        // Not every warehouse says when it was set up anew: without events nobody would notice.
        if (this.#deps.clock.monotonicMs() - lookedAtMs < this.#options.lookEveryMs) continue;
        await this.#look();
        lookedAtMs = this.#deps.clock.monotonicMs();
      }
    }
  }

  async #look(): Promise<void> {
    const { table, topic, partition } = this.#plan;
    this.#mustLook = false;
    this.#covered = await this.#deps.warehouse.coveredOffset({ table, topic, partition });
  }

  /** Where a copy that is worth making now would end; undefined where none is. */
  async #lastOfCopy(first: Offset, isQuiet: boolean): Promise<Offset | undefined> {
    const { chunkRecords, chunksMax } = this.#options;
    const chunk = Math.floor(first / chunkRecords);
    const due = Math.floor((this.#limit + 1) / chunkRecords) - chunk;
    if (due <= 0) return isQuiet && this.#limit >= first ? this.#limit : undefined;
    if (due < chunksMax && (await this.#isStreamBehind())) return undefined;
    return ((chunk + Math.min(due, chunksMax)) * chunkRecords - 1) as Offset;
  }

  async #isStreamBehind(): Promise<boolean> {
    const { topic, partition } = this.#plan;
    const { end } = await this.#deps.eventLog.watermarks(topic, partition);
    return end - 1 - this.#limit > STREAM_BEHIND;
  }

  async #copy(first: Offset, last: Offset): Promise<void> {
    const { table, topic, partition } = this.#plan;
    const rejected = this.#plan.followsVerdicts ? await this.#verdictsOn(first, last) : NONE;
    const made = { rows: 0, lost: 0 };
    this.#deps.crashPoint('stream.sink.before-insert');
    await this.#deps.warehouse.insert(table, this.#rowsOf({ first, last, rejected, made }), {
      topic,
      partition,
      firstOffset: first,
      lastOffset: last,
    });
    this.#deps.crashPoint('stream.sink.after-insert');
    this.#covered = last;
    this.#rows += made.rows;
    this.#lost += made.lost;
    this.#rejected += rejected.size;
  }

  async *#rowsOf(range: {
    readonly first: Offset;
    readonly last: Offset;
    readonly rejected: ReadonlySet<Offset>;
    /** Filled in on the way. */
    readonly made: { rows: number; lost: number };
  }): AsyncIterable<readonly Row[]> {
    const { first, last, rejected, made } = range;
    const { topic, partition } = this.#plan;
    const { low } = await this.#deps.eventLog.watermarks(topic, partition);
    if (low > first) made.lost = Math.min(low, last + 1) - first;
    for (let from = Math.max(first, low) as Offset; from <= last; ) {
      const records = await this.#deps.eventLog.read(topic, partition, from, PIECE);
      if (records.length === 0) break;
      const rows: Row[] = [];
      for (const record of records) {
        if (record.offset > last || rejected.has(record.offset)) continue;
        const row = this.#rowOf(record);
        if (row !== undefined) rows.push(row);
      }
      made.rows += rows.length;
      yield rows;
      from = (records.at(-1)!.offset + 1) as Offset;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The rejected offsets of a range, as long as the state has verdicts on all of it. */
  async #verdictsOn(first: Offset, last: Offset): Promise<ReadonlySet<Offset>> {
    const rejected = await this.#rejectedIn(first, last);
    if ((await this.#plan.limit()) >= last) return rejected;
    throw new FreshetError('unavailable', { why: 'the state went back; its verdicts come again' });
  }

  async #rejectedIn(first: Offset, last: Offset): Promise<ReadonlySet<Offset>> {
    const chunks: number[] = [];
    for (let chunk = chunkOfOffset(first); chunk <= chunkOfOffset(last); chunk++)
      chunks.push(chunk);
    const { topic, partition } = this.#plan;
    const values = await this.#deps.stateStore.getMany(
      statePartition(topic, partition),
      chunks.map(dedupeKey),
    );
    const rejected = new Set<Offset>();
    values.forEach((value, index) => {
      if (value === undefined) return;
      for (const offset of decodeDedupeChunk(value, chunks[index]!).rejected) {
        if (offset >= first && offset <= last) rejected.add(offset);
      }
    });
    return rejected;
  }

  #rowOf(log: LogRecord): Row | undefined {
    const { topic, partition } = this.#plan;
    const position = { topic, partition, offset: log.offset };
    if (log.value === null && topic === TOPICS.catalogue.name && log.key !== null) {
      return itemRow(decoder.decode(log.key) as ItemId, null, position);
    }
    const { named } = sourceRecordOf(log);
    switch (named?.name) {
      case 'Interaction':
        return interactionRow(named.record, position);
      case 'Impression':
        return impressionRow(named.record, position);
      case 'CatalogueItem':
        return itemRow(named.record.itemId, named.record, position);
      default:
        return undefined;
    }
  }

  async #sleep(duration: SinkOptions['retryMs']): Promise<void> {
    await this.#deps.clock.sleep(duration, this.#stop.signal).catch(() => undefined);
  }
}

const NONE: ReadonlySet<Offset> = new Set();

/** Where the records of a topic go: one sink for each of these. */
export interface SinkPlace {
  readonly table: string;
  readonly topic: string;
  readonly partition: PartitionIndex;
}

export const sinkPlacesOf = (input: {
  readonly interactions: readonly PartitionIndex[];
  readonly catalogue: readonly PartitionIndex[];
}): readonly SinkPlace[] => {
  const { interactions, impressions, items } = WAREHOUSE_TABLES;
  return [
    ...input.interactions.flatMap((partition) => [
      { table: interactions.name, topic: TOPICS.interactions.name, partition },
      { table: impressions.name, topic: TOPICS.impressions.name, partition },
    ]),
    ...input.catalogue.map((partition) => ({
      table: items.name,
      topic: TOPICS.catalogue.name,
      partition,
    })),
  ];
};
