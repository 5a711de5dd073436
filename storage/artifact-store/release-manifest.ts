/** What a release's manifest may say, how it is written, and how its bytes are checked. */
import { createHash } from 'node:crypto';
import { FreshetError } from '../../schemas/errors.ts';
import type { EpochMs } from '../../schemas/ids.ts';
import type {
  ArtifactFile,
  PruneOptions,
  ReleaseManifest,
  StoredFile,
  StoredManifest,
} from './artifact-store.ts';

/** Versions and file names become names in a directory; nothing else ever does. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export const sha256Of = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

/** What is stored of a release, with its facts as they will be read back. */
export const storedManifestOf = (
  manifest: ReleaseManifest,
  files: readonly ArtifactFile[],
): StoredManifest => {
  mustBeName('version', manifest.version);
  for (const { name } of files) mustBeName('file name', name);
  if (new Set(files.map(({ name }) => name)).size < files.length) {
    throw new FreshetError('bad_value', { problem: 'Expected file names to differ, got twins.' });
  }
  return readManifest(
    manifestText({
      version: manifest.version,
      createdAt: manifest.createdAt,
      facts: manifest.facts,
      files: files.map(({ name, bytes }) => ({
        name,
        sizeBytes: bytes.length,
        sha256: sha256Of(bytes),
      })),
    }),
  );
};

export const isReleaseName = (name: string): boolean => NAME.test(name);

const mustBeName = (what: string, name: string): void => {
  if (isReleaseName(name)) return;
  throw new FreshetError('bad_value', {
    problem: `Expected a ${what} of letters, digits, ".", "_" and "-", got ${JSON.stringify(name)}.`,
  });
};

export const manifestText = (manifest: StoredManifest): string =>
  `${JSON.stringify(manifest, null, 2)}\n`;

/** The text was checked against its checksum before: its shape is the one that was written. */
export const readManifest = (text: string): StoredManifest => {
  const { version, createdAt, facts, files } = JSON.parse(text) as StoredManifest;
  return { version, createdAt: createdAt as EpochMs, facts, files };
};

export const mustFit = (version: string, file: StoredFile, bytes: Uint8Array): void => {
  if (bytes.length === file.sizeBytes && sha256Of(bytes) === file.sha256) return;
  throw new FreshetError('artifact_damaged', { version, file: file.name });
};

/** A slice takes about a millisecond. */
const HASHED_AT_ONCE = 1_048_576;

/** The same, between other work: a large file takes a while to check. */
export const mustFitInTurns = async (
  version: string,
  file: StoredFile,
  bytes: Uint8Array,
): Promise<void> => {
  const hash = createHash('sha256');
  for (let from = 0; from < bytes.length; from += HASHED_AT_ONCE) {
    hash.update(bytes.subarray(from, from + HASHED_AT_ONCE));
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (bytes.length === file.sizeBytes && hash.digest('hex') === file.sha256) return;
  throw new FreshetError('artifact_damaged', { version, file: file.name });
};

/** By the time of their making; versions, which tell it to the second, only where that is the same. */
export const newestFirst = (one: StoredManifest, other: StoredManifest): number =>
  other.createdAt - one.createdAt ||
  (one.version < other.version ? 1 : one.version > other.version ? -1 : 0);

/** Which versions go when the newest `keep`, and the one in use, stay. */
export const versionsToPrune = (
  newestFirstVersions: readonly string[],
  { keep, inUse, unclaimed = [] }: PruneOptions,
): readonly string[] => {
  const claimed = newestFirstVersions.filter((version) => !unclaimed.includes(version));
  const kept = new Set([...claimed.slice(0, keep), inUse]);
  return newestFirstVersions.filter((version) => !kept.has(version));
};
