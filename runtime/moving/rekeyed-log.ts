/**
 * The log of a site in other numbers of partitions. Every record goes to the partition that its key now
 * belongs to; what was derived from it (`item-signals`) is left out, and the stream derives it anew. So
 * offsets, state and the warehouse's rows, which go by offsets, are new: all of them come from this log.
 *
 * Of interactions that the log had let go of, the warehouse's copy goes before it. The order of what is
 * written depends on the source alone, so an earlier run that was ended is gone on with.
 */
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { offset, type PartitionIndex, partitionIndex } from '../../schemas/ids.ts';
import { interactionOfRow, WAREHOUSE_TABLES } from '../../schemas/tables.ts';
import { TOPICS, type TopicSpec } from '../../schemas/topics.ts';
import type { EventLog, LogRecord } from '../../storage/event-log/event-log.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import { MOVED_TOPICS } from './copy-log.ts';
import { KeptOffsets } from './kept-offsets.ts';
import { mergedPartitions } from './merged-partitions.ts';
import type { SiteSource } from './site-source.ts';

export interface RekeyOptions {
  readonly source: SiteSource;
  readonly target: EventLog;
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

const REKEYED = MOVED_TOPICS.filter(({ name }) => name !== TOPICS.itemSignals.name);
const FIRST = partitionIndex(0);

/** How many records were written, those of earlier runs included. */
export const copyRekeyed = async (options: RekeyOptions): Promise<number> => {
  const total = await recordsIn(options.source);
  let done = 0;
  for (const spec of REKEYED) {
    await rekeyTopic(spec, options, () => {
      done += 1;
      if (done % 1_000 === 0) options.onProgress(done, total);
    });
  }
  return done;
};

const recordsIn = async (source: SiteSource): Promise<number> => {
  let total = 0;
  for (const { name } of REKEYED) {
    for (const { low, end } of (await source.topic(name)).watermarks) total += end - low;
  }
  return total;
};

const rekeyTopic = async (
  spec: TopicSpec,
  { source, target, signal }: RekeyOptions,
  counted: () => void,
): Promise<void> => {
  const { name: topic, cleanup } = spec;
  const { partitionCount } = await target.topic(topic);
  const places = await Promise.all(
    Array.from({ length: partitionCount }, async (_, index) => {
      const partition = partitionIndex(index);
      const { end } = await target.watermarks(topic, partition);
      const kept = new KeptOffsets({
        log: target,
        topic,
        partition,
        cleanup,
        end,
        onAppended: () => undefined,
      });
      return { kept, end, next: 0 };
    }),
  );
  for await (const record of mergedPartitions(await partitionsOf(source, topic))) {
    signal.throwIfAborted();
    const index = placeOf(record, partitionCount);
    if (index === undefined) continue;
    const place = places[index]!;
    if (place.next >= place.end) await place.kept.put(offset(place.next), record);
    place.next += 1;
    counted();
  }
  for (const { kept } of places) await kept.finish();
};

/** Of a record of which nothing is left, nobody can say where it belongs, and nobody misses it. */
const placeOf = ({ key, value }: LogRecord, partitionCount: number): PartitionIndex | undefined => {
  if (key === null) return value === null ? undefined : FIRST;
  return partitionCount === 1 ? FIRST : partitionOf(key, partitionCount);
};

const partitionsOf = async (
  source: SiteSource,
  topic: string,
): Promise<readonly AsyncIterable<readonly LogRecord[]>[]> => {
  const { watermarks } = await source.topic(topic);
  return Promise.all(
    watermarks.map(async ({ low }, index) => {
      const partition = partitionIndex(index);
      const isArchived = topic === TOPICS.interactions.name && low > 0;
      if (isArchived) await refuseHole(source, partition, low);
      return isArchived
        ? afterArchive(source, partition, low)
        : source.records({ topic, partition }, 0);
    }),
  );
};

const archivePlaceOf = (partition: PartitionIndex) => ({
  table: WAREHOUSE_TABLES.interactions.name,
  topic: TOPICS.interactions.name,
  partition,
});

/** What expired before it was copied is nowhere. */
const refuseHole = async (
  source: SiteSource,
  partition: PartitionIndex,
  low: number,
): Promise<void> => {
  const place = archivePlaceOf(partition);
  const missing = low - 1 - (await source.covered(place));
  if (missing <= 0) return;
  const expected = `log or warehouse to hold all of ${place.topic} partition ${partition}`;
  throw new FreshetError('site_differs', { expected, got: `neither for ${missing} of its events` });
};

const encoder = new TextEncoder();

async function* afterArchive(
  source: SiteSource,
  partition: PartitionIndex,
  low: number,
): AsyncGenerator<readonly LogRecord[]> {
  const place = archivePlaceOf(partition);
  for await (const rows of source.rows(place, 0)) {
    const old = rows.filter((row) => Number(row.offset) < low);
    yield old.map((row) => {
      const record = interactionOfRow(row);
      return {
        offset: offset(Number(row.offset)),
        key: encoder.encode(String(row.subject)),
        value: encodeRecord('Interaction', record),
        timestamp: record.receivedAt,
      };
    });
    if (old.length < rows.length) break;
  }
  yield* source.records(place, low);
}
