/**
 * The next record before an offset that is not covered yet. A log may have gaps and may have let go of its
 * beginning, so what is left to cover is asked of it, not counted.
 */
import type { Offset, PartitionIndex } from '../schemas/ids.ts';
import type { EventLog } from '../storage/event-log/event-log.ts';
import { firstRecord } from '../storage/event-log/partition-slices.ts';

export const nextUncovered = async (
  eventLog: Pick<EventLog, 'watermarks' | 'read'>,
  { topic, index }: { readonly topic: string; readonly index: PartitionIndex },
  { covered, end }: { readonly covered: Offset; readonly end: Offset },
): Promise<Offset | undefined> => {
  const { low } = await eventLog.watermarks(topic, index);
  const from = Math.max(covered + 1, low) as Offset;
  if (from >= end) return undefined;
  const next = await firstRecord(eventLog, topic, index, from);
  return next === undefined || next.offset >= end ? undefined : next.offset;
};
