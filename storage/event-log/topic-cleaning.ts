/**
 * Removes what may go from a topic of the embedded log (L9), in commits of at most a thousand records
 * and with a turn of the event loop between slices, so that neither appends nor requests wait long.
 *
 * `delete`: the oldest records go while they are too old or the partition is too large. It stops at the
 * first record that may stay, so that what remains has no hole.
 *
 * `compact`: of each key the last record stays. The part that was never compacted is read once to learn
 * the last offset of each of its keys; then everything before is walked and what is superseded goes. A
 * tombstone stays until it is older than tombstones are kept, so that a reader who is behind by less than
 * that learns of the removal; everything before it in its key is gone earlier. One pass learns a bounded
 * number of keys; the next call goes on from there. A crash in between loses only progress.
 *
 * Neither passes `keepFrom`: from there on somebody has yet to read, and what he has yet to read is
 * neither removed nor a reason to remove what it supersedes.
 */
import {
  type DurationMs,
  type EpochMs,
  epochMs,
  type Offset,
  offset,
  type PartitionIndex,
  partitionIndex,
} from '../../schemas/ids.ts';
import type { TopicRetention } from './event-log.ts';
import type { LmdbTopic } from './lmdb-topic.ts';
import type { PartitionState } from './partition-state.ts';
import type { RecordOutline } from './record-frame.ts';

/** About 30 MB of keys. */
const KEYS_LEARNED_MAX = 200_000;

export interface CleaningRules {
  readonly retention: TopicRetention;
  readonly now: EpochMs;
  readonly tombstonesKeptMs: DurationMs;
}

/** Returns how many records it removed. */
export const cleanTopic = async (topic: LmdbTopic, rules: CleaningRules): Promise<number> => {
  let removed = 0;
  for (let index = 0; index < topic.info.partitionCount; index += 1) {
    const partition = partitionIndex(index);
    removed +=
      topic.info.cleanup === 'compact'
        ? await compactPartition(topic, partition, rules)
        : await expirePartition(topic, partition, rules);
  }
  return removed;
};

const expirePartition = async (
  topic: LmdbTopic,
  partition: PartitionIndex,
  { retention, now }: CleaningRules,
): Promise<number> => {
  const { ageMs = Number.POSITIVE_INFINITY, bytesMax = Number.POSITIVE_INFINITY } = retention;
  const needed = keptFrom(retention, partition);
  let removed = 0;
  for (;;) {
    const { low, next, liveBytes } = topic.state(partition);
    const oldest = topic.outline(partition, { from: low, end: next });
    let bytes = liveBytes;
    const firstKept = oldest.findIndex((record) => {
      const stays =
        record.offset >= needed || (now - record.timestamp <= ageMs && bytes <= bytesMax);
      if (!stays) bytes -= record.bytes;
      return stays;
    });
    const expired = firstKept === -1 ? oldest : oldest.slice(0, firstKept);
    if (expired.length === 0) return removed;
    const newLow = offset(expired[expired.length - 1]!.offset + 1);
    await remove(topic, partition, expired, (state) => ({ ...state, low: newLow }));
    removed += expired.length;
    await nextTurn();
  }
};

const compactPartition = async (
  topic: LmdbTopic,
  partition: PartitionIndex,
  { retention, now, tombstonesKeptMs }: CleaningRules,
): Promise<number> => {
  const { low, next, compactedTo, oldestTombstone } = topic.state(partition);
  // What is compacted already stays compacted, also where a reader begins anew.
  const end = offset(Math.max(compactedTo, Math.min(next, keptFrom(retention, partition))));
  const isTombstoneOld = (timestamp: EpochMs): boolean => now - timestamp > tombstonesKeptMs;
  if (compactedTo === end && !isTombstoneOld(oldestTombstone)) return 0;
  const { lastOffsets, until } = await learnKeys(topic, partition, { from: compactedTo, end });
  let removed = 0;
  let oldestKept = epochMs(Number.POSITIVE_INFINITY);
  await walk(topic, partition, { from: low, end: until }, async (slice) => {
    const superseded = slice.filter((record) => {
      const isLast = (lastOffsets.get(record.keyText) ?? record.offset) === record.offset;
      const stays = isLast && !(record.isTombstone && isTombstoneOld(record.timestamp));
      if (stays && record.isTombstone) oldestKept = epochMs(Math.min(oldestKept, record.timestamp));
      return !stays;
    });
    if (superseded.length > 0) await remove(topic, partition, superseded, (state) => state);
    removed += superseded.length;
  });
  await remove(topic, partition, [], (state) => ({
    ...state,
    compactedTo: until,
    oldestTombstone: oldestKept,
  }));
  return removed;
};

const keptFrom = ({ keepFrom }: TopicRetention, partition: PartitionIndex): number =>
  keepFrom?.[partition] ?? Number.POSITIVE_INFINITY;

/** The last offset of each key in the range, up to the cap; `until` is where it stopped. */
const learnKeys = async (
  topic: LmdbTopic,
  partition: PartitionIndex,
  range: { from: Offset; end: Offset },
): Promise<{ lastOffsets: ReadonlyMap<string, Offset>; until: Offset }> => {
  const lastOffsets = new Map<string, Offset>();
  let until = range.end;
  await walk(topic, partition, range, (slice) => {
    for (const record of slice) lastOffsets.set(record.keyText, record.offset);
    if (lastOffsets.size < KEYS_LEARNED_MAX) return undefined;
    until = offset(slice[slice.length - 1]!.offset + 1);
    return 'stop';
  });
  return { lastOffsets, until };
};

const walk = async (
  topic: LmdbTopic,
  partition: PartitionIndex,
  { from, end }: { from: Offset; end: Offset },
  visit: (slice: readonly RecordOutline[]) => Promise<void> | 'stop' | undefined,
): Promise<void> => {
  for (let at = from; at < end; ) {
    const slice = topic.outline(partition, { from: at, end });
    if (slice.length === 0) return;
    if ((await visit(slice)) === 'stop') return;
    at = offset(slice[slice.length - 1]!.offset + 1);
    await nextTurn();
  }
};

const remove = (
  topic: LmdbTopic,
  partition: PartitionIndex,
  outlines: readonly RecordOutline[],
  becomes: (state: PartitionState) => PartitionState,
): Promise<void> => {
  const bytes = outlines.reduce((sum, record) => sum + record.bytes, 0);
  return topic.enqueue({
    partition,
    bytes: 0,
    records: outlines.length,
    plan: (state) => ({
      writes: outlines.map((record) => ({ offset: record.offset, frame: null })),
      state: becomes({
        ...state,
        liveBytes: state.liveBytes - bytes,
        liveRecords: state.liveRecords - outlines.length,
      }),
    }),
  });
};

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
