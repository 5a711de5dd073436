/**
 * Releases in ClickHouse, for processes that share no disk. Each release is a table of its own: it is
 * filled under a name that nobody reads, the manifest last, and then renamed. A rename is one step, and
 * it fails where the name is taken; ClickHouse has nothing else that could tell which of two publishers
 * came first. A release that is pruned is dropped, whole, while who reads it at that moment reads on.
 *
 *   artifact_release_<hash of the version>      part, chunk → bytes; part 0 is the manifest
 *   artifact_staged_<random>                    the same, not yet published; dropped after a day
 *
 * Nothing is asked of the server before it is needed, so that a program starts while it is away.
 */
import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ClickHouseClient } from '@clickhouse/client';
import type { CrashPoint, Logger } from '../../schemas/environment.ts';
import { FreshetError, isFreshetError } from '../../schemas/errors.ts';
import {
  type ClickHouseConnection,
  connectTo,
  createDatabase,
} from '../clickhouse/clickhouse-connection.ts';
import { failureOf, meansMissing } from '../clickhouse/statement-failure.ts';
import { CHUNK_BYTES, chunkRow, chunkRows, readTexts } from './artifact-rows.ts';
import type {
  ArtifactFile,
  ArtifactStore,
  PruneOptions,
  Release,
  ReleaseManifest,
  StoredFile,
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

export interface ClickHouseArtifactStoreOptions {
  readonly connection: ClickHouseConnection;
  readonly database: string;
  readonly logger: Logger;
  readonly requestTimeoutMs?: number;
  readonly connectionsMax?: number;
  /** What a publisher that died left behind is dropped by the first publish after so long. */
  readonly stagedKeptSeconds?: number;
  /** Passed at each step of a publish. */
  readonly crashPoint?: CrashPoint;
}

export const DEFAULT_CLICKHOUSE_ARTIFACT_OPTIONS = {
  requestTimeoutMs: 60_000,
  connectionsMax: 4,
  stagedKeptSeconds: 86_400,
  crashPoint: (() => {}) as CrashPoint,
} as const;

export const openClickHouseArtifactStore = (
  options: ClickHouseArtifactStoreOptions,
): ArtifactStore => new ClickHouseArtifactStore(options);

const RELEASE = 'artifact_release_';
const STAGED = 'artifact_staged_';

/** The order of its rows is that of the file; what was answered survives a power cut. */
const CREATE_TABLE = `CREATE TABLE {table:Identifier} (
  part UInt32,
  chunk UInt32,
  sha256 String,
  bytes String
) ENGINE = MergeTree
ORDER BY (part, chunk)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, index_granularity = 16`;

const LIST_TABLES = `SELECT name FROM system.tables
WHERE database = currentDatabase() AND startsWith(name, {prefix:String})
  AND metadata_modification_time <= now() - {age:UInt32}`;

const TABLE_ID = `SELECT toString(uuid) FROM system.tables
WHERE database = currentDatabase() AND name = {table:String}`;

const READ_CHUNKS = `SELECT bytes FROM {table:Identifier}
WHERE part = {part:UInt32} AND chunk >= {from:UInt32} AND chunk < {to:UInt32}
ORDER BY chunk`;

const READ_MANIFEST = 'SELECT bytes, sha256 FROM {table:Identifier} WHERE part = 0';

const MANIFEST_PART = 0;
const CHUNKS_AT_ONCE = 16;

type Parameters = Readonly<Record<string, string | number>>;

class ClickHouseArtifactStore implements ArtifactStore {
  readonly #options: Required<ClickHouseArtifactStoreOptions>;
  readonly #client: ClickHouseClient;

  constructor(options: ClickHouseArtifactStoreOptions) {
    this.#options = { ...DEFAULT_CLICKHOUSE_ARTIFACT_OPTIONS, ...options };
    this.#client = connectTo(options.connection, this.#options);
  }

  async publish(
    manifest: ReleaseManifest,
    files: readonly ArtifactFile[],
  ): Promise<StoredManifest> {
    const stored = storedManifestOf(manifest, files);
    const { connection } = this.#options;
    await this.#run('create database', () => createDatabase(connection, this.#options));
    if (await this.#isThere(stored.version)) throw exists(stored.version);
    await this.#clearLeftovers();
    const table = `${STAGED}${randomUUID().replaceAll('-', '')}`;
    await this.#command('create table of a release', CREATE_TABLE, { table });
    await this.#stage(table, stored, files);
    await this.#rename(table, stored.version);
    return stored;
  }

  async read(version: string): Promise<Release> {
    const manifest = await this.#manifestOf(version);
    const files = new Map<string, Uint8Array>();
    for (const [index, file] of manifest.files.entries()) {
      const bytes = await this.#readPart(version, index + 1, file);
      await mustFitInTurns(version, file, bytes);
      files.set(file.name, bytes);
    }
    return { manifest, files };
  }

  async list(): Promise<readonly StoredManifest[]> {
    const manifests: StoredManifest[] = [];
    for (const table of await this.#tables(RELEASE)) {
      const manifest = await this.#manifestIfSound(table);
      if (manifest !== undefined) manifests.push(manifest);
    }
    return manifests.sort(newestFirst);
  }

  async prune(options: PruneOptions): Promise<readonly string[]> {
    const versions = (await this.list()).map(({ version }) => version);
    const removed = versionsToPrune(versions, options);
    for (const version of removed) await this.#drop(tableOf(version));
    return removed;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #stage(
    table: string,
    manifest: StoredManifest,
    files: readonly ArtifactFile[],
  ): Promise<void> {
    for (const [index, { bytes }] of files.entries()) {
      for (let from = 0; from < bytes.length; from += CHUNKS_AT_ONCE * CHUNK_BYTES) {
        const rows = chunkRows({ part: index + 1, bytes, from, chunksMax: CHUNKS_AT_ONCE });
        await this.#insert(table, rows);
      }
      this.#options.crashPoint('artifact.file-written');
    }
    const text = Buffer.from(manifestText(manifest));
    await this.#insert(table, chunkRow({ part: MANIFEST_PART, chunk: 0, bytes: text }));
    this.#options.crashPoint('artifact.staged');
  }

  async #rename(from: string, version: string): Promise<void> {
    const to = tableOf(version);
    const staged = await this.#idOf(from);
    const sql = 'RENAME TABLE {from:Identifier} TO {to:Identifier}';
    try {
      await this.#command('publish release', sql, { from, to });
    } catch (cause) {
      // Its answer may have been lost after it was done: a table keeps its id under another name.
      const published = await this.#idOf(to);
      if (published !== staged) {
        if (published === undefined) throw cause;
        await this.#drop(from);
        throw exists(version, cause);
      }
    }
    this.#options.crashPoint('artifact.renamed');
  }

  async #idOf(table: string): Promise<string | undefined> {
    const [id] = await this.#texts('find release', TABLE_ID, { table });
    return id?.toString('utf8');
  }

  async #isThere(version: string): Promise<boolean> {
    return (await this.#idOf(tableOf(version))) !== undefined;
  }

  async #clearLeftovers(): Promise<void> {
    for (const table of await this.#tables(STAGED, this.#options.stagedKeptSeconds)) {
      await this.#drop(table);
    }
  }

  /** Of those that are older. */
  async #tables(prefix: string, age = 0): Promise<readonly string[]> {
    try {
      const names = await this.#texts('list releases', LIST_TABLES, { prefix, age });
      return names.map((name) => name.toString('utf8'));
    } catch (error) {
      if (meansMissing(error)) return [];
      throw error;
    }
  }

  async #drop(table: string): Promise<void> {
    await this.#command('drop release', 'DROP TABLE IF EXISTS {table:Identifier} SYNC', { table });
  }

  async #manifestOf(version: string): Promise<StoredManifest> {
    if (!isReleaseName(version)) throw notFound(version);
    const manifest = await this.#manifestIn(tableOf(version), version);
    if (manifest.version === version) return manifest;
    throw damaged(version, 'manifest');
  }

  async #manifestIn(table: string, shownAs: string): Promise<StoredManifest> {
    try {
      const [text, sha256, ...others] = await this.#texts('read manifest', READ_MANIFEST, {
        table,
      });
      const isSound =
        text !== undefined && others.length === 0 && sha256?.toString() === sha256Of(text);
      if (isSound) return readManifest(text.toString('utf8'));
    } catch (error) {
      throw meansMissing(error) ? notFound(shownAs) : error;
    }
    throw damaged(shownAs, 'manifest');
  }

  /** A release whose manifest is damaged is left out of the list, and of nothing else. */
  async #manifestIfSound(table: string): Promise<StoredManifest | undefined> {
    try {
      return await this.#manifestIn(table, table);
    } catch (error) {
      if (isFreshetError(error, 'artifact_damaged')) {
        this.#options.logger.error('a release is damaged', { table, error });
        return undefined;
      }
      if (isFreshetError(error, 'not_found')) return undefined;
      throw error;
    }
  }

  async #readPart(version: string, part: number, { sizeBytes }: StoredFile): Promise<Buffer> {
    const pieces: Buffer[] = [];
    const table = tableOf(version);
    for (let from = 0; from * CHUNK_BYTES < sizeBytes; from += CHUNKS_AT_ONCE) {
      const parameters = { table, part, from, to: from + CHUNKS_AT_ONCE };
      try {
        pieces.push(...(await this.#texts('read release', READ_CHUNKS, parameters)));
      } catch (error) {
        throw meansMissing(error) ? notFound(version) : error;
      }
    }
    return Buffer.concat(pieces);
  }

  /** Columns of text only, all cells one after another; nothing is sent before all of it is read. */
  async #texts(name: string, sql: string, parameters: Parameters): Promise<readonly Buffer[]> {
    return this.#run(name, async () => {
      const { stream } = await this.#client.exec({
        query: `${sql}\nFORMAT RowBinary`,
        query_params: parameters,
        clickhouse_settings: { wait_end_of_query: 1, readonly: '2' },
      });
      const pieces: Buffer[] = [];
      for await (const piece of stream) pieces.push(piece as Buffer);
      return readTexts(Buffer.concat(pieces));
    });
  }

  async #insert(table: string, rows: Buffer): Promise<void> {
    await this.#run('write release', async () => {
      const { stream } = await this.#client.exec({
        query: 'INSERT INTO {table:Identifier} (part, chunk, sha256, bytes) FORMAT RowBinary',
        query_params: { table },
        clickhouse_settings: { async_insert: 0 },
        values: Readable.from([rows], { objectMode: false }),
      });
      for await (const _ of stream) {
        // The answer is empty; reading it to its end frees the connection.
      }
    });
  }

  async #command(name: string, sql: string, parameters: Parameters): Promise<void> {
    await this.#run(name, () =>
      this.#client.command({
        query: sql,
        query_params: parameters,
        clickhouse_settings: { wait_end_of_query: 1 },
      }),
    );
  }

  async #run<Result>(name: string, send: () => Promise<Result>): Promise<Result> {
    try {
      return await send();
    } catch (cause) {
      throw failureOf(name, cause);
    }
  }
}

/** A version may be longer than a file name, and tables are files. */
const tableOf = (version: string): string =>
  `${RELEASE}${createHash('sha256').update(version).digest('hex').slice(0, 32)}`;

const exists = (version: string, cause?: unknown): FreshetError =>
  new FreshetError('artifact_exists', { version }, { cause });

const damaged = (version: string, file: string): FreshetError =>
  new FreshetError('artifact_damaged', { version, file });

const notFound = (version: string): FreshetError =>
  new FreshetError('not_found', { what: `release ${version}` });
