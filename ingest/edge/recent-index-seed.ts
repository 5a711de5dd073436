/**
 * Fills the edge's memory from the end of the log, so that a duplicate of an event from before a
 * restart is told at once too. Reads the newest part only: as many records of each partition as the
 * index can hold in all, none older than the window in which an id identifies an event.
 */
import type { Clock } from '../../schemas/environment.ts';
import { eventIdentity, payloadHash } from '../../schemas/event-identity.ts';
import type { PartitionIndex } from '../../schemas/ids.ts';
import { type DurationMs, type EpochMs, partitionIndex } from '../../schemas/ids.ts';
import type { EventLog, LogRecord } from '../../storage/event-log/event-log.ts';
import { partitionSlices } from '../../storage/event-log/partition-slices.ts';
import { readableRecord } from '../readable-record.ts';
import { subjectOf } from './event-check.ts';
import type { RecentIndex } from './recent-index.ts';

const SLICE = { recordsMax: 500, bytesMax: 262_144 };

export interface RecentIndexSeed {
  readonly log: EventLog;
  readonly topic: string;
  readonly recent: RecentIndex;
  readonly capacity: number;
  readonly windowMs: DurationMs;
  readonly clock: Clock;
}

/** Resolves to how many events are remembered. Gives way to other work between slices. */
export const seedRecentIndex = async (seed: RecentIndexSeed): Promise<number> => {
  const { partitionCount } = await seed.log.topic(seed.topic);
  const perPartition = Math.floor(seed.capacity / partitionCount);
  for (let index = 0; index < partitionCount; index += 1) {
    await seedPartition(seed, partitionIndex(index), perPartition);
  }
  return seed.recent.size;
};

const seedPartition = async (
  seed: RecentIndexSeed,
  partition: PartitionIndex,
  recordsMax: number,
): Promise<void> => {
  const { log, topic, clock, windowMs } = seed;
  const { end } = await log.watermarks(topic, partition);
  const oldest = (clock.now() - windowMs) as EpochMs;
  for await (const slice of partitionSlices(log, topic, partition, {
    from: end - recordsMax,
    limits: SLICE,
  })) {
    for (const record of slice) {
      if (record.timestamp >= oldest) remember(seed.recent, partition, record);
    }
    await new Promise(setImmediate);
  }
};

const remember = (
  recent: RecentIndex,
  partition: PartitionIndex,
  { value, offset: at }: LogRecord,
): void => {
  const decoded = readableRecord(value);
  // What an import numbered is known by its mark, and nobody sends it here.
  if (decoded?.name !== 'Interaction' || decoded.record.sequence !== null) return;
  const { record } = decoded;
  if (recent.find(eventIdentity(record, subjectOf(record))) !== undefined) return;
  recent.settle(recent.add({ payload: payloadHash(record), partition, ticket: 0 }), at);
};
