/**
 * A version to come, for tests of upgrades: a copy of this version's sources in which some words are
 * others. It is started as the real program is, beside processes of this version.
 */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentOf, REPOSITORY } from '../deploy/compose-file.ts';
import { instructionsOf } from '../deploy/docker-build.ts';

export interface SourceEdit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const IS_TEST = /\.(test|bench|fixture|contract)\.tsx?$/;
/** What the image holds of the repository, folder by folder. */
const FOLDERS = instructionsOf(contentOf('Dockerfile')).flatMap(({ word, rest }) =>
  word === 'COPY' ? [...rest.matchAll(/^(\w+) \.\/\1$/g)].map(([, folder]) => folder!) : [],
);

/** Fails where the words to be replaced are not there. */
export const writeNextVersion = (directory: string, edits: readonly SourceEdit[]): void => {
  mkdirSync(directory, { recursive: true });
  for (const folder of FOLDERS) {
    cpSync(join(REPOSITORY, folder), join(directory, folder), {
      recursive: true,
      filter: (path) => !IS_TEST.test(path),
    });
  }
  cpSync(join(REPOSITORY, 'package.json'), join(directory, 'package.json'));
  symlinkSync(join(REPOSITORY, 'node_modules'), join(directory, 'node_modules'));
  for (const { file, from, to } of edits) {
    const path = join(directory, file);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(from)) throw new Error(`Expected ${file} to say "${from}"`);
    writeFileSync(path, text.replace(from, to));
  }
};
