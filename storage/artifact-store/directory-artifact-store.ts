/**
 * Releases as directories: `<version>/` with `manifest.json`, the files, and `SHA256SUMS` in the
 * format of `sha256sum --check`. A release is written under another name, forced to the disk file
 * by file, and renamed: it is there whole or not at all. What a crash leaves behind has a name with
 * a leading dot and goes with the next publish or prune, so one process at a time publishes; any
 * number read.
 */
import { constants } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CrashPoint, Logger } from '../../schemas/environment.ts';
import { FreshetError, isFreshetError } from '../../schemas/errors.ts';
import type {
  ArtifactFile,
  ArtifactStore,
  PruneOptions,
  Release,
  ReleaseManifest,
  StoredManifest,
} from './artifact-store.ts';
import {
  isReleaseName,
  manifestText,
  mustFitInTurns,
  newestFirst,
  readManifest,
  sha256Of,
  storedManifestOf,
  versionsToPrune,
} from './release-manifest.ts';

export interface DirectoryArtifactStoreOptions {
  readonly directory: string;
  readonly logger: Logger;
  /** Passed at each step of a publish and a prune. */
  readonly crashPoint?: CrashPoint;
}

export const DEFAULT_ARTIFACT_STORE_OPTIONS = { crashPoint: (() => {}) as CrashPoint } as const;

const MANIFEST = 'manifest.json';
const SUMS = 'SHA256SUMS';
const STAGED = '.staged-';
const REMOVED = '.removed-';

export const openDirectoryArtifactStore = async (
  options: DirectoryArtifactStoreOptions,
): Promise<ArtifactStore> => {
  await mkdir(options.directory, { recursive: true });
  return new DirectoryArtifactStore({ ...DEFAULT_ARTIFACT_STORE_OPTIONS, ...options });
};

class DirectoryArtifactStore implements ArtifactStore {
  readonly #directory: string;
  readonly #logger: Logger;
  readonly #crashPoint: CrashPoint;
  #change: Promise<void> = Promise.resolve();

  constructor(options: Required<DirectoryArtifactStoreOptions>) {
    this.#directory = options.directory;
    this.#logger = options.logger;
    this.#crashPoint = options.crashPoint;
  }

  async publish(
    manifest: ReleaseManifest,
    files: readonly ArtifactFile[],
  ): Promise<StoredManifest> {
    const stored = storedManifestOf(manifest, files);
    return this.#oneAtATime(async () => {
      await this.#mustBeNew(stored.version);
      await this.#clearLeftovers();
      const staged = await mkdtemp(join(this.#directory, STAGED));
      await this.#stage(staged, stored, files);
      await this.#rename(staged, stored.version);
      return stored;
    });
  }

  async read(version: string): Promise<Release> {
    const manifest = await this.#manifestOf(version);
    const files = new Map<string, Uint8Array>();
    for (const [index, file] of manifest.files.entries()) {
      const bytes = await this.#readPart(version, partName(index, file.name), file.name);
      await mustFitInTurns(version, file, bytes);
      files.set(file.name, bytes);
    }
    return { manifest, files };
  }

  async list(): Promise<readonly StoredManifest[]> {
    const manifests: StoredManifest[] = [];
    for (const version of await this.#versions()) {
      const manifest = await this.#manifestIfSound(version);
      if (manifest !== undefined) manifests.push(manifest);
    }
    return manifests.sort(newestFirst);
  }

  async prune(options: PruneOptions): Promise<readonly string[]> {
    return this.#oneAtATime(async () => {
      const versions = (await this.list()).map(({ version }) => version);
      const removed = versionsToPrune(versions, options);
      for (const version of removed) {
        // First out of sight, whole: nobody reads half of it.
        await rename(this.#path(version), join(this.#directory, `${REMOVED}${version}`));
        this.#crashPoint('artifact.out-of-sight');
      }
      await this.#clearLeftovers();
      return removed;
    });
  }

  async close(): Promise<void> {}

  #path(version: string): string {
    return join(this.#directory, version);
  }

  async #stage(
    staged: string,
    manifest: StoredManifest,
    files: readonly ArtifactFile[],
  ): Promise<void> {
    for (const [index, { name, bytes }] of files.entries()) {
      await writeDurably(join(staged, partName(index, name)), bytes);
      this.#crashPoint('artifact.file-written');
    }
    await writeDurably(join(staged, MANIFEST), Buffer.from(manifestText(manifest)));
    await writeDurably(join(staged, SUMS), Buffer.from(sumsText(manifest)));
    await syncDirectory(staged);
    this.#crashPoint('artifact.staged');
  }

  async #rename(staged: string, version: string): Promise<void> {
    try {
      await rename(staged, this.#path(version));
    } catch (cause) {
      if (!isOneOf(cause, 'EEXIST', 'ENOTEMPTY')) throw cause;
      throw new FreshetError('artifact_exists', { version }, { cause });
    }
    this.#crashPoint('artifact.renamed');
    await syncDirectory(this.#directory);
  }

  async #mustBeNew(version: string): Promise<void> {
    if (await this.#isThere(version)) throw new FreshetError('artifact_exists', { version });
  }

  async #isThere(version: string): Promise<boolean> {
    try {
      await stat(this.#path(version));
      return true;
    } catch (cause) {
      if (isOneOf(cause, 'ENOENT')) return false;
      throw diskFailure(cause);
    }
  }

  async #versions(): Promise<readonly string[]> {
    return this.#onDisk(async () => (await readdir(this.#directory)).filter(isReleaseName));
  }

  async #manifestOf(version: string): Promise<StoredManifest> {
    if (!isReleaseName(version) || !(await this.#isThere(version))) throw notFound(version);
    const text = (await this.#readPart(version, MANIFEST)).toString('utf8');
    const sums = (await this.#readPart(version, SUMS)).toString('utf8');
    if (sums.endsWith(sumLine(Buffer.from(text), MANIFEST))) {
      const manifest = readManifest(text);
      if (manifest.version === version && sums === sumsText(manifest)) return manifest;
    }
    throw new FreshetError('artifact_damaged', { version, file: MANIFEST });
  }

  /** A release whose manifest is damaged is left out of the list, and of nothing else. */
  async #manifestIfSound(version: string): Promise<StoredManifest | undefined> {
    try {
      return await this.#manifestOf(version);
    } catch (error) {
      if (isFreshetError(error, 'artifact_damaged')) {
        this.#logger.error('a release is damaged', { version, error });
        return undefined;
      }
      if (isFreshetError(error, 'not_found')) return undefined;
      throw error;
    }
  }

  async #readPart(version: string, part: string, shownAs = part): Promise<Buffer> {
    try {
      return await readFile(join(this.#path(version), part));
    } catch (cause) {
      if (!isOneOf(cause, 'ENOENT')) throw diskFailure(cause);
      // Pruned meanwhile, or one file of it is missing.
      if (!(await this.#isThere(version))) throw notFound(version);
      throw new FreshetError('artifact_damaged', { version, file: shownAs }, { cause });
    }
  }

  async #clearLeftovers(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (!name.startsWith(STAGED) && !name.startsWith(REMOVED)) continue;
      await rm(join(this.#directory, name), { recursive: true, force: true });
    }
  }

  /** Who clears up leftovers must not meet another at work. */
  #oneAtATime<Result>(run: () => Promise<Result>): Promise<Result> {
    const result = this.#change.then(() => this.#onDisk(run));
    this.#change = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  /** A full disk is to be freed of what was half written, and not only at the next publish. */
  async #onDisk<Result>(run: () => Promise<Result>): Promise<Result> {
    try {
      return await run();
    } catch (cause) {
      if (isOneOf(cause, ...NO_ROOM)) await this.#clearLeftovers();
      throw isSystemError(cause) ? diskFailure(cause) : cause;
    }
  }
}

/** The number keeps names apart on file systems that do not tell capitals from small letters. */
const partName = (index: number, name: string): string => `${index}-${name}`;

const sumLine = (bytes: Uint8Array, name: string): string => `${sha256Of(bytes)}  ${name}\n`;

const sumsText = (manifest: StoredManifest): string =>
  [
    ...manifest.files.map(({ name, sha256 }, index) => `${sha256}  ${partName(index, name)}\n`),
    sumLine(Buffer.from(manifestText(manifest)), MANIFEST),
  ].join('');

const writeDurably = async (path: string, bytes: Uint8Array): Promise<void> => {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
};

const syncDirectory = async (path: string): Promise<void> => {
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
};

const NO_ROOM = ['ENOSPC', 'EDQUOT', 'EFBIG'] as const;

const isSystemError = (cause: unknown): cause is NodeJS.ErrnoException =>
  cause instanceof Error && 'syscall' in cause && 'code' in cause;

const isOneOf = (cause: unknown, ...codes: readonly string[]): boolean =>
  isSystemError(cause) && codes.includes(cause.code ?? '');

const notFound = (version: string): FreshetError =>
  new FreshetError('not_found', { what: `release ${version}` });

const diskFailure = (cause: unknown): FreshetError =>
  isOneOf(cause, ...NO_ROOM)
    ? new FreshetError('disk_full', {}, { cause })
    : new FreshetError('storage_failed', { problem: (cause as Error).message }, { cause });
