import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STATE_FORMAT } from '../schemas/state/state-format.ts';
import { DATA_FORMAT, openDataDirectory, readFacts } from './data-directory.ts';

const FRESH = { userPartitions: 4, itemPartitions: 4 };

describe('data directory', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'freshet-data-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('keeps its facts over a reopening, whatever the settings say later', () => {
    const first = openDataDirectory(root, FRESH);
    first.updateFacts({ dataset: 'demo' });
    const { instanceId } = first.facts;
    first.release();
    const second = openDataDirectory(root, { userPartitions: 8, itemPartitions: 8 });
    expect(second.facts).toEqual({
      format: DATA_FORMAT,
      stateFormat: STATE_FORMAT,
      instanceId,
      dataset: 'demo',
      ...FRESH,
    });
    second.release();
  });

  it('refuses a second owner and names the first', () => {
    const owner = openDataDirectory(root, FRESH);
    expect(() => openDataDirectory(root, FRESH)).toThrow(
      `Expected ${root} to be free, process ${process.pid} is using it.`,
    );
    owner.release();
    openDataDirectory(root, FRESH).release();
    expect(readdirSync(root)).toEqual(['freshet-data.json', 'keys']);
  });

  it('takes over from an owner that died without a word', () => {
    const dead = spawnSync(process.execPath, ['-e', 'console.log(process.pid)'], {
      encoding: 'utf8',
    });
    writeFileSync(
      join(root, 'lock'),
      JSON.stringify({ pid: Number(dead.stdout), startedAt: 'before' }),
    );
    openDataDirectory(root, FRESH).release();
  });

  it.runIf(process.platform === 'linux')('is not fooled by a recycled process id', () => {
    writeFileSync(join(root, 'lock'), JSON.stringify({ pid: process.pid, startedAt: 'another' }));
    const directory = openDataDirectory(root, FRESH);
    expect(JSON.parse(readFileSync(join(root, 'lock'), 'utf8')).startedAt).not.toBe('another');
    directory.release();
  });

  it('gives a directory of before there were keys its keys, and says until when nothing was sealed', () => {
    openDataDirectory(root, FRESH).release();
    const path = join(root, 'freshet-data.json');
    const older = { ...JSON.parse(readFileSync(path, 'utf8')), format: 1 };
    rmSync(join(root, 'keys'), { recursive: true });
    writeFileSync(path, JSON.stringify(older));
    openDataDirectory(root, FRESH).release();
    expect(readFacts(root)).toMatchObject({ format: DATA_FORMAT });
    expect(readFacts(root)?.unsealedUntil).toBeGreaterThan(0);
    expect(readdirSync(join(root, 'keys'))).toEqual(['people.keys']);
  });

  it('refuses one that lost its keys: others would open nothing', () => {
    openDataDirectory(root, FRESH).release();
    rmSync(join(root, 'keys'), { recursive: true });
    expect(() => openDataDirectory(root, FRESH)).toThrow(/Expected the keys of people .*no file/);
  });

  it('refuses what a newer Freshet wrote, and leaves it as it was', () => {
    openDataDirectory(root, FRESH).release();
    const path = join(root, 'freshet-data.json');
    const newer = readFileSync(path, 'utf8').replace(`"format": ${DATA_FORMAT}`, '"format": 99');
    writeFileSync(path, newer);
    expect(() => openDataDirectory(root, FRESH)).toThrow(/format \d or older.*has format 99/);
    expect(readFileSync(path, 'utf8')).toBe(newer);
    expect(readFacts(root)?.format).toBe(99);
  });
});
