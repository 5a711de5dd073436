/** The warehouse's rows and the releases of a site: each range and each release counts once, however often it is copied. */
import { FreshetError } from '../../schemas/errors.ts';
import { type Offset, offset } from '../../schemas/ids.ts';
import type { ArtifactStore } from '../../storage/artifact-store/artifact-store.ts';
import type { Row, Warehouse } from '../../storage/warehouse/warehouse.ts';
import { type SinkPlace, sinkPlacesOf } from '../../stream/warehouse-sink.ts';
import { allPartitionsOf, type PartitionCounts } from '../topic-plan.ts';
import type { SiteSource } from './site-source.ts';

const ROWS_PER_INSERT = 50_000;

export const rowPlacesOf = (counts: PartitionCounts): readonly SinkPlace[] =>
  sinkPlacesOf(allPartitionsOf(counts));

export interface RowCopyOptions {
  readonly source: SiteSource;
  readonly target: Warehouse;
  readonly onProgress: (doneOffsets: number, total: number) => void;
  readonly signal: AbortSignal;
}

/** How many rows were copied. */
export const copyRows = async ({
  source,
  target,
  onProgress,
  signal,
}: RowCopyOptions): Promise<number> => {
  await target.migrate();
  const places = rowPlacesOf(source.counts);
  const ends = await Promise.all(places.map((place) => source.covered(place)));
  const total = ends.reduce((sum, end) => sum + end + 1, 0);
  let passed = 0;
  let rows = 0;
  for (const [index, place] of places.entries()) {
    const end = ends[index]!;
    const covered = await target.coveredOffset(place);
    if (covered > end) {
      const problem = `rows of ${place.topic} partition ${place.partition} up to ${covered}`;
      throw new FreshetError('site_not_empty', { problem });
    }
    if (covered === end) continue;
    let first = offset(covered + 1);
    const insert = async (piece: readonly Row[], last: Offset): Promise<void> => {
      signal.throwIfAborted();
      const { table, topic, partition } = place;
      const range = { topic, partition, firstOffset: first, lastOffset: last };
      await target.insert(table, piece, range);
      rows += piece.length;
      first = offset(last + 1);
      onProgress(passed + first, total);
    };
    let gathered: Row[] = [];
    for await (const piece of source.rows(place, first)) {
      for (const row of piece) gathered.push(row);
      if (gathered.length < ROWS_PER_INSERT) continue;
      await insert(gathered, offset(Number(gathered.at(-1)!.offset)));
      gathered = [];
    }
    await insert(gathered, end);
    passed += end + 1;
  }
  return rows;
};

export interface ReleaseCopyOptions {
  readonly source: SiteSource;
  readonly target: ArtifactStore;
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

/** How many releases were copied. */
export const copyReleases = async ({
  source,
  target,
  onProgress,
  signal,
}: ReleaseCopyOptions): Promise<number> => {
  const there = new Set((await target.list()).map(({ version }) => version));
  const missing = (await source.releases()).filter(({ version }) => !there.has(version));
  for (const [done, { version, createdAt, facts }] of missing.entries()) {
    signal.throwIfAborted();
    onProgress(done, missing.length);
    const { files } = await source.release(version);
    await target.publish(
      { version, createdAt, facts },
      [...files].map(([name, bytes]) => ({ name, bytes })),
    );
  }
  return missing.length;
};
