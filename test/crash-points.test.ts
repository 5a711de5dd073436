/**
 * Every step at which the program may be killed by name stands in a list, and every list is lived
 * through by some test. The sources are read for it: a crash point that nobody knows of proves nothing.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { INGEST_CRASH_POINTS } from '../ingest/crash-points.ts';
import { STREAM_CRASH_POINTS } from '../stream/crash-points.ts';
import { crashPointLives } from './faults/life.ts';

const ROOT = join(import.meta.dirname, '..');
const OWN_PATH = 'test/crash-points.test.ts';

const files = execFileSync('git', ['ls-files', '*.ts'], { cwd: ROOT, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && path !== OWN_PATH)
  .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
const isTest = (path: string): boolean =>
  /^(test|bench)\/|\.(test|contract|fixture)\.ts$/.test(path);
const sources = files.filter(({ path }) => !isTest(path));
const tests = files.filter(({ path }) => isTest(path));

const LIST = /export const (\w+_CRASH_POINTS) = \[([^\]]+)\] as const/g;
const namesIn = (text: string): readonly string[] =>
  [...text.matchAll(/'([^']+)'/g)].map((match) => match[1]!);

const lists = sources.flatMap(({ text }) =>
  [...text.matchAll(LIST)].map(([, list, names]) => ({ list: list!, names: namesIn(names!) })),
);
const listed = lists.flatMap(({ names }) => names);

/** What is left of the sources without the lists. */
const code = sources.map(({ text }) => text.replace(LIST, '')).join('\n');
const passed = [...code.matchAll(/(?:crashPoint|#crashPoint|#crash)(?:\?\.)?\('([^']+)'/gi)].map(
  (match) => match[1]!,
);

describe('crash points', () => {
  it('that the sources pass are each in a list', () => {
    expect(passed.length).toBeGreaterThan(10);
    expect(passed.filter((name) => !listed.includes(name))).toEqual([]);
  });

  it('that a list names are each passed by the sources, under a name of their own', () => {
    expect(listed.filter((name) => !code.includes(`'${name}'`))).toEqual([]);
    expect(new Set(listed).size).toBe(listed.length);
  });

  it('are gone through, list by list, by a test', () => {
    const unlived = lists.filter(({ list }) => !tests.some(({ text }) => text.includes(list)));
    expect(unlived.map(({ list }) => list)).toEqual([]);
  });

  it('of the server, an import and a rebuild each end two lives of the real program', () => {
    const ends = crashPointLives().map((life) =>
      life.end === 'at a crash point' ? `${life.point}@${life.pass}` : life.end,
    );
    for (const point of [...STREAM_CRASH_POINTS, ...INGEST_CRASH_POINTS]) {
      expect(ends.filter((end) => end.startsWith(`${point}@`))).toHaveLength(2);
    }
  });
});
