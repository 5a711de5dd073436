import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeZip, type ZipEntry } from '../../test/ingest/zip-writer.ts';
import { guessColumnMap, parseColumnMap } from './column-map.ts';
import { parseFilmTitle } from './film-title.ts';
import { readLines } from './line-reader.ts';
import { openSourceFiles } from './source-files.ts';
import { parseTimeValue } from './time-value.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'freshet-readers-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('film titles', () => {
  it.each([
    ['Heat (1995)', 'Heat', 1995],
    ['Matrix, The (1999)', 'The Matrix', 1999],
    ["Schindler's List (1993) ", "Schindler's List", 1993],
    [
      'City of Lost Children, The (Cité des enfants perdus, La) (1995)',
      'The City of Lost Children (La Cité des enfants perdus)',
      1995,
    ],
    ["Avventura, L' (1960)", "L'Avventura", 1960],
    [
      'Bicycle Thieves (a.k.a. The Bicycle Thief) (1948)',
      'Bicycle Thieves (a.k.a. The Bicycle Thief)',
      1948,
    ],
    ['Das Millionenspiel', 'Das Millionenspiel', null],
    ['Twin Peaks (1989-1990)', 'Twin Peaks', 1989],
    ['Big Bang Theory, The (2007-)', 'The Big Bang Theory', 2007],
    ['Death Note: Desu nôto (2006–2007)', 'Death Note: Desu nôto', 2006],
    ['2001: A Space Odyssey (1968)', '2001: A Space Odyssey', 1968],
    ['1984 (Nineteen Eighty-Four) (1984)', '1984 (Nineteen Eighty-Four)', 1984],
    ['Babylon 5', 'Babylon 5', null],
    ['(500) Days of Summer (2009)', '(500) Days of Summer', 2009],
    ['Me, Myself & Irene (2000)', 'Me, Myself & Irene', 2000],
    ['(1995)', '(1995)', 1995],
    ['unknown', 'unknown', null],
  ])('%s', (text, title, year) => {
    expect(parseFilmTitle(text)).toEqual({ title, year });
  });
});

describe('times in files', () => {
  it.each([
    ['964982703', Date.UTC(2000, 6, 30, 18, 45, 3)],
    ['1396437466.94', 1_396_437_466_940],
    ['964982703000', 964_982_703_000],
    ['964982703000000', 964_982_703_000],
    ['2026-01-31T18:30:00+01:00', Date.UTC(2026, 0, 31, 17, 30)],
    ['2026-01-31 18:30:00.5', Date.UTC(2026, 0, 31, 18, 30, 0, 500)],
    ['2026-01-31', Date.UTC(2026, 0, 31)],
    ['31.1.2026', Number.NaN],
    ['', Number.NaN],
    ['-5', Number.NaN],
  ])('%s', (text, time) => {
    expect(parseTimeValue(text)).toBe(time);
  });
});

describe('maps of columns', () => {
  it('name columns and constants', () => {
    const map = parseColumnMap('userId=user,itemId=movie, kind:=click');
    expect([...map.columns]).toEqual([
      ['userId', 'user'],
      ['itemId', 'movie'],
    ]);
    expect([...map.constants]).toEqual([['kind', 'click']]);
  });

  it.each(['user', 'nothing=x', 'userId=', ''])('refuse %j', (text) => {
    expect(() => parseColumnMap(text)).toThrow(/^Expected a map such as/);
  });

  it('are guessed from usual names', () => {
    const { columns } = guessColumnMap(['User ID', 'SessionId', 'movie_id', 'Rating', 'ts']);
    expect(Object.fromEntries(columns)).toEqual({
      userId: 'User ID',
      itemId: 'movie_id',
      value: 'Rating',
      occurredAt: 'ts',
    });
  });
});

describe('lines', () => {
  const linesOf = async (bytes: Buffer, name = 'x.txt') => {
    await writeFile(join(folder, name), bytes);
    const source = await openSourceFiles(join(folder, name));
    const lines: string[] = [];
    const read = await readLines(source.files[0]!, (line) => lines.push(line));
    return { texts: lines, ...read };
  };

  it('of mixed encodings come out right, and are counted', async () => {
    const mixed = Buffer.concat([
      Buffer.from('\ufeffAmélie\r\n'),
      Buffer.from('Am\xe9lie\n', 'latin1'),
      Buffer.from('plain'),
    ]);
    expect(await linesOf(mixed)).toEqual({
      texts: ['Amélie', 'Amélie', 'plain'],
      lines: 3,
      otherEncoding: [2],
    });
  });

  it('of a gzip file are unpacked on the way', async () => {
    expect((await linesOf(gzipSync('a\nb\n'), 'x.txt.gz')).lines).toBe(2);
  });
});

describe('zips', () => {
  const open = async (
    entries: readonly ZipEntry[],
    limits?: { entriesMax: number; bytesMax: number },
  ) => {
    const path = join(folder, 'x.zip');
    await writeFile(path, writeZip(entries));
    return openSourceFiles(path, limits);
  };
  const file = { name: 'set/ratings.csv', content: 'a,b\n' };

  it('show their files without folders', async () => {
    const source = await open([{ name: 'set/', content: '' }, file]);
    expect(source.files.map(({ name, bytes }) => [name, bytes])).toEqual([['ratings.csv', 4]]);
    source.close();
  });

  it.each([
    ['a name that leads out', [{ ...file, name: '../../etc/passwd' }]],
    ['an absolute name', [{ ...file, name: '/etc/passwd' }]],
    ['a link', [{ ...file, mode: 0o120777 }]],
    ['two entries of one name', [file, { ...file, name: 'other/RATINGS.csv' }]],
    ['more bytes than allowed', [{ ...file, content: 'x'.repeat(101) }]],
    ['more entries than allowed', [1, 2, 3, 4].map((n) => ({ ...file, name: `${n}.csv` }))],
  ])('with %s are refused before anything is read', async (_, entries) => {
    await expect(open(entries, { entriesMax: 3, bytesMax: 100 })).rejects.toMatchObject({
      code: 'bad_file',
    });
  });

  it('that lie about a size fail when the entry is read', async () => {
    const source = await open([{ ...file, claimedBytes: 3 }]).catch((error) => error);
    if ('files' in source) {
      await expect(readLines(source.files[0], () => undefined)).rejects.toThrow();
      source.close();
    } else expect(source).toMatchObject({ code: 'bad_file' });
  });

  it('that are none are refused', async () => {
    await writeFile(join(folder, 'y.zip'), 'no zip');
    await expect(openSourceFiles(join(folder, 'y.zip'))).rejects.toMatchObject({
      code: 'bad_file',
    });
    await expect(openSourceFiles(join(folder, 'none'))).rejects.toThrow(/got nothing/);
  });
});
