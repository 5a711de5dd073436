/**
 * Copies a topic of the embedded log while it is written, from whatever process: as of one commit,
 * compacted. The environment is opened for reading only, so the one writer stays the only one.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';

/** False where the topic was never written. */
export const copyTopic = async (from: string, to: string): Promise<boolean> => {
  if (!existsSync(join(from, 'data.mdb'))) return false;
  await mkdir(to, { recursive: true });
  const environment = open({ path: from, noSubdir: false, readOnly: true, maxReaders: 512 });
  try {
    await environment.backup(to, true);
  } finally {
    await environment.close();
  }
  return true;
};
