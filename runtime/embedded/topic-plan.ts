/**
 * Which topics an embedded instance has, how many partitions each, and which thread writes it: an
 * LMDB environment has one writer.
 */
import { type PartitionIndex, partitionIndex } from '../../schemas/ids.ts';
import { TOPICS, type TopicSpec } from '../../schemas/topics.ts';
import type { OwnedPartitions } from '../../stream/stream.ts';

export interface PartitionCounts {
  readonly userPartitions: number;
  readonly itemPartitions: number;
}

export interface PlannedTopic {
  readonly spec: TopicSpec;
  readonly partitionCount: number;
}

/** `events-in` is for producers that write to Kafka themselves; an embedded log has none. */
const EMBEDDED_TOPICS: readonly TopicSpec[] = Object.values(TOPICS).filter(
  ({ name }) => name !== TOPICS.eventsIn.name,
);

export const planTopics = (counts: PartitionCounts): readonly PlannedTopic[] =>
  EMBEDDED_TOPICS.map((spec) => ({ spec, partitionCount: partitionCountOf(spec, counts) }));

const partitionCountOf = (spec: TopicSpec, counts: PartitionCounts): number => {
  switch (spec.partitionsBy) {
    case 'user':
      return counts.userPartitions;
    case 'item':
      return counts.itemPartitions;
    case 'one':
      return 1;
  }
};

/** Written by the stream worker. */
export const STREAM_TOPICS: readonly string[] = [TOPICS.itemSignals.name, TOPICS.deadLetters.name];

/** Written by the main thread. */
export const INGEST_TOPICS: readonly string[] = EMBEDDED_TOPICS.map(({ name }) => name).filter(
  (name) => !STREAM_TOPICS.includes(name),
);

const indexesBelow = (count: number): readonly PartitionIndex[] =>
  Array.from({ length: count }, (_, index) => partitionIndex(index));

/** Everything there is to own, for the one process that owns it all. */
export const allPartitionsOf = (counts: PartitionCounts): OwnedPartitions => ({
  interactions: indexesBelow(counts.userPartitions),
  itemSignals: indexesBelow(counts.itemPartitions),
  catalogue: indexesBelow(counts.itemPartitions),
  control: indexesBelow(1),
});
