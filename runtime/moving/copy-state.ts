/**
 * The state of a site, partition by partition. Nothing of it counts until the last apply moves the
 * position to where it belongs: a partition that was begun and not finished is thrown away and copied
 * again, and one that stands where it should is left as it is.
 */
import { FreshetError } from '../../schemas/errors.ts';
import { type LogId, NO_OFFSET, type StatePartition, statePartition } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { firstRecord } from '../../storage/event-log/partition-slices.ts';
import type { StateChange, StateStore } from '../../storage/state-store/state-store.ts';
import { hashOf } from '../../stream/record-hash.ts';
import { allPartitionsOf, type PartitionCounts } from '../topic-plan.ts';
import { type LogIds, renamedMarks } from './log-ids.ts';
import type { LogPlace, SiteSource, SourcePosition } from './site-source.ts';

export interface StateCopyOptions {
  readonly source: SiteSource;
  readonly log: Pick<EventLog, 'topic' | 'read' | 'watermarks'>;
  readonly target: StateStore;
  readonly ids: LogIds;
  readonly onProgress: (donePartitions: number, total: number) => void;
  readonly signal: AbortSignal;
}

export const statePlacesOf = (counts: PartitionCounts): readonly LogPlace[] => {
  const { interactions, itemSignals, catalogue, control } = allPartitionsOf(counts);
  return [
    ...control.map((partition) => ({ topic: TOPICS.control.name, partition })),
    ...catalogue.map((partition) => ({ topic: TOPICS.catalogue.name, partition })),
    ...interactions.map((partition) => ({ topic: TOPICS.interactions.name, partition })),
    ...itemSignals.map((partition) => ({ topic: TOPICS.itemSignals.name, partition })),
  ];
};

/** How many entries were copied. */
export const copyState = async (options: StateCopyOptions): Promise<number> => {
  const places = statePlacesOf(options.source.counts);
  let entries = 0;
  for (const [done, place] of places.entries()) {
    options.onProgress(done, places.length);
    entries += await copyPartition(place, options);
  }
  return entries;
};

const copyPartition = async (place: LogPlace, options: StateCopyOptions): Promise<number> => {
  const { source, log, target } = options;
  const partition = statePartition(place.topic, place.partition);
  const position = await source.position(partition);
  if (position === undefined || position.coveredOffset === NO_OFFSET) return 0;
  const { logId } = await log.topic(place.topic);
  const stored = await target.position(partition);
  if (stored !== undefined && stored.coveredOffset !== NO_OFFSET) {
    if (stored.logId === logId && stored.coveredOffset === position.coveredOffset) return 0;
    const problem = `state ${partition} at ${stored.coveredOffset}`;
    throw new FreshetError('site_not_empty', { problem });
  }
  return fill(partition, { ...options, place, position, logId });
};

interface Filling extends StateCopyOptions {
  readonly place: LogPlace;
  readonly position: SourcePosition;
  readonly logId: LogId;
}

const fill = async (partition: StatePartition, filling: Filling): Promise<number> => {
  const { source, target, position, logId, place, ids, signal } = filling;
  await target.clear(partition);
  const { epoch } = await target.claim(partition);
  const recordHash = await hashAt(filling);
  const isOfItems = place.topic === TOPICS.itemSignals.name;
  const apply = async (changes: readonly StateChange[], isLast: boolean): Promise<void> => {
    const { outcome } = await target.apply(partition, {
      epoch,
      expectedOffset: NO_OFFSET,
      coveredOffset: isLast ? position.coveredOffset : NO_OFFSET,
      logId,
      recordHash: isLast ? recordHash : 0,
      changes,
    });
    if (outcome !== 'mismatch') return;
    throw new FreshetError('site_not_empty', { problem: `somebody at work on state ${partition}` });
  };
  const batch = new ApplyBatch(target.limits);
  let copied = 0;
  for await (const entries of source.entries(partition)) {
    signal.throwIfAborted();
    for (const entry of entries) {
      const change = isOfItems ? renamedMarks(entry, ids) : entry;
      if (!batch.hasRoomFor(change)) await apply(batch.take(), false);
      batch.add(change);
      copied += 1;
    }
  }
  await apply(batch.take(), true);
  return copied;
};

/**
 * Of the record that the position names, as the log now has it. What has expired has that of before, and
 * so has what is sealed: the hash is of what was sealed, which nobody opens here.
 */
const hashAt = async ({ log, place, position }: Filling): Promise<number> => {
  const { topic, partition } = place;
  const { coveredOffset } = position;
  const { low, end } = await log.watermarks(topic, partition);
  if (coveredOffset < low) return position.recordHash;
  if (coveredOffset >= end) {
    throw new FreshetError('log_regressed', { topic, partition, expected: coveredOffset + 1, end });
  }
  if (topic === TOPICS.interactions.name) return position.recordHash;
  const record = await firstRecord(log, topic, partition, coveredOffset);
  return record?.offset === coveredOffset ? hashOf(record) : position.recordHash;
};

/** What one apply can hold. */
class ApplyBatch {
  readonly #limits: StateStore['limits'];
  #changes: StateChange[] = [];
  #bytes = 0;

  constructor(limits: StateStore['limits']) {
    this.#limits = limits;
  }

  hasRoomFor(change: StateChange): boolean {
    const { keysPerApply, bytesPerApply } = this.#limits;
    if (this.#changes.length === 0) return true;
    return this.#changes.length < keysPerApply && this.#bytes + bytesOf(change) <= bytesPerApply;
  }

  add(change: StateChange): void {
    this.#changes.push(change);
    this.#bytes += bytesOf(change);
  }

  take(): readonly StateChange[] {
    const changes = this.#changes;
    this.#changes = [];
    this.#bytes = 0;
    return changes;
  }
}

const bytesOf = ({ key, value }: StateChange): number =>
  Buffer.byteLength(key) + (value?.length ?? 0);
