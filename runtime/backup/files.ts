/** Files of a backup: listed, copied and hashed in one go. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

const PIECE_BYTES = 1_048_576;

/** Paths of all files below, relative to the directory, in order. */
export const filesBelow = async (directory: string): Promise<readonly string[]> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
};

export const describeFile = async (
  directory: string,
  path: string,
): Promise<{ path: string; bytes: number; sha256: string }> => {
  const from = join(directory, path);
  const hash = createHash('sha256');
  for await (const piece of createReadStream(from, { highWaterMark: PIECE_BYTES })) {
    hash.update(piece);
  }
  return { path, bytes: (await stat(from)).size, sha256: hash.digest('hex') };
};

/** Copies and flushes; returns the SHA-256 of what went through. */
export const copyHashed = async (from: string, to: string): Promise<string> => {
  await mkdir(dirname(to), { recursive: true });
  const hash = createHash('sha256');
  const target = await open(to, 'w', 0o600);
  try {
    for await (const piece of createReadStream(from, { highWaterMark: PIECE_BYTES })) {
      hash.update(piece);
      await target.writeFile(piece);
    }
    await target.sync();
  } finally {
    await target.close();
  }
  return hash.digest('hex');
};
