import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import {
  KAGGLE,
  MOVIELENS_CSV,
  MOVIELENS_DAT,
  writeFiles,
} from '../../test/ingest/dataset-files.ts';
import {
  FIXTURE_NOW,
  interactionsIn,
  itemsIn,
  openTestLog,
  TestClock,
} from '../../test/ingest/ingest-fixture.ts';
import type { BackfillEvent, BackfillSink } from './backfill-sink.ts';
import { parseColumnMap } from './column-map.ts';
import type { ImportOptions, ImportProgress } from './import-options.ts';
import { type ImportReport, runImport } from './import-run.ts';
import { LogBackfillSink } from './log-backfill-sink.ts';
import type { MappedFileOptions } from './mapped-file.ts';
import { openDataset } from './open-dataset.ts';

let folder: string;
let log: EventLog;
const clock = new TestClock();
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'freshet-import-test-'));
  log = openTestLog();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bytesIn = async (name: string, parts: readonly Buffer[]): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, Buffer.concat(parts));
  return path;
};

interface Run {
  readonly sink?: BackfillSink;
  readonly options?: Partial<ImportOptions>;
  readonly mapped?: MappedFileOptions;
  readonly onProgress?: (progress: ImportProgress) => void;
}

const importFrom = async (path: string, run: Run = {}): Promise<ImportReport> => {
  const { dataset, close } = await openDataset(path, run.mapped);
  try {
    return await runImport(
      dataset,
      {
        sink: run.sink ?? new LogBackfillSink({ log, clock }),
        kinds: kindTable(DEFAULT_KINDS),
        clock,
        temporaryDirectory: folder,
        ...(run.onProgress ? { onProgress: run.onProgress } : {}),
      },
      run.options,
    );
  } finally {
    close();
  }
};

const files = (name: string, content: Parameters<typeof writeFiles>[1]) =>
  writeFiles(join(folder, name), content);

/** What the log holds of an import, in the order of its numbers. */
const imported = async () =>
  [...(await interactionsIn(log))].sort((left, right) => left.sequence! - right.sequence!);

describe('an import of MovieLens', () => {
  it('in CSV: films with tags, links and years, ratings in the order of their times', async () => {
    const report = await importFrom(await files('ml', MOVIELENS_CSV));
    expect(report).toMatchObject({
      outcome: 'imported',
      format: 'MovieLens (CSV)',
      items: 3,
      events: 4,
      subjects: 2,
      shiftMs: 0,
      broken: [],
      cleaned: [],
      firstEventAt: 964_982_600_000,
      lastEventAt: 964_982_703_000,
    });
    const items = await itemsIn(log);
    expect(items.find(({ itemId }) => itemId === '2')).toEqual({
      itemId: '2',
      title: 'The Matrix',
      categories: ['Action', 'Sci-Fi'],
      tags: ['bullet time'],
      people: [],
      attributes: { year: 1999, imdbId: 'tt0133093' },
      publishedAt: Date.UTC(1999, 0, 1),
      availableFrom: null,
      expiresAt: null,
      available: true,
      price: null,
      hidden: false,
      image: null,
      updatedAt: FIXTURE_NOW,
    });
    expect(items.find(({ itemId }) => itemId === '1')).toMatchObject({
      tags: ['pixar', 'fun, funny'],
    });
    expect(items.find(({ itemId }) => itemId === '3')).toMatchObject({
      categories: [],
      publishedAt: null,
    });
    const events = await imported();
    expect(events.map(({ userId, itemId, value }) => [userId, itemId, value])).toEqual([
      ['1', '2', 5],
      ['2', '1', 0.5],
      ['1', '1', 4],
      ['2', '3', 3.5],
    ]);
    expect(events[0]).toMatchObject({
      kind: 'rating',
      backfill: report.importId,
      sequence: 0,
      receivedAt: FIXTURE_NOW,
      occurredAt: 964_982_600_000,
    });
  });

  it('in .dat: other encodings are read and what people are is left out, both said', async () => {
    const report = await importFrom(await files('ml-1m', MOVIELENS_DAT));
    expect(report).toMatchObject({ format: 'MovieLens (.dat)', items: 2, events: 3 });
    expect(report.cleaned[0]).toMatchObject({
      count: 1,
      problem: expect.stringContaining('UTF-8'),
    });
    expect(report.notes[0]).toContain('users.dat');
    expect((await itemsIn(log)).map(({ title }) => title).sort()).toEqual(['Amélie', 'Toy Story']);
  });

  it('can be a sample of the most rated films with their events alone', async () => {
    const report = await importFrom(await files('ml', MOVIELENS_CSV), {
      options: { sampleItems: 1 },
    });
    expect(report).toMatchObject({ items: 1, events: 2 });
    expect((await imported()).map(({ itemId }) => itemId)).toEqual(['1', '1']);
  });

  it('can be moved so that the last event is now, which is decided once', async () => {
    const path = await files('ml', MOVIELENS_CSV);
    const report = await importFrom(path, { options: { shiftTo: FIXTURE_NOW } });
    expect(report.shiftMs).toBe(FIXTURE_NOW - 964_982_703_000);
    expect((await imported()).at(-1)).toMatchObject({ occurredAt: FIXTURE_NOW });
    clock.time += 86_400_000;
    const again = await importFrom(path, { options: { shiftTo: clock.now() } });
    expect(again).toMatchObject({ outcome: 'already imported', shiftMs: report.shiftMs });
    clock.time -= 86_400_000;
  });

  it('tells where it is', async () => {
    const seen: ImportProgress[] = [];
    const path = await files('ml', MOVIELENS_CSV);
    await importFrom(path, {
      onProgress: (progress) => seen.push(progress),
      options: { sampleItems: 2 },
    });
    expect([...new Set(seen.map(({ phase }) => phase))]).toEqual([
      'counting',
      'reading',
      'items',
      'events',
    ]);
    expect(seen.at(-1)).toMatchObject({ phase: 'events', done: 4 - 1, total: 3 });
    expect(seen.filter(({ phase }) => phase === 'reading').at(-1)).toMatchObject({ unit: 'bytes' });
  });
});

describe('an import of The Movies Dataset', () => {
  it('merges its files and says what it cleaned', async () => {
    const report = await importFrom(await files('kaggle', KAGGLE));
    expect(report).toMatchObject({ format: 'The Movies Dataset (Kaggle)', items: 3, events: 2 });
    const items = await itemsIn(log);
    expect(items.find(({ itemId }) => itemId === '862')).toMatchObject({
      title: 'Toy Story',
      categories: ['Animation', 'Comedy'],
      tags: ['jealousy', 'toy'],
      people: ['John Lasseter', 'Tom Hanks', "D'Arcy", 'Don Rickles'],
      attributes: {
        year: 1995,
        tmdbId: '862',
        imdbId: 'tt0114709',
        language: 'en',
        runtimeMinutes: 81,
        franchise: 'Toy Story Collection',
        country: 'United States of America',
        director: 'John Lasseter',
        tmdbVotes: 5415,
        tmdbRating: 7.7,
      },
      publishedAt: Date.UTC(1995, 9, 30),
    });
    expect((await imported()).map(({ userId, itemId }) => [userId, itemId])).toEqual([
      ['1', '862'],
      ['2', '8844'],
    ]);
    expect(report.cleaned.map(({ problem, count }) => `${count} × ${problem}`).sort()).toEqual([
      '1 × a damaged film whose id is no number, left out',
      '1 × a film that is there twice, the first kept',
      '1 × a genres column that is no Python literal, left empty',
      '2 × a rating of a film that links.csv does not lead to TMDB, left out',
    ]);
    expect(report.broken).toEqual([]);
  });
});

describe('an import of any file', () => {
  it('by a map of its columns, with a constant kind', async () => {
    const path = await files('any', {
      'visits.csv':
        'who;what;when\nada;heat;2026-01-01 10:00:00\nbob;heat;1767261600\nada;saw;1767261600000\n',
    });
    const map = parseColumnMap('sessionId=who,itemId=what,occurredAt=when,kind:=view');
    const report = await importFrom(path, { mapped: { map } });
    expect(report).toMatchObject({ items: 0, events: 3, broken: [] });
    expect(
      (await imported()).map(({ sessionId, itemId, kind, occurredAt }) => [
        sessionId,
        itemId,
        kind,
        occurredAt,
      ]),
    ).toEqual([
      ['ada', 'heat', 'view', Date.UTC(2026, 0, 1, 10)],
      ['bob', 'heat', 'view', Date.UTC(2026, 0, 1, 10)],
      ['ada', 'saw', 'view', Date.UTC(2026, 0, 1, 10)],
    ]);
  });

  it('NDJSON by usual names, items too, with ids of any kind', async () => {
    const rows = ['__proto__', 'constructor', '../../x', '🎬'].map((id) => ({
      userId: id,
      itemId: id,
      title: `About ${id}`,
      genres: ['a', 'b'],
      rating: 4,
      timestamp: 1_700_000_000,
    }));
    const path = await files('nd', {
      'events.ndjson': rows.map((row) => JSON.stringify(row)).join('\n'),
    });
    expect(await importFrom(path)).toMatchObject({ items: 4, events: 4, subjects: 4 });
    expect((await imported()).map(({ userId, itemId }) => [userId, itemId])).toEqual(
      rows.map(({ userId, itemId }) => [userId, itemId]),
    );
    expect((await itemsIn(log)).map(({ title }) => title).sort()).toEqual(
      rows.map(({ title }) => title).sort(),
    );
  });

  it('leaves out what cannot be read, counts it and shows the first of each sort', async () => {
    const good = 'u,i,4,1700000000';
    const path = await files('bad', {
      'x.csv': [
        'userId,itemId,rating,timestamp',
        good,
        'u,i,six,1700000000',
        'u,i,6,1700000000',
        'u,i,4,yesterday',
        'u,i,4,99999999999999',
        ',i,4,1700000000',
        'u,,4,1700000000',
        'u,i,4',
        'u,i\u0007,4,1700000000',
        'u,i,"4"5,1700000000',
        good,
      ].join('\n'),
    });
    const report = await importFrom(path);
    expect(report.events).toBe(2);
    expect(
      report.broken.map(({ problem, count, examples }) => [problem, count, examples[0]?.place]),
    ).toEqual([
      ['a value that is no number', 1, 'x.csv:3'],
      ['a value that its kind does not take', 1, 'x.csv:4'],
      ['a time that cannot be read', 1, 'x.csv:5'],
      ['a time that cannot be', 1, 'x.csv:6'],
      ['no person, or two', 1, 'x.csv:7'],
      ['an item whose id cannot be one', 2, 'x.csv:8'],
      ["a row with another number of fields than the header's 4", 1, 'x.csv:9'],
      ['a quote in the middle of a field', 1, 'x.csv:11'],
    ]);
  });

  it('reads CSV and NDJSON of mixed encodings, with a byte order mark and CRLF, and counts the lines', async () => {
    const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
    const csv = await bytesIn('mixed.csv', [
      Buffer.from('\ufeffuserId;itemId;title;timestamp\r\nada;1;Amélie;1700000000\r\n'),
      latin('bob;2;Café;1700000001\r\n'),
      Buffer.from('cem;3;Löwe;1700000002\r\n'),
      latin('dora;4;Mañana;1700000003\r\n'),
    ]);
    const report = await importFrom(csv);
    expect(report).toMatchObject({ items: 4, events: 4, broken: [] });
    const problem = 'a line that is not UTF-8, read as Windows-1252';
    const places = ['mixed.csv:3', 'mixed.csv:5'].map((place) => ({ place, text: '' }));
    // Once as an item is no problem told; as an event it is.
    expect(report.cleaned).toEqual([{ problem, count: 2, examples: places }]);
    const line = (id: string, title: string): string =>
      `${JSON.stringify({ userId: id, itemId: id, title, timestamp: 1_700_000_000 })}\r\n`;
    const ndjson = await bytesIn('mixed.ndjson', [
      Buffer.from(line('5', 'Été')),
      latin(line('6', 'Noël')),
    ]);
    expect(await importFrom(ndjson)).toMatchObject({
      items: 2,
      events: 2,
      cleaned: [{ problem, count: 1, examples: [{ place: 'mixed.ndjson:2', text: '' }] }],
    });
    expect((await itemsIn(log)).map(({ title }) => title).sort()).toEqual(
      ['Amélie', 'Café', 'Löwe', 'Mañana', 'Noël', 'Été'].sort(),
    );
  });

  it('refuses UTF-16 and a file without rows by name, and shows no control characters', async () => {
    const wide = await bytesIn('wide.csv', [Buffer.from('\ufeffuserId,itemId\n', 'utf16le')]);
    await expect(importFrom(wide)).rejects.toThrow(
      `Expected text in UTF-8 or Windows-1252 in ${wide}, got UTF-16; save it as UTF-8.`,
    );
    for (const text of ['', 'userId,itemId,timestamp\n']) {
      const empty = await bytesIn('empty.csv', [Buffer.from(text)]);
      await expect(importFrom(empty)).rejects.toThrow(
        `Expected rows with named columns in ${empty}, got none.`,
      );
    }
    const odd = await bytesIn('odd.csv', [
      Buffer.from('userId,itemId,timestamp\nu,i,1\n\x1b[2J\0\n'),
    ]);
    const report = await importFrom(odd);
    expect(report.broken[0]?.examples).toEqual([{ place: 'odd.csv:3', text: '\ufffd[2J\ufffd' }]);
  });

  it('stops with a clear message when too much cannot be read', async () => {
    const path = await files('worse', {
      'x.csv': `userId,itemId,rating,timestamp\n${'u,i,nine,1700000000\n'.repeat(20)}`,
    });
    await expect(importFrom(path, { options: { brokenLinesMax: 10 } })).rejects.toMatchObject({
      code: 'import_too_broken',
      message:
        'Expected at most 10 lines that cannot be read, got more: x.csv:2: a value that is no number; x.csv:3: a value that is no number; x.csv:4: a value that is no number.',
    });
    expect(await interactionsIn(log)).toEqual([]);
  });

  it('says which columns are missing, and what it found instead of a data set', async () => {
    const path = await files('cols', { 'x.csv': 'a,b\n1,2\n' });
    await expect(importFrom(path)).rejects.toThrow(
      /Expected columns for itemId.*got the columns a, b/,
    );
    const map = parseColumnMap('userId=who,itemId=a,occurredAt=b');
    await expect(importFrom(path, { mapped: { map } })).rejects.toThrow(/the columns who/);
    const ml = await files('ml', { ...MOVIELENS_CSV, 'ratings.csv': 'userId,movieId,stars\n' });
    await expect(importFrom(ml)).rejects.toThrow(
      /the columns rating, timestamp.*got only userId, movieId, stars/,
    );
    await expect(importFrom(await files('none', { 'x.png': '', 'y.pdf': '' }))).rejects.toThrow(
      /x\.png/,
    );
  });
});

describe('an import repeated or interrupted', () => {
  it('that is finished changes nothing when it is repeated, at any age', async () => {
    const path = await files('ml', MOVIELENS_CSV);
    await importFrom(path);
    const before = await log.sizeBytes('interactions');
    clock.time += 8 * 86_400_000;
    expect(await importFrom(path)).toMatchObject({ outcome: 'already imported', events: 4 });
    clock.time -= 8 * 86_400_000;
    expect(await log.sizeBytes('interactions')).toBe(before);
  });

  it('that dies at any batch goes on, and the log holds every event once', async () => {
    const rows = Array.from(
      { length: 60 },
      (_, n) => `u${n % 7},i${n % 5},${1 + (n % 5)},${1_700_000_000 + ((n * 37) % 61)}`,
    );
    const path = await files('any', {
      'x.csv': `userId,itemId,rating,timestamp\n${rows.join('\n')}\n`,
    });
    const options = { batchEvents: 7, recordEvery: 14 };
    for (let dies = 0; dies < 12; dies += 1) {
      log = openTestLog();
      const isDone = await importFrom(path, { sink: new DyingSink(dies), options }).then(
        () => true,
        () => false,
      );
      const report = await importFrom(path, { options });
      expect(report.outcome).toBe(
        isDone ? 'already imported' : dies === 0 ? 'imported' : 'resumed',
      );
      const numbers = (await interactionsIn(log))
        .map(({ sequence }) => sequence!)
        .sort((a, b) => a - b);
      expect(numbers).toEqual(rows.map((_, n) => n));
    }
  });

  /** Dies at its nth call, after the call has done its work or before. */
  class DyingSink extends LogBackfillSink {
    #callsLeft: number;
    readonly #dies: number;
    constructor(dies: number) {
      super({ log, clock });
      this.#dies = dies;
      this.#callsLeft = dies;
    }
    override recordImport(...given: Parameters<LogBackfillSink['recordImport']>): Promise<void> {
      return this.#do(() => super.recordImport(...given));
    }
    override appendEvents(importId: string, events: readonly BackfillEvent[]): Promise<void> {
      return this.#do(() => super.appendEvents(importId, events));
    }
    async #do(work: () => Promise<void>): Promise<void> {
      this.#callsLeft -= 1;
      if (this.#callsLeft < 0) throw new Error('died');
      await work();
      if (this.#callsLeft === 0 && this.#dies % 2 === 0) throw new Error('died');
    }
  }

  it('a failed append fails what waits behind it, and the next try leaves no gap', async () => {
    const append = log.append.bind(log);
    let calls = 0;
    log.append = async (topic, partition, records) => {
      if (topic === 'interactions') calls += 1;
      if (topic === 'interactions' && calls === 2) throw new Error('no room');
      return append(topic, partition, records);
    };
    const rows = Array.from({ length: 200 }, (_, n) => `u${n},i,4,${1_700_000_000 + n}`);
    const path = await files('any', {
      'x.csv': `userId,itemId,rating,timestamp\n${rows.join('\n')}\n`,
    });
    const sink = new LogBackfillSink({ log, clock });
    await expect(importFrom(path, { sink, options: { batchEvents: 16 } })).rejects.toThrow(
      'no room',
    );
    expect(await importFrom(path, { sink, options: { batchEvents: 16 } })).toMatchObject({
      outcome: 'resumed',
    });
    const numbers = (await interactionsIn(log))
      .map(({ sequence }) => sequence!)
      .sort((a, b) => a - b);
    expect(numbers).toEqual(rows.map((_, n) => n));
  });

  it('sorts on the disk what does not fit into memory, with the same result, and cleans up', async () => {
    const rows = Array.from(
      { length: 40_000 },
      (_, n) => `u${n % 70},i${n % 50},4,${1_700_000_000 + ((n * 7919) % 9973)}`,
    );
    const path = await files('any', {
      'x.csv': `userId,itemId,rating,timestamp\n${rows.join('\n')}\n`,
    });
    const inMemory = await importFrom(path);
    const expected = (await imported()).map(({ userId, itemId, occurredAt }) => [
      userId,
      itemId,
      occurredAt,
    ]);
    log = openTestLog();
    const onDisk = await importFrom(path, { options: { memoryEventsMax: 3_000 } });
    expect(onDisk.importId).toBe(inMemory.importId);
    expect(
      (await imported()).map(({ userId, itemId, occurredAt }) => [userId, itemId, occurredAt]),
    ).toEqual(expected);
    expect(readdirSync(folder).filter((name) => name.startsWith('freshet-import-'))).toEqual([]);
  });

  it('can be stopped between batches', async () => {
    const stopping = new AbortController();
    const { dataset, close } = await openDataset(await files('ml', MOVIELENS_CSV));
    const sink = new LogBackfillSink({ log, clock });
    const run = runImport(
      dataset,
      {
        sink,
        kinds: kindTable(DEFAULT_KINDS),
        clock,
        temporaryDirectory: folder,
        signal: stopping.signal,
        onProgress: ({ phase }) => phase === 'events' && stopping.abort(),
      },
      { batchEvents: 1 },
    );
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
    close();
    expect(await importFrom(join(folder, 'ml'))).toMatchObject({ outcome: 'resumed' });
    expect(await interactionsIn(log)).toHaveLength(4);
  });
});

const REAL = join(
  process.env.FRESHET_DATA ?? join(import.meta.dirname, '../../../shared/data'),
  'ml-latest-small.zip',
);

describe('MovieLens latest-small itself', () => {
  it.skipIf(!existsSync(REAL))('is imported whole', async () => {
    const report = await importFrom(REAL);
    expect(report).toMatchObject({ items: 9_742, events: 100_836, subjects: 610, broken: [] });
    const items = await itemsIn(log);
    const withoutYear = items.filter(({ attributes }) => attributes.year === undefined);
    expect(withoutYear.length).toBeLessThan(20);
    expect(items.filter(({ title }) => /, (The|A|An)$/.test(title))).toEqual([]);
  });
  if (!existsSync(REAL)) console.log(`Not run without ${REAL}: the import of MovieLens itself.`);
});
