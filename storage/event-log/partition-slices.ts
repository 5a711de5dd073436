/**
 * A partition of the log from one offset to another, in slices, once through: for whoever reads what is
 * there and does not follow what comes. The log may have gaps and a slice may reach beyond the end, so
 * neither is for the caller to think of.
 */
import { type Offset, offset, type PartitionIndex, partitionIndex } from '../../schemas/ids.ts';
import type { EventLog, LogRecord, ReadLimits } from './event-log.ts';

export interface SliceRange {
  /** The first offset; what retention has removed of it is passed over. The oldest where left out. */
  readonly from?: number;
  /** Before this offset; the end of the log at the time of the call where left out. */
  readonly to?: number;
  readonly limits?: ReadLimits;
}

const ONE_RECORD: ReadLimits = { recordsMax: 1, bytesMax: 1 };

/** The first record at an offset or after it: the log may have gaps. */
export const firstRecord = async (
  log: Pick<EventLog, 'read'>,
  topic: string,
  partition: PartitionIndex,
  from: Offset,
): Promise<LogRecord | undefined> => (await log.read(topic, partition, from, ONE_RECORD))[0];

export const SLICE_LIMITS: ReadLimits = { recordsMax: 4_096, bytesMax: 1_048_576 };

export async function* partitionSlices(
  log: Pick<EventLog, 'read' | 'watermarks'>,
  topic: string,
  partition: PartitionIndex,
  range: SliceRange = {},
): AsyncGenerator<readonly LogRecord[]> {
  const { low, end } = await log.watermarks(topic, partition);
  const to = Math.min(range.to ?? end, end);
  for (let from: Offset = offset(Math.max(range.from ?? low, low)); from < to; ) {
    const slice = await log.read(topic, partition, from, range.limits ?? SLICE_LIMITS);
    const last = slice.at(-1);
    if (last === undefined) return;
    yield last.offset < to ? slice : slice.filter((record) => record.offset < to);
    from = offset(last.offset + 1);
  }
}

/** The same of every partition of a topic, one after the other. */
export async function* topicSlices(
  log: Pick<EventLog, 'read' | 'topic' | 'watermarks'>,
  topic: string,
): AsyncGenerator<readonly LogRecord[]> {
  const { partitionCount } = await log.topic(topic);
  for (let index = 0; index < partitionCount; index += 1) {
    yield* partitionSlices(log, topic, partitionIndex(index));
  }
}
