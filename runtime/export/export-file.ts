/**
 * `freshet export` as a file: written beside its name and renamed once it is whole and flushed, so that a
 * file of that name is never half an export. Gzip where the name says so.
 *
 * It reads the log up to where each partition ended when it began. Nothing is asked of a running program:
 * LMDB lets another process read.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { formatTime } from '../../schemas/api/time.ts';
import type { Clock } from '../../schemas/environment.ts';
import { EXPORT_FORMAT, type ExportEnd, type ExportLine } from '../../schemas/export-lines.ts';
import { type Offset, partitionIndex } from '../../schemas/ids.ts';
import type { KindTable } from '../../schemas/kinds.ts';
import type { CatalogueItemRecord, InteractionRecord } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { countedInteractions } from '../../stream/counted-interactions.ts';
import type { StreamOptions } from '../../stream/options.ts';

export interface ExportOptions {
  readonly log: EventLog;
  readonly items: readonly CatalogueItemRecord[];
  readonly target: string;
  readonly instanceId: string;
  readonly kinds: KindTable;
  readonly options: StreamOptions;
  readonly clock: Clock;
  /** Events written, of the records in the log. */
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

export interface ExportReport extends ExportEnd {
  /** Records that retention had removed before. */
  readonly expired: number;
}

const CHARACTERS_PER_PIECE = 65_536;

export const writeExport = async (given: ExportOptions): Promise<ExportReport> => {
  const { target, signal } = given;
  const partial = `${target}.partial`;
  await mkdir(dirname(target), { recursive: true });
  const counts = { items: 0, events: 0, expired: 0 };
  try {
    const pieces = Readable.from(inPieces(linesOf(given, counts)));
    const file = createWriteStream(partial, { mode: 0o600 });
    if (target.endsWith('.gz')) await pipeline(pieces, createGzip(), file, { signal });
    else await pipeline(pieces, file, { signal });
    const written = await open(partial, 'r+');
    await written.sync().finally(() => written.close());
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return counts;
};

type Counts = { -readonly [Name in keyof ExportReport]: ExportReport[Name] };

async function* linesOf(given: ExportOptions, counts: Counts): AsyncGenerator<ExportLine> {
  const { log, clock, instanceId } = given;
  const { interactions, catalogue } = TOPICS;
  const ends = await endsOf(log, interactions.name);
  yield {
    freshetExport: EXPORT_FORMAT,
    exportedAt: formatTime(clock.now()),
    instanceId,
    upTo: {
      [catalogue.name]: (await endsOf(log, catalogue.name)).map(({ end }) => end),
      [interactions.name]: ends.map(({ end }) => end),
    },
  };
  counts.expired = ends.reduce((sum, { low }) => sum + low, 0);
  for (const { updatedAt: _, ...item } of given.items) {
    counts.items += 1;
    yield { item };
  }
  const total = ends.reduce((sum, { low, end }) => sum + end - low, 0);
  for (const [index, { end }] of ends.entries()) {
    const partition = { ...given, partition: partitionIndex(index), to: end };
    for await (const records of countedInteractions(partition)) {
      for (const record of records) {
        counts.events += 1;
        yield { event: eventOf(record) };
      }
      given.signal.throwIfAborted();
      given.onProgress(counts.events, total);
    }
  }
  yield { end: { items: counts.items, events: counts.events } };
}

const endsOf = async (
  log: EventLog,
  topic: string,
): Promise<readonly { readonly low: Offset; readonly end: Offset }[]> => {
  const { partitionCount } = await log.topic(topic);
  return Promise.all(
    Array.from({ length: partitionCount }, (_, index) =>
      log.watermarks(topic, partitionIndex(index)),
    ),
  );
};

const eventOf = (record: InteractionRecord) => ({
  ...(record.userId === null ? {} : { userId: record.userId }),
  ...(record.sessionId === null ? {} : { sessionId: record.sessionId }),
  itemId: record.itemId,
  kind: record.kind,
  ...(record.value === null ? {} : { value: record.value }),
  occurredAt: record.occurredAt,
});

/** Many lines at once: a write for each would cost more than the line. */
async function* inPieces(lines: AsyncIterable<ExportLine>): AsyncGenerator<string> {
  let piece = '';
  for await (const line of lines) {
    piece += `${JSON.stringify(line)}\n`;
    if (piece.length < CHARACTERS_PER_PIECE) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}
