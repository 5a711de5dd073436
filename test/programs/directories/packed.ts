/** The packed data directories beside this file, by their names. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DATA_FORMAT } from '../../../runtime/data-directory.ts';
import { STATE_FORMAT } from '../../../schemas/state/state-format.ts';
import type { StateFingerprint } from '../state-fingerprint.ts';

export const FOLDER = import.meta.dirname;
export const PRESENT = `format-${DATA_FORMAT}-state-${STATE_FORMAT}`;

/** Unpacks one below `root`; returns where it lies. */
export const unpackDirectory = (name: string, root: string): string => {
  const words = ['-xzf', join(FOLDER, `${name}.tgz`), '-C', root];
  const { status, stderr } = spawnSync('tar', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return join(root, 'data');
};

/** What the fingerprint of its state was when it was packed. */
export const packedFingerprint = (name: string): StateFingerprint =>
  JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as StateFingerprint;
