/** Appends what one request has for several partitions, and waits for all of it, also when one fails. */
import type { Position } from '../../schemas/api/fields.ts';
import type { Offset, PartitionIndex } from '../../schemas/ids.ts';
import type { AppendRecord } from '../../storage/event-log/event-log.ts';
import type { AppendQueue } from './append-queue.ts';

/** Resolves to where each partition's share ends. */
export const appendShares = async (
  queue: AppendQueue,
  shares: ReadonlyMap<PartitionIndex, readonly AppendRecord[]>,
): Promise<Position[]> => {
  const outcomes = await Promise.allSettled(
    [...shares].map(async ([partition, records]) => {
      const first = await durable(queue, partition, records);
      return { partition, offset: (first + records.length - 1) as Offset };
    }),
  );
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
};

const durable = (
  queue: AppendQueue,
  partition: PartitionIndex,
  records: readonly AppendRecord[],
): Promise<Offset> =>
  new Promise((resolve, reject) => {
    queue.submit(partition, { records, onDurable: resolve, onFailed: reject });
  });
