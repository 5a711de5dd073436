/**
 * The log of a site, topic by topic, record by record, at the same offsets, and as it is stored: what is
 * sealed is not opened, and the keys go along. Where an earlier run was
 * ended it goes on: how far a partition has come is where it ends, and its last record must be the one
 * that belongs there.
 */
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { type LogId, type Offset, offset, partitionIndex } from '../../schemas/ids.ts';
import { TOPICS, type TopicSpec } from '../../schemas/topics.ts';
import type {
  AppendRecord,
  EventLog,
  LogRecord,
  Watermarks,
} from '../../storage/event-log/event-log.ts';
import { firstRecord } from '../../storage/event-log/partition-slices.ts';
import { EMBEDDED_TOPICS } from '../topic-plan.ts';
import { fillerFor, KeptOffsets } from './kept-offsets.ts';
import { type LogIds, renamedEnvelope } from './log-ids.ts';
import type { LogPlace, SiteSource } from './site-source.ts';

export interface LogCopyOptions {
  readonly source: SiteSource;
  readonly target: EventLog;
  readonly ids: LogIds;
  readonly clock: Pick<Clock, 'now'>;
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

/** Partitions that are copied beside each other. */
const AT_ONCE = 4;

/**
 * All but what producers outside write, which has been moved on from there. Keys come first: they only
 * ever get fewer, so they open whatever is copied after them.
 */
export const MOVED_TOPICS: readonly TopicSpec[] = [TOPICS.peopleKeys, ...EMBEDDED_TOPICS];

/** What each log was called, and is called now. */
export const logIdsOf = async (source: SiteSource, target: EventLog): Promise<LogIds> => {
  const ids = new Map<string, LogId>();
  for (const { name } of MOVED_TOPICS) {
    ids.set((await source.topic(name)).logId, (await target.topic(name)).logId);
  }
  return ids;
};

interface CopiedPlace extends LogPlace, Watermarks {
  readonly spec: TopicSpec;
}

export const copyLog = async (options: LogCopyOptions): Promise<number> => {
  const { source, target, clock } = options;
  const places = await placesIn(source);
  const counted = countedProgress(options, places);
  await besideEachOther(places, AT_ONCE, (place) => copyPlace(place, options, counted));
  for (const { name, cleanup } of MOVED_TOPICS) {
    const lows = (await source.topic(name)).watermarks.map(({ low }) => low);
    if (cleanup === 'compact' || lows.every((low) => low === 0)) continue;
    // What stands in for the expired is older than anything.
    const now = clock.now();
    await target.clean(name, { ageMs: now - 1, keepFrom: lows }, now);
  }
  return places.reduce((sum, { low, end }) => sum + end - low, 0);
};

const placesIn = async (source: SiteSource): Promise<readonly CopiedPlace[]> => {
  const places: CopiedPlace[] = [];
  for (const spec of MOVED_TOPICS) {
    const { watermarks } = await source.topic(spec.name);
    for (const [index, { low, end }] of watermarks.entries()) {
      places.push({ spec, topic: spec.name, partition: partitionIndex(index), low, end });
    }
  }
  return places;
};

const countedProgress = (
  { onProgress }: LogCopyOptions,
  places: readonly CopiedPlace[],
): ((records: number) => void) => {
  const total = places.reduce((sum, { end }) => sum + end, 0);
  let done = 0;
  return (records) => {
    done += records;
    onProgress(done, total);
  };
};

const copyPlace = async (
  place: CopiedPlace,
  { source, target, ids, signal }: LogCopyOptions,
  counted: (records: number) => void,
): Promise<void> => {
  const { topic, partition, spec, end } = place;
  const begun = (await target.watermarks(topic, partition)).end;
  await mustBeBeginning(place, { source, target, ids }, begun);
  counted(begun);
  const kept = new KeptOffsets({
    log: target,
    topic,
    partition,
    cleanup: spec.cleanup,
    end: begun,
    onAppended: counted,
  });
  for await (const records of source.records(place, begun)) {
    signal.throwIfAborted();
    for (const record of records) await kept.put(record.offset, copyOf(record, topic, ids));
  }
  await kept.fillUpTo(end);
  await kept.finish();
};

const copyOf = (
  { key, value, timestamp }: LogRecord,
  topic: string,
  ids: LogIds,
): AppendRecord => ({
  key,
  value: value && topic === TOPICS.itemSignals.name ? renamedEnvelope(value, ids) : value,
  timestamp,
});

/** What is there must be a beginning of what is to be there. */
const mustBeBeginning = async (
  place: CopiedPlace,
  { source, target, ids }: Pick<LogCopyOptions, 'source' | 'target' | 'ids'>,
  begun: Offset,
): Promise<void> => {
  const { topic, partition, spec, end } = place;
  if (begun === 0) return;
  const last = offset(begun - 1);
  const isLonger = begun > end;
  const there = isLonger ? undefined : await firstRecord(target, topic, partition, last);
  const original = isLonger ? undefined : await recordAt(source, place, last);
  const expected = original ? copyOf(original, topic, ids) : fillerFor(spec.cleanup);
  if (there !== undefined && isSame(there, expected)) return;
  const problem = `records in ${topic} partition ${partition} that are another site’s`;
  throw new FreshetError('site_not_empty', { problem });
};

const recordAt = async (
  source: SiteSource,
  place: LogPlace,
  at: Offset,
): Promise<LogRecord | undefined> => {
  for await (const [first] of source.records(place, at)) {
    return first?.offset === at ? first : undefined;
  }
  return undefined;
};

const isSame = (one: AppendRecord, other: AppendRecord): boolean =>
  one.timestamp === other.timestamp &&
  isSameBytes(one.key, other.key) &&
  isSameBytes(one.value, other.value);

const isSameBytes = (one: Uint8Array | null, other: Uint8Array | null): boolean =>
  one === null || other === null ? one === other : Buffer.compare(one, other) === 0;

const besideEachOther = async <Thing>(
  things: readonly Thing[],
  atOnce: number,
  act: (thing: Thing) => Promise<void>,
): Promise<void> => {
  const waiting = [...things];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await act(next);
  };
  const working = Array.from({ length: atOnce }, worker);
  // The others end before it is told that one has failed.
  const failed = (await Promise.allSettled(working)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
};
