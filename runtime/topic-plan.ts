/**
 * Which topics an embedded instance has, how many partitions each, and which thread writes it: an
 * LMDB environment has one writer.
 */
import { type PartitionIndex, partitionIndex } from '../schemas/ids.ts';
import { TOPICS, type TopicSpec } from '../schemas/topics.ts';
import type { OwnedPartitions } from '../stream/stream.ts';

export interface PartitionCounts {
  readonly userPartitions: number;
  readonly itemPartitions: number;
}

export interface PlannedTopic {
  readonly spec: TopicSpec;
  readonly partitionCount: number;
}

/** No producers outside write to an embedded log, and its keys lie in a file. */
export const EMBEDDED_TOPICS: readonly TopicSpec[] = Object.values<TopicSpec>(TOPICS).filter(
  ({ isShared }) => isShared !== true,
);

export const planTopics = (counts: PartitionCounts): readonly PlannedTopic[] =>
  planOf(EMBEDDED_TOPICS, counts);

/** With what producers outside write, and with the keys of people. */
export const planAllTopics = (counts: PartitionCounts): readonly PlannedTopic[] =>
  planOf(Object.values(TOPICS), counts);

const planOf = (specs: readonly TopicSpec[], counts: PartitionCounts): readonly PlannedTopic[] =>
  specs.map((spec) => ({ spec, partitionCount: partitionCountOf(spec, counts) }));

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

/** Written by the first stream worker, for all of them. */
export const STREAM_TOPICS: readonly string[] = [TOPICS.itemSignals.name, TOPICS.deadLetters.name];

/** Written by the main thread. */
export const INGEST_TOPICS: readonly string[] = EMBEDDED_TOPICS.map(({ name }) => name).filter(
  (name) => !STREAM_TOPICS.includes(name),
);

const indexesBelow = (count: number): readonly PartitionIndex[] =>
  Array.from({ length: count }, (_, index) => partitionIndex(index));

/** More workers than partitions of a kind would have nothing to do. */
export const workerCountOf = (counts: PartitionCounts, wanted: number): number =>
  Math.max(1, Math.min(wanted, Math.max(counts.userPartitions, counts.itemPartitions)));

/** What one of several workers owns: every so many-th partition. The first has the single ones. */
export const partitionsOfWorker = (
  counts: PartitionCounts,
  { worker, workers }: { readonly worker: number; readonly workers: number },
): OwnedPartitions => {
  const share = (count: number): readonly PartitionIndex[] =>
    indexesBelow(count).filter((index) => index % workers === worker);
  return {
    interactions: share(counts.userPartitions),
    itemSignals: share(counts.itemPartitions),
    catalogue: share(counts.itemPartitions),
    control: share(1),
  };
};

/** Everything there is to own, for the one that owns it all. */
export const allPartitionsOf = (counts: PartitionCounts): OwnedPartitions =>
  partitionsOfWorker(counts, { worker: 0, workers: 1 });
