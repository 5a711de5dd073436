/** What the program says where it cannot start: one sentence, and a code that scripts can read. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DATA_FORMAT } from '../../runtime/data-directory.ts';
import { runCommand } from '../faults/program-calls.ts';
import { startServer } from '../faults/server-process.ts';
import { freePort } from '../services/free-port.ts';

const FLAGS = ['--empty', '--no-warehouse'];

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-conditions-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const freshet = (words: readonly string[], environment: Record<string, string> = {}) => {
  const { status, stderr } = runCommand(words, environment);
  return { status, said: stderr.trim().split('\n') };
};

describe('a command that finds no data', () => {
  it('says so, and makes none', () => {
    const data = join(root, 'data');
    const feed = join(root, 'feed.csv');
    writeFileSync(feed, 'itemId,title\ntea,Tea\n');
    const missing = {
      status: 1,
      said: [`Expected a data directory in ${data} to exist, found none.`],
    };
    for (const words of [['models'], ['rebuild']]) {
      expect(freshet([...words, '--data', data])).toEqual(missing);
    }
    expect(freshet(['items', 'sync', feed, '--dry-run', '--data', data])).toEqual(missing);
    expect(freshet(['items', 'sync', `${feed}2`, '--data', data])).toEqual({
      status: 1,
      said: [`Expected a folder, zip or file in ${feed}2, got nothing.`],
    });
    expect(freshet(['simulate', '--data', data])).toEqual({
      status: 1,
      said: [`Expected a running server on ${data} to exist, found none.`],
    });
    expect(existsSync(data)).toBe(false);
  }, 180_000);
});

describe('a start that cannot be', () => {
  it('names the process that uses the directory, and the port that was chosen and is taken', async () => {
    const data = join(root, 'data');
    const port = await freePort();
    const server = await startServer({ dataDirectory: data, port, flags: FLAGS });
    const other = join(root, 'other');
    expect(freshet(['start', ...FLAGS, '--data', data])).toEqual({
      status: 1,
      said: [`Expected ${data} to be free, process ${server.pid} is using it.`],
    });
    expect(freshet(['start', ...FLAGS, '--data', other, '--port', String(port)])).toEqual({
      status: 1,
      said: [`Expected port ${port} to be free, another program listens there.`],
    });
    expect(await server.kill('SIGTERM')).toBe(0);
    const facts = join(data, 'freshet-data.json');
    const newer = readFileSync(facts, 'utf8').replace(`"format": ${DATA_FORMAT}`, '"format": 99');
    writeFileSync(facts, newer);
    expect(freshet(['start', ...FLAGS, '--data', data])).toEqual({
      status: 1,
      said: [
        `Expected a data directory of format ${DATA_FORMAT} or older, ${data} has format 99; use a newer Freshet.`,
      ],
    });
    expect(readFileSync(facts, 'utf8')).toBe(newer);
  }, 120_000);

  it('names every wrong setting at once, and a wrong flag, with the code for wrong use', () => {
    const words = ['start', '--log-bytes-max', '3', '--audience-per-second', 'x', '--data', root];
    const { status, said } = freshet(words, { FRESHET_PORTT: '1' });
    expect(status).toBe(2);
    expect(said).toHaveLength(3);
    expect(freshet(['start', '--nope'])).toEqual({
      status: 2,
      said: ["Unknown option '--nope'. See freshet start --help."],
    });
  });

  it('says in one sentence that it cannot listen there, or cannot write there', () => {
    const elsewhere = ['start', ...FLAGS, '--data', join(root, 'data'), '--host', '192.0.2.1'];
    expect(freshet(elsewhere)).toEqual({
      status: 2,
      said: [
        expect.stringMatching(
          /^Expected 192\.0\.2\.1 with port 8090 to be an address .*EADDRNOTAVAIL/,
        ),
      ],
    });
    const unwritable = freshet(['start', ...FLAGS, '--data', '/proc']);
    expect(unwritable).toEqual({
      status: 1,
      said: [expect.stringMatching(/^Expected a directory that can be written in \/proc, got E/)],
    });
  }, 180_000);

  it('makes nothing where the data set that it is to begin with is not there', () => {
    const data = join(root, 'data');
    expect(freshet(['start', '--dataset', 'nowhere.zip', '--data', data])).toEqual({
      status: 1,
      said: ['Expected a folder, zip or file in nowhere.zip, got nothing.'],
    });
    expect(existsSync(data)).toBe(false);
  });

  it('says one thing where another catalogue is asked for than the directory holds', () => {
    const data = join(root, 'data');
    const films = 'movieId,title,genres\n1,Heat (1995),Crime\n';
    const ratings = 'userId,movieId,rating,timestamp\n1,1,5,1700000000\n';
    const set = join(root, 'small');
    mkdirSync(set);
    writeFileSync(join(set, 'movies.csv'), films);
    writeFileSync(join(set, 'ratings.csv'), ratings);
    expect(freshet(['import', set, '--data', data])).toMatchObject({ status: 0 });
    expect(freshet(['start', '--no-warehouse', '--dataset', set, '--data', data])).toEqual({
      status: 1,
      said: [
        `Expected ${data} to hold dataset:small, it holds a catalogue of your own; start with \`npm start -- --dataset ${set} --data ${data}-2\`.`,
      ],
    });
  }, 60_000);

  it('takes the next port where nobody chose one, and says so', async () => {
    const busy = createServer();
    const isOurs = await new Promise<boolean>((resolve) => {
      busy.once('error', () => resolve(false));
      busy.listen(8090, '127.0.0.1', () => resolve(true));
    });
    try {
      const { stdout } = spawnSync(
        'timeout',
        [
          '-s',
          'INT',
          '20',
          process.execPath,
          'runtime/main.ts',
          'start',
          ...FLAGS,
          '--data',
          join(root, 'd'),
        ],
        { cwd: new URL('../..', import.meta.url), encoding: 'utf8' },
      );
      expect(stdout).toMatch(/running: http:\/\/localhost:(809[1-9]|81\d\d)/);
    } finally {
      if (isOurs) busy.close();
    }
  }, 60_000);
});
