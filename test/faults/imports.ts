/**
 * Imports of a crash run: small files of random interactions, each brought in by the real command,
 * cut off by a crash, repeated to its end, and then looked for in the log: every line once.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importSource } from '../../ingest/import/log-backfill-sink.ts';
import type { LoggedInteraction } from './oracle.ts';
import { integerBelow, type Random } from './seeded-random.ts';
import { launchProgram } from './server-process.ts';

const LINES = 1_500;
const USERS = 60;
const ITEMS = 250;
const FIRST_SECOND = 1_700_000_000;
const SUFFIX = '.import.csv';

/** Writes one more file; returns where it is. */
export const writeImport = ({ root, random }: { root: string; random: Random }): string => {
  const number = importsIn(root).length + 1;
  const lines = Array.from({ length: LINES }, (_, line) => {
    const user = `reader-${number}-${integerBelow(random, USERS)}`;
    const item = `item-${integerBelow(random, ITEMS)}`;
    return `${user},${item},like,${FIRST_SECOND + line * 60}`;
  });
  const path = join(root, `${number}${SUFFIX}`);
  writeFileSync(path, `user,item,kind,timestamp\n${lines.join('\n')}\n`);
  return path;
};

const importsIn = (root: string): readonly string[] =>
  readdirSync(root)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => join(root, name));

/** Brings every file in to its end; those that were cut off go on where they stopped. */
export const finishImports = async (root: string, dataDirectory: string): Promise<void> => {
  for (const path of importsIn(root)) {
    const program = launchProgram(['import', path, '--data', dataDirectory]);
    const code = await program.ended;
    if (code !== 0) throw new Error(`Expected the import to end well, got ${program.output()}`);
  }
};

/** What the log holds of the imports against their files; empty where all is well. */
export const compareImportsWithLog = (
  root: string,
  interactions: readonly LoggedInteraction[],
): readonly string[] => {
  const wanted = importsIn(root).flatMap((path) =>
    readFileSync(path, 'utf8').trim().split('\n').slice(1),
  );
  const found = interactions.map(
    ({ record: { userId, itemId, kind, occurredAt, backfill, source } }) =>
      source === importSource(backfill ?? '')
        ? `${userId},${itemId},${kind},${occurredAt / 1000}`
        : `a source ${source} that no import has`,
  );
  const left = new Map<string, number>();
  for (const line of wanted) left.set(line, (left.get(line) ?? 0) + 1);
  for (const line of found) left.set(line, (left.get(line) ?? 0) - 1);
  const [first] = [...left].filter(([, count]) => count !== 0);
  if (first === undefined) return [];
  const [line, count] = first;
  return [`imported line ${line} is ${count > 0 ? 'missing' : 'there too often'} in the log`];
};
