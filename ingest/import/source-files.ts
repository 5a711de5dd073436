/**
 * Where an import reads from: a folder, one file, or a zip, seen alike as named files that can be
 * streamed. A zip is looked through before anything of it is read: how many entries, how large
 * unpacked, no links, no encryption, no name that leads elsewhere. Nothing is ever unpacked to disk.
 */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import yauzl from 'yauzl';
import { FreshetError } from '../../schemas/errors.ts';

export interface SourceFile {
  /** Without folders, in lower case: `ratings.csv`. */
  readonly name: string;
  /** For messages. */
  readonly path: string;
  readonly bytes: number;
  open(): Promise<Readable>;
}

export interface SourceFiles {
  readonly files: readonly SourceFile[];
  close(): void;
}

export interface ArchiveLimits {
  readonly entriesMax: number;
  /** Of all entries together, unpacked. */
  readonly bytesMax: number;
}

export const DEFAULT_ARCHIVE_LIMITS: ArchiveLimits = {
  entriesMax: 1_000,
  bytesMax: 16 * 1024 ** 3,
};

export const openSourceFiles = async (
  path: string,
  limits: ArchiveLimits = DEFAULT_ARCHIVE_LIMITS,
): Promise<SourceFiles> => {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const got = cause.code === 'ENOENT' ? 'nothing' : cause.message;
    throw new FreshetError('bad_file', { expected: 'a folder, zip or file', path, got }, { cause });
  });
  if (found.isDirectory()) return openFolder(path);
  if (/\.zip$/i.test(path)) return openZip(path, limits);
  return { files: [plainFile(path, found.size)], close: () => undefined };
};

export const findFile = (source: SourceFiles, name: string): SourceFile | undefined =>
  source.files.find((file) => file.name === name);

const openFolder = async (folder: string): Promise<SourceFiles> => {
  const entries = await readdir(folder, { withFileTypes: true });
  const files = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async ({ name }) =>
        plainFile(join(folder, name), (await stat(join(folder, name))).size),
      ),
  );
  return { files, close: () => undefined };
};

const plainFile = (path: string, bytes: number): SourceFile => {
  const isGzip = /\.gz$/i.test(path);
  return {
    name: basename(path).toLowerCase().replace(/\.gz$/, ''),
    path,
    bytes,
    open: async () => (isGzip ? unzipped(createReadStream(path)) : createReadStream(path)),
  };
};

const unzipped = (packed: Readable): Readable => {
  const plain = createGunzip();
  packed.on('error', (error) => plain.destroy(error));
  return packed.pipe(plain);
};

const openZip = async (path: string, limits: ArchiveLimits): Promise<SourceFiles> => {
  const zip = await yauzl
    .openPromise(path, { autoClose: false })
    .catch((cause: Error) => Promise.reject(badArchive(path, cause.message, cause)));
  try {
    const entries = await readEntries(zip, path, limits);
    return {
      files: entries.map((entry) => zippedFile(zip, path, entry)),
      close: () => zip.close(),
    };
  } catch (error) {
    zip.close();
    throw error;
  }
};

const readEntries = async (
  zip: yauzl.ZipFile,
  path: string,
  { entriesMax, bytesMax }: ArchiveLimits,
): Promise<yauzl.Entry[]> => {
  if (zip.entryCount > entriesMax) {
    throw badArchive(path, `${zip.entryCount} entries, more than ${entriesMax}`);
  }
  const entries: yauzl.Entry[] = [];
  const names = new Set<string>();
  let bytes = 0;
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      checkEntry(entry, path);
      const name = basename(entry.fileName).toLowerCase();
      if (names.has(name)) throw badArchive(path, `two entries named ${name}`);
      names.add(name);
      bytes += entry.uncompressedSize;
      if (bytes > bytesMax) throw badArchive(path, `more than ${bytesMax} bytes when unpacked`);
      entries.push(entry);
    }
  } catch (cause) {
    // The archive reader itself refuses absolute names and those with `..`.
    throw cause instanceof FreshetError ? cause : badArchive(path, (cause as Error).message, cause);
  }
  return entries;
};

const FILE_TYPE = 0o170000;
const LINK = 0o120000;

const checkEntry = (entry: yauzl.Entry, path: string): void => {
  if (((entry.externalFileAttributes >>> 16) & FILE_TYPE) === LINK) {
    throw badArchive(path, `the link ${entry.fileName}`);
  }
  if (entry.isEncrypted()) throw badArchive(path, `the encrypted ${entry.fileName}`);
};

const zippedFile = (zip: yauzl.ZipFile, path: string, entry: yauzl.Entry): SourceFile => ({
  name: basename(entry.fileName).toLowerCase(),
  path: `${path}:${entry.fileName}`,
  bytes: entry.uncompressedSize,
  open: () => zip.openReadStreamPromise(entry),
});

const badArchive = (path: string, got: string, cause?: unknown): FreshetError =>
  new FreshetError('bad_file', { expected: 'a zip that is safe to read', path, got }, { cause });
