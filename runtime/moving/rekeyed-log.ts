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
import type { Row } from '../../storage/warehouse/warehouse.ts';
import { MOVED_TOPICS } from './copy-log.ts';
import { KeptOffsets } from './kept-offsets.ts';
import { mergedPartitions, type ReadableRecord } from './merged-partitions.ts';
import type { Sealing, SiteSource } from './site-source.ts';

export interface RekeyOptions {
  readonly source: SiteSource;
  readonly target: EventLog;
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

const SEALED: ReadonlySet<string> = new Set(
  MOVED_TOPICS.filter(({ isSealed }) => isSealed === true).map(({ name }) => name),
);
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
    if (place.next >= place.end) await place.kept.put(offset(place.next), record.stored);
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
): Promise<readonly AsyncIterable<readonly ReadableRecord[]>[]> => {
  const sealing = SEALED.has(topic) ? await source.sealing() : undefined;
  const { watermarks } = await source.topic(topic);
  return Promise.all(
    watermarks.map(async ({ low }, index) => {
      const partition = partitionIndex(index);
      const isArchived = topic === TOPICS.interactions.name && low > 0;
      if (isArchived) await refuseHole(source, partition, low);
      const left = opened(source.records({ topic, partition }, low), sealing);
      return isArchived ? afterArchive({ source, partition, low, sealing }, left) : left;
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

async function* opened(
  slices: AsyncIterable<readonly LogRecord[]>,
  sealing: Sealing | undefined,
): AsyncGenerator<readonly ReadableRecord[]> {
  for await (const slice of slices) {
    yield slice.map((stored) => ({ ...(sealing?.open(stored) ?? stored), stored }));
  }
}

const encoder = new TextEncoder();

interface Archive {
  readonly source: SiteSource;
  readonly partition: PartitionIndex;
  /** Where the log begins. */
  readonly low: number;
  readonly sealing: Sealing | undefined;
}

async function* afterArchive(
  { source, partition, low, sealing }: Archive,
  left: AsyncIterable<readonly ReadableRecord[]>,
): AsyncGenerator<readonly ReadableRecord[]> {
  for await (const rows of source.rows(archivePlaceOf(partition), 0)) {
    const old = rows.filter((row) => Number(row.offset) < low);
    yield old.map((row) => recordOf(row, sealing));
    if (old.length < rows.length) break;
  }
  yield* left;
}

const recordOf = (row: Row, sealing: Sealing | undefined): ReadableRecord => {
  const record = interactionOfRow(row);
  const key = encoder.encode(String(row.subject));
  const value = encodeRecord('Interaction', record);
  const timestamp = record.receivedAt;
  const plain = { key, value, timestamp };
  const stored = sealing ? { key: null, value: sealing.seal({ key, value }), timestamp } : plain;
  return { ...plain, offset: offset(Number(row.offset)), stored };
};
