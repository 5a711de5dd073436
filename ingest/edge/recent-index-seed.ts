/**
 * Fills the edge's memory from the end of the log, so that a duplicate of an event or impression from
 * before a restart, or that another process took, is told at once too. Reads the newest part only: as many records of each partition as the
 * index can hold in all, none older than the window in which an id identifies an event.
 */
import type { Clock } from '../../schemas/environment.ts';
import { eventIdentity, impressionIdentity, payloadHash } from '../../schemas/event-identity.ts';
import type { PartitionIndex } from '../../schemas/ids.ts';
import { type DurationMs, type EpochMs, partitionIndex } from '../../schemas/ids.ts';
import type { NamedRecord } from '../../schemas/records.ts';
import type { EventLog, LogRecord } from '../../storage/event-log/event-log.ts';
import { partitionSlices } from '../../storage/event-log/partition-slices.ts';
import { readableRecord } from '../readable-record.ts';
import { subjectOf } from './event-check.ts';
import type { RecentIndex } from './recent-index.ts';

const SLICE = { recordsMax: 500, bytesMax: 262_144 };

export interface RecentIndexSeed {
  readonly log: EventLog;
  /** Of interactions or of impressions. */
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
  const known = identified(readableRecord(value));
  if (known === undefined || recent.find(known.identity) !== undefined) return;
  recent.settle(recent.add({ payload: known.payload, partition, ticket: 0 }), at);
};

interface Identified {
  readonly identity: string;
  readonly payload: number;
}

const identified = (decoded: NamedRecord | undefined): Identified | undefined => {
  switch (decoded?.name) {
    case 'Interaction': {
      const { record } = decoded;
      // What an import numbered is known by its mark, and nobody sends it here.
      if (record.sequence !== null) return undefined;
      const identity = eventIdentity(record, subjectOf(record));
      return { identity, payload: payloadHash(record) };
    }
    case 'Impression': {
      const { record } = decoded;
      return { identity: impressionIdentity(record, subjectOf(record)), payload: 0 };
    }
    default:
      return undefined;
  }
};
