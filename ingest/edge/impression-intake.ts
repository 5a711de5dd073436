/** The way of impressions into the log: as interactions go, without ids to recognise. */
import { ImpressionInput, type ImpressionsAnswer } from '../../schemas/api/impressions.ts';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import type { Clock } from '../../schemas/environment.ts';
import type { FreshetError } from '../../schemas/errors.ts';
import type { EpochMs, PartitionIndex } from '../../schemas/ids.ts';
import type { ImpressionRecord } from '../../schemas/records.ts';
import type { AppendRecord } from '../../storage/event-log/event-log.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import type { IngestOptions } from '../options.ts';
import type { AppendQueue, QueueBudget } from './append-queue.ts';
import { appendShares } from './append-shares.ts';
import { type Batch, placeIn } from './batch.ts';
import { checkSubject, checkTime, DEFAULT_SOURCE, subjectOf } from './event-check.ts';
import { emptyIntakeCounters } from './event-intake.ts';
import { isRefusal, shapeOf } from './shape.ts';

export interface ImpressionIntakeOptions {
  readonly queue: AppendQueue;
  readonly budget: QueueBudget;
  readonly clock: Pick<Clock, 'now'>;
  readonly limits: Pick<IngestOptions, 'ageMax' | 'aheadMax'>;
}

type Refused = ImpressionsAnswer['refused'][number];

const impressionShape = shapeOf<ImpressionInput>(ImpressionInput);

export class ImpressionIntake {
  readonly counters = emptyIntakeCounters();
  readonly #options: ImpressionIntakeOptions;

  constructor(options: ImpressionIntakeOptions) {
    this.#options = options;
  }

  async take(batch: Batch): Promise<ImpressionsAnswer> {
    this.#options.budget.check();
    const receivedAt = this.#options.clock.now();
    const refused: Refused[] = [];
    const shares = new Map<PartitionIndex, AppendRecord[]>();
    batch.values.forEach((given, index) => {
      try {
        const impression = impressionShape.check(given, placeIn(batch, index));
        this.#place(this.#recordOf(impression, receivedAt), shares);
      } catch (error) {
        if (!isRefusal(error) || batch.isSingle) throw error;
        refused.push(refusal(index, error));
      }
    });
    return this.#append(shares, { received: batch.values.length, refused });
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

  #place(record: ImpressionRecord, shares: Map<PartitionIndex, AppendRecord[]>): void {
    const key = Buffer.from(subjectOf(record));
    const partition = partitionOf(key, this.#options.queue.partitionCount);
    const appended = {
      key,
      value: encodeRecord('Impression', record),
      timestamp: record.receivedAt,
    };
    const share = shares.get(partition);
    if (share) share.push(appended);
    else shares.set(partition, [appended]);
  }

  async #append(
    shares: ReadonlyMap<PartitionIndex, AppendRecord[]>,
    { received, refused }: { received: number; refused: Refused[] },
  ): Promise<ImpressionsAnswer> {
    const { counters } = this;
    counters.received += received;
    try {
      const positions = await appendShares(this.#options.queue, shares);
      const accepted = received - refused.length;
      counters.accepted += accepted;
      counters.refused += refused.length;
      return { accepted, refused, positions };
    } catch (error) {
      counters.failed += received;
      throw error;
    }
  }
}

const refusal = (index: number, { code, message }: FreshetError): Refused => ({
  index,
  code,
  message,
});
