/**
 * The BackfillSink that writes into the log itself. One append is outstanding per partition, so that
 * a failure leaves no gap behind which later events already lie; encoding the next batch goes on
 * meanwhile.
 *
 * Progress stands in the control log, together with how far each partition was then. After a kill
 * only what lies behind that is read again, to find the highest number of this import in each
 * partition; what comes again is left out, so the log itself gets no event twice.
 */
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import type { Clock, CrashPoint } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type {
  EventId,
  ItemId,
  Offset,
  PartitionIndex,
  SessionId,
  UserId,
} from '../../schemas/ids.ts';
import { offset, partitionIndex } from '../../schemas/ids.ts';
import type { CatalogueItemRecord, InteractionRecord } from '../../schemas/records.ts';
import { CONTROL_LOG, TOPICS } from '../../schemas/topics.ts';
import type { AppendRecord, EventLog } from '../../storage/event-log/event-log.ts';
import { partitionSlices } from '../../storage/event-log/partition-slices.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import { readableRecord } from '../readable-record.ts';
import type { BackfillEvent, BackfillSink, ImportState } from './backfill-sink.ts';

export interface LogBackfillSinkOptions {
  readonly log: EventLog;
  readonly clock: Pick<Clock, 'now'>;
  /** For the fault harness; does nothing where left out. */
  readonly crashPoint?: CrashPoint;
}

const INTERACTIONS = TOPICS.interactions.name;
const CATALOGUE = TOPICS.catalogue.name;
const { topic: CONTROL, partition: CONTROL_PARTITION } = CONTROL_LOG;
const IMPORT_KIND = 'import';

export const importSource = (importId: string): string => `import:${importId.slice(0, 16)}`;

/** What is stored beside the state: how far each partition of interactions was at that time. */
interface StoredImport extends ImportState {
  /** By partition: the end of the log, and the highest number of the import before it (−1: none). */
  readonly partitions: readonly { readonly end: number; readonly sequence: number }[];
}

export class LogBackfillSink implements BackfillSink {
  readonly #options: LogBackfillSinkOptions;
  /** By import: the highest number handed to the log, by partition. */
  readonly #marks = new Map<string, Promise<number[]>>();
  /** By import: the lowest number that was not written; none above it may pass it. */
  readonly #failedFrom = new Map<string, number>();
  #last: Promise<void> = Promise.resolve();

  constructor(options: LogBackfillSinkOptions) {
    this.#options = options;
  }

  async importState(importId: string): Promise<ImportState | undefined> {
    const stored = await this.#stored(importId);
    if (stored === undefined) return undefined;
    const { partitions, ...state } = stored;
    return state;
  }

  async recordImport(importId: string, state: ImportState): Promise<void> {
    const { log, clock } = this.#options;
    const marks = await this.#marksOf(importId);
    // What is under way is not durable yet, and a mark must not speak of it.
    await this.#settled();
    const partitions = await Promise.all(
      marks.map(async (sequence, index) => {
        const { end } = await log.watermarks(INTERACTIONS, partitionIndex(index));
        return { end, sequence };
      }),
    );
    const stored: StoredImport = { ...state, partitions };
    const at = clock.now();
    const value = encodeRecord('Control', {
      kind: IMPORT_KIND,
      subject: importId,
      at,
      body: JSON.stringify(stored),
    });
    const key = Buffer.from(`${IMPORT_KIND}:${importId}`);
    await log.append(CONTROL, CONTROL_PARTITION, [{ key, value, timestamp: at }]);
    this.#options.crashPoint?.('import.after-record');
  }

  async appendItems(items: readonly CatalogueItemRecord[]): Promise<void> {
    const { log } = this.#options;
    const { partitionCount } = await log.topic(CATALOGUE);
    const shares = new Map<PartitionIndex, AppendRecord[]>();
    for (const item of items) {
      const key = Buffer.from(item.itemId);
      const value = encodeRecord('CatalogueItem', item);
      push(shares, partitionOf(key, partitionCount), { key, value, timestamp: item.updatedAt });
    }
    await this.#appendAll(CATALOGUE, shares);
  }

  async appendEvents(importId: string, events: readonly BackfillEvent[]): Promise<void> {
    const first = events[0]?.sequence;
    if (first === undefined) return;
    try {
      this.#checkOrder(importId, first);
      const marks = await this.#marksOf(importId);
      this.#checkOrder(importId, first);
      const shares = this.#sharesOf(importId, events, marks);
      const appended = this.#last.then(() => this.#appendAll(INTERACTIONS, shares));
      this.#last = appended;
      await appended;
    } catch (error) {
      this.#marks.delete(importId);
      this.#failedFrom.set(importId, Math.min(first, this.#failedFrom.get(importId) ?? first));
      throw error;
    }
  }

  /**
   * After a failure whatever comes behind it fails, too, until the failed numbers come again: once
   * higher ones are in the log, lower ones count as taken in.
   */
  #checkOrder(importId: string, first: number): void {
    const failedFrom = this.#failedFrom.get(importId);
    if (failedFrom === undefined) return;
    if (first > failedFrom) {
      const why = `event ${failedFrom} of the import was not written and has to come again first`;
      throw new FreshetError('unavailable', { why });
    }
    this.#failedFrom.delete(importId);
  }

  /** Everything handed over so far is settled; after a failure there is a new start. */
  async #settled(): Promise<void> {
    const last = this.#last;
    await last.catch(() => {
      if (this.#last === last) this.#last = Promise.resolve();
    });
  }

  #sharesOf(
    importId: string,
    events: readonly BackfillEvent[],
    marks: number[],
  ): Map<PartitionIndex, AppendRecord[]> {
    const shares = new Map<PartitionIndex, AppendRecord[]>();
    const source = importSource(importId);
    const receivedAt = this.#options.clock.now();
    for (const event of events) {
      const key = Buffer.from(event.userId === null ? `s:${event.sessionId}` : `u:${event.userId}`);
      const partition = partitionOf(key, marks.length);
      if (event.sequence <= marks[partition]!) continue;
      marks[partition] = event.sequence;
      const record: InteractionRecord = {
        source,
        eventId: orderedId(event.sequence),
        userId: event.userId as UserId | null,
        sessionId: event.sessionId as SessionId | null,
        itemId: event.itemId as ItemId,
        kind: event.kind,
        value: event.value,
        occurredAt: event.occurredAt,
        receivedAt,
        backfill: importId,
        sequence: event.sequence,
        context: null,
      };
      push(shares, partition, {
        key,
        value: encodeRecord('Interaction', record),
        timestamp: receivedAt,
      });
    }
    return shares;
  }

  async #appendAll(
    topic: string,
    shares: ReadonlyMap<PartitionIndex, AppendRecord[]>,
  ): Promise<void> {
    const outcomes = await Promise.allSettled(
      [...shares].map(([partition, records]) => this.#append(topic, partition, records)),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  async #append(
    topic: string,
    partition: PartitionIndex,
    records: readonly AppendRecord[],
  ): Promise<void> {
    const { log, crashPoint } = this.#options;
    const { batchRecordsMax, batchBytesMax } = log.limits;
    for (let from = 0; from < records.length; ) {
      let bytes = 0;
      let to = from;
      while (to < records.length && to - from < batchRecordsMax) {
        bytes += records[to]!.key!.length + (records[to]!.value?.length ?? 0);
        if (to > from && bytes > batchBytesMax) break;
        to += 1;
      }
      crashPoint?.('import.before-append');
      await log.append(topic, partition, records.slice(from, to));
      crashPoint?.('import.after-append');
      from = to;
    }
  }

  /** Looked up once; who asks meanwhile waits for the same, and goes on in the order of asking. */
  #marksOf(importId: string): Promise<number[]> {
    const known = this.#marks.get(importId);
    if (known) return known;
    const marks = this.#findMarks(importId);
    this.#marks.set(importId, marks);
    marks.catch(() => {
      if (this.#marks.get(importId) === marks) this.#marks.delete(importId);
    });
    return marks;
  }

  async #findMarks(importId: string): Promise<number[]> {
    const { log } = this.#options;
    const { partitionCount } = await log.topic(INTERACTIONS);
    await this.#settled();
    const stored = await this.#stored(importId);
    if (stored === undefined) return new Array<number>(partitionCount).fill(-1);
    return Promise.all(
      stored.partitions.map(({ end, sequence }, index) =>
        this.#markBehind(importId, partitionIndex(index), { from: offset(end), sequence }),
      ),
    );
  }

  /** The highest number of the import in a partition, reading only what lies behind `from`. */
  async #markBehind(
    importId: string,
    partition: PartitionIndex,
    known: { readonly from: Offset; readonly sequence: number },
  ): Promise<number> {
    const { log } = this.#options;
    let { sequence } = known;
    for await (const slice of partitionSlices(log, INTERACTIONS, partition, { from: known.from })) {
      for (const { value } of slice) {
        const decoded = readableRecord(value);
        if (decoded?.name !== 'Interaction' || decoded.record.backfill !== importId) continue;
        sequence = Math.max(sequence, decoded.record.sequence ?? -1);
      }
    }
    return sequence;
  }

  async #stored(importId: string): Promise<StoredImport | undefined> {
    const { log } = this.#options;
    let found: StoredImport | undefined;
    for await (const slice of partitionSlices(log, CONTROL, CONTROL_PARTITION)) {
      for (const { value } of slice) {
        const decoded = readableRecord(value);
        if (decoded?.name !== 'Control') continue;
        const { kind, subject, body } = decoded.record;
        if (kind === IMPORT_KIND && subject === importId) found = JSON.parse(body) as StoredImport;
      }
    }
    return found;
  }
}

/** Ids in the order of the numbers: of simultaneous events the history goes by their ids. */
const orderedId = (sequence: number): EventId => {
  const digits = sequence.toString(36);
  return `${digits.length.toString(36)}${digits}` as EventId;
};

const push = <Key>(shares: Map<Key, AppendRecord[]>, key: Key, record: AppendRecord): void => {
  const share = shares.get(key);
  if (share) share.push(record);
  else shares.set(key, [record]);
};
