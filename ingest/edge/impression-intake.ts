/**
 * The way of impressions into the log: as interactions go. They have no id: one that says the same of the
 * same list, person and moment is the same one, and is told as long as the edge remembers it.
 */
import { ImpressionInput, type ImpressionsAnswer } from '../../schemas/api/impressions.ts';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import type { Clock } from '../../schemas/environment.ts';
import type { FreshetError } from '../../schemas/errors.ts';
import { impressionIdentity } from '../../schemas/event-identity.ts';
import type { EpochMs, Offset, PartitionIndex } from '../../schemas/ids.ts';
import type { ImpressionRecord } from '../../schemas/records.ts';
import type { AppendRecord } from '../../storage/event-log/event-log.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import type { IngestOptions } from '../options.ts';
import type { AppendQueue, QueueBudget } from './append-queue.ts';
import { type Batch, placeIn } from './batch.ts';
import { checkSubject, checkTime, DEFAULT_SOURCE, subjectOf } from './event-check.ts';
import { emptyIntakeCounters } from './event-intake.ts';
import type { EntryNumber, RecentIndex } from './recent-index.ts';
import { isRefusal, shapeOf } from './shape.ts';

export interface ImpressionIntakeOptions {
  readonly queue: AppendQueue;
  readonly budget: QueueBudget;
  readonly recent: RecentIndex;
  /** Remembers what the log's end holds, whoever wrote it. */
  readonly seed: () => Promise<number>;
  readonly clock: Pick<Clock, 'now'>;
  readonly limits: Pick<IngestOptions, 'ageMax' | 'aheadMax'>;
}

type Refused = ImpressionsAnswer['refused'][number];
type Position = ImpressionsAnswer['positions'][number];

const impressionShape = shapeOf<ImpressionInput>(ImpressionInput);
const LAST_TICKET = 0xffff_fffe;

interface Checked {
  readonly record: ImpressionRecord;
  readonly value: Uint8Array;
}

/** What one request has for one partition. */
interface Share {
  readonly partition: PartitionIndex;
  readonly ticket: number;
  readonly records: AppendRecord[];
  readonly entries: EntryNumber[];
}

/** What one request comes to, while it is looked through. */
interface Taking {
  readonly shares: Map<PartitionIndex, Share>;
  readonly refused: Refused[];
  /** Appends of others, under way, that hold what this request holds. */
  readonly others: Set<Promise<Position>>;
  duplicates: number;
}

export class ImpressionIntake {
  readonly counters = emptyIntakeCounters();
  readonly #options: ImpressionIntakeOptions;
  /** By ticket. */
  readonly #underWay = new Map<number, Promise<Position>>();
  #lastTicket = 0;

  constructor(options: ImpressionIntakeOptions) {
    this.#options = options;
  }

  /** For whoever goes on with the work of another process. */
  async lookBack(): Promise<void> {
    await this.#options.seed();
  }

  async take(batch: Batch): Promise<ImpressionsAnswer> {
    this.#options.budget.check();
    const receivedAt = this.#options.clock.now();
    const taking: Taking = { shares: new Map(), refused: [], others: new Set(), duplicates: 0 };
    const checked = batch.values.map((given, index) => {
      try {
        const impression = impressionShape.check(given, placeIn(batch, index));
        const record = this.#recordOf(impression, receivedAt);
        return { record, value: encodeRecord('Impression', record) };
      } catch (error) {
        if (!isRefusal(error) || batch.isSingle) throw error;
        taking.refused.push(refusal(index, error));
        return undefined;
      }
    });
    for (const each of checked) {
      if (each !== undefined) this.#place(each, taking);
    }
    return this.#settle(taking, batch.values.length);
  }

  #recordOf(given: ImpressionInput, receivedAt: EpochMs): ImpressionRecord {
    const { userId = null, sessionId = null } = given;
    checkSubject(userId, sessionId);
    return {
      source: given.source ?? DEFAULT_SOURCE,
      listId: given.listId,
      placement: given.placement ?? null,
      userId,
      sessionId,
      items: given.items.map(({ itemId, rank, propensity = null }) => ({
        itemId,
        rank,
        propensity,
      })),
      models: given.models ?? {},
      experiment: given.experiment ?? null,
      variant: given.variant ?? null,
      occurredAt: checkTime(given.occurredAt, { limits: this.#options.limits, receivedAt }),
      receivedAt,
    };
  }

  #place({ record, value }: Checked, taking: Taking): void {
    const { recent, queue } = this.#options;
    const subject = subjectOf(record);
    const known = recent.find(impressionIdentity(record, subject));
    if (known !== undefined) {
      taking.duplicates += 1;
      const other = known.offset === undefined ? this.#underWay.get(known.ticket) : undefined;
      if (other !== undefined) taking.others.add(other);
      return;
    }
    const key = Buffer.from(subject);
    const share = this.#shareOf(partitionOf(key, queue.partitionCount), taking);
    const { partition, ticket } = share;
    share.entries.push(recent.add({ payload: 0, partition, ticket }));
    share.records.push({ key, value, timestamp: record.receivedAt });
  }

  #shareOf(partition: PartitionIndex, { shares }: Taking): Share {
    const found = shares.get(partition);
    if (found !== undefined) return found;
    this.#lastTicket = (this.#lastTicket % LAST_TICKET) + 1;
    const share = { partition, ticket: this.#lastTicket, records: [], entries: [] };
    shares.set(partition, share);
    return share;
  }

  /** Waits for all of it, also when some fails, and for those who hold the same. */
  async #settle(taking: Taking, received: number): Promise<ImpressionsAnswer> {
    const { counters } = this;
    const { refused, duplicates } = taking;
    counters.received += received;
    const own = [...taking.shares.values()].map((share) => this.#append(share));
    const outcomes = await Promise.allSettled([...own, ...taking.others]);
    const failed = outcomes.find(({ status }) => status === 'rejected');
    if (failed !== undefined) {
      counters.failed += received;
      throw (failed as PromiseRejectedResult).reason;
    }
    const accepted = received - refused.length - duplicates;
    counters.accepted += accepted;
    counters.duplicates += duplicates;
    counters.refused += refused.length;
    return { accepted, duplicates, refused, positions: await Promise.all(own) };
  }

  #append(share: Share): Promise<Position> {
    const { recent, queue } = this.#options;
    const { partition, records, entries, ticket } = share;
    const appended = new Promise<Position>((resolve, reject) => {
      queue.submit(partition, {
        records,
        onDurable: (first) => {
          for (const [at, entry] of entries.entries()) recent.settle(entry, (first + at) as Offset);
          resolve({ partition, offset: (first + records.length - 1) as Offset });
        },
        onFailed: (error) => {
          for (const entry of entries) recent.remove(entry);
          reject(error);
        },
      });
    });
    this.#underWay.set(ticket, appended);
    const end = (): boolean => this.#underWay.delete(ticket);
    appended.then(end, end);
    return appended;
  }
}

const refusal = (index: number, { code, message }: FreshetError): Refused => ({
  index,
  code,
  message,
});
