/**
 * Every step at which the program may be killed by name stands in a list, and every list is lived
 * through somewhere. The sources are read for it: a crash point that nobody knows of proves nothing.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { INGEST_CRASH_POINTS } from '../ingest/crash-points.ts';
import { ARTIFACT_CRASH_POINTS } from '../storage/artifact-store/crash-points.ts';
import { STREAM_CRASH_POINTS } from '../stream/crash-points.ts';
import { TRAINING_CRASH_POINTS } from '../training/crash-points.ts';
import { crashPointLives } from './faults/life.ts';

const ROOT = join(import.meta.dirname, '..');
const LISTS = {
  stream: STREAM_CRASH_POINTS,
  ingest: INGEST_CRASH_POINTS,
  training: TRAINING_CRASH_POINTS,
  artifacts: ARTIFACT_CRASH_POINTS,
} as const;
const LISTED: readonly string[] = Object.values(LISTS).flat();

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const paths = execFileSync('git', ['ls-files', '*.ts'], { cwd: ROOT, encoding: 'utf8' })
  .split('\n')
  .filter((path) => /^(ingest|stream|storage|training|serving|runtime)\//.test(path))
  .filter((path) => !/\.(test|contract|fixture)\.ts$|\/crash-points?\.ts$/.test(path));

/** Names that are passed, and those that look as if they were. */
const passedIn = (path: string): readonly string[] => {
  const text = read(path);
  const called = /(?:[cC]rashPoint|#crash)(?:\?\.)?\('([^']+)'/g;
  const named = /'((?:stream|ingest|import|training|artifact)\.[a-z]+[a-z.-]*)'/g;
  return [called, named]
    .flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]!))
    .filter((name) => !name.endsWith('.ts'));
};

describe('crash points', () => {
  it('are each in a list, and each list names only what the sources pass', () => {
    const passed = [...new Set(paths.flatMap(passedIn))].sort();
    expect(passed).toEqual([...LISTED].sort());
    expect(new Set(LISTED).size).toBe(LISTED.length);
  });

  it('of the server, an import and a rebuild each end two lives of the real program', () => {
    const ends = crashPointLives().map((life) =>
      life.end === 'at a crash point' ? `${life.point}@${life.pass}` : life.end,
    );
    for (const point of [...STREAM_CRASH_POINTS, ...INGEST_CRASH_POINTS]) {
      expect(ends.filter((end) => end.startsWith(`${point}@`))).toHaveLength(2);
    }
  });

  it('of a training and of the artifacts are gone through by tests of their own', () => {
    const livesOf = (path: string, list: string): boolean => read(path).includes(list);
    expect(livesOf('test/programs/training.test.ts', 'of TRAINING_CRASH_POINTS')).toBe(true);
    const property = 'storage/artifact-store/artifact-store.property.test.ts';
    expect(livesOf(property, 'ARTIFACT_CRASH_POINTS')).toBe(true);
  });
});
