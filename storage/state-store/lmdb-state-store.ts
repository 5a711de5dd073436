/**
 * The embedded StateStore: one LMDB environment a state partition under
 * `<directory>/<state partition>/`, opened when first asked for. Each is written by the one thread that
 * owns it, in synchronous transactions; other threads read it, each call in one read transaction, so
 * that they see every apply whole and never hold up the writer (S7).
 *
 * An apply is not flushed. `state-files.ts` says why, and what is trusted after a start; the owner takes
 * a flushed snapshot now and then, while it works on. A reading store treats state that its owner has
 * not yet vouched for as absent.
 *
 * The owning thread must be asked to close, never terminated from outside (also not by process.exit in
 * another thread): a transaction that is cut off keeps its lock, and lmdb-js then waits for it for ever.
 * Killing the whole process is safe.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Logger } from '../../schemas/environment.ts';
import { FreshetError, isFreshetError } from '../../schemas/errors.ts';
import {
  type DurationMs,
  type EpochMs,
  NO_OFFSET,
  type Offset,
  type StatePartition,
} from '../../schemas/ids.ts';
import { diskFailure, isStructureDamaged, roomFailure } from '../lmdb/disk-failure.ts';
import { hasLmdbHeader } from '../lmdb/lmdb-header.ts';
import { readBootId } from './boot-id.ts';
import { eraseKeys } from './lmdb-erasure.ts';
import { LmdbPartition } from './lmdb-partition.ts';
import {
  checkApply,
  DEFAULT_STATE_STORE_LIMITS,
  publicPosition,
  type StateStoreSeams,
} from './state-changes.ts';
import { StateFiles } from './state-files.ts';
import type {
  ApplyRequest,
  ApplyResult,
  ChangesSince,
  ScanOptions,
  StatePosition,
  StateStore,
  StateStoreLimits,
} from './state-store.ts';

export interface LmdbStateStoreOptions {
  readonly directory: string;
  /** Partitions that this store may touch; all when left out. */
  readonly partitions?: readonly StatePartition[];
  /** Reads only: for the threads that do not own the state. */
  readonly readOnly?: boolean;
  /** Needed by the owner, to know when a snapshot is due: without it none is taken. */
  readonly clock?: Pick<Clock, 'now'>;
  readonly logger?: Pick<Logger, 'warn' | 'info'>;
  readonly limits?: StateStoreLimits;
  /** How many changed keys a partition remembers for `changesSince`. */
  readonly changedKeysKept?: number;
  /** How much of the log is at most read again after a power cut. */
  readonly snapshotEveryMs?: DurationMs;
  /** Names the run of the machine; asked of the machine when left out. */
  readonly bootId?: string;
  readonly seams?: StateStoreSeams;
}

/**
 * A transaction here blocks nobody but its own thread, so one apply may hold far more than over a
 * network: a replay then writes a person or an item once for tens of thousands of events. Time ends an
 * apply long before these do, so fewer partitions, of which each has more, cost no more than many.
 */
export const LMDB_STATE_STORE_LIMITS: StateStoreLimits = {
  ...DEFAULT_STATE_STORE_LIMITS,
  keysPerApply: 65_536,
  bytesPerApply: 134_217_728,
  keysPerApplyMax: 131_072,
  bytesPerApplyMax: 201_326_592,
};

export const DEFAULT_LMDB_STATE_STORE_OPTIONS = {
  readOnly: false,
  limits: LMDB_STATE_STORE_LIMITS,
  changedKeysKept: 100_000,
  snapshotEveryMs: 300_000 as DurationMs,
  seams: {} as StateStoreSeams,
} as const satisfies Partial<LmdbStateStoreOptions>;

type ResolvedOptions = LmdbStateStoreOptions & typeof DEFAULT_LMDB_STATE_STORE_OPTIONS;

/** What the embedded store offers beyond the port, to whoever decides how much log is kept. */
export interface EmbeddedStateStore extends StateStore {
  /** The first offset that would be read again after a power cut; 0 where there is no snapshot. */
  recoverableFrom(partition: StatePartition): Promise<Offset>;
  /** Takes a flushed snapshot now; for the owner of the partition. */
  snapshot(partition: StatePartition): Promise<void>;
  /** Leaves nothing on the disk of these removed keys, older snapshots included; for the owner. */
  erase(partition: StatePartition, keys: readonly string[]): Promise<void>;
}

export const openLmdbStateStore = async (
  options: LmdbStateStoreOptions,
): Promise<EmbeddedStateStore> => {
  await mkdir(options.directory, { recursive: true });
  const bootId = options.bootId ?? (await readBootId());
  const resolved = { ...DEFAULT_LMDB_STATE_STORE_OPTIONS, ...options } as ResolvedOptions;
  return new LmdbStateStore(resolved, bootId);
};

const PARTITION_NAME = /^[a-z][a-z0-9-]*\.\d+$/;

interface OpenPartition {
  readonly name: StatePartition;
  readonly files: StateFiles;
  readonly database: LmdbPartition;
  /** The epoch under which this store owns the partition. */
  ownedEpoch: number | undefined;
  snapshotDueAt: number;
  snapshot: Promise<void> | undefined;
  isDamaged: boolean;
}

class DamagedHeader extends Error {
  override readonly message = 'a file that does not begin as LMDB’s do';
}

class LmdbStateStore implements EmbeddedStateStore {
  readonly limits: StateStoreLimits;
  readonly #options: ResolvedOptions;
  readonly #bootId: string | undefined;
  readonly #partitions = new Map<StatePartition, Promise<OpenPartition | undefined>>();
  #closed: Promise<void> | undefined;

  constructor(options: ResolvedOptions, bootId: string | undefined) {
    this.#options = options;
    this.#bootId = bootId;
    this.limits = options.limits;
  }

  async claim(name: StatePartition): Promise<StatePosition> {
    const partition = await this.#openOrCreate(name);
    return this.#use(partition, async ({ database, files }) => {
      const stored = database.position()?.epoch ?? 0;
      const epochMin = Math.max(stored, await files.highestEpoch()) + 1;
      await files.markWritten(epochMin);
      const position = database.claim(epochMin);
      partition.ownedEpoch = position.epoch;
      return publicPosition(position);
    });
  }

  async position(name: StatePartition): Promise<StatePosition | undefined> {
    const position = await this.#read(name, (database) => database.position());
    return position && publicPosition(position);
  }

  async getMany(
    name: StatePartition,
    keys: readonly string[],
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const values = await this.#read(name, (database) => database.getMany(keys));
    return values ?? keys.map(() => undefined);
  }

  async scan(
    name: StatePartition,
    options: ScanOptions,
  ): Promise<readonly { readonly key: string; readonly value: Uint8Array }[]> {
    return (await this.#read(name, (database) => database.scan(options))) ?? [];
  }

  async apply(name: StatePartition, request: ApplyRequest): Promise<ApplyResult> {
    this.#refuseClosed();
    checkApply(request, this.limits);
    const partition = await this.#openOrCreate(name);
    const result = await this.#use(partition, ({ database }) => database.apply(request));
    this.#snapshotIfDue(partition);
    return result;
  }

  async changesSince(name: StatePartition, offset: Offset): Promise<ChangesSince> {
    const changes = await this.#read(name, (database) => database.changesSince(offset));
    if (changes) return changes;
    return offset > NO_OFFSET
      ? { complete: false, reachesBackTo: NO_OFFSET, coveredOffset: NO_OFFSET }
      : { complete: true, keys: [], coveredOffset: NO_OFFSET };
  }

  async clear(name: StatePartition): Promise<void> {
    const partition = await this.#open(name);
    if (!partition) return;
    await this.#use(partition, async ({ database, files }) => {
      await files.markWritten(await files.highestEpoch());
      partition.ownedEpoch = database.clear();
    });
  }

  /** Bytes of the files, snapshots included: LMDB's never shrink. */
  async sizeBytes(): Promise<number> {
    this.#refuseClosed();
    const { directory } = this.#options;
    let bytes = 0;
    for (const name of await readdir(directory, { recursive: true })) {
      const found = await stat(join(directory, name)).catch(() => undefined);
      if (found?.isFile() && name.endsWith('.mdb')) bytes += found.size;
    }
    return bytes;
  }

  recoverableFrom(name: StatePartition): Promise<Offset> {
    return this.#filesOf(name).recoverableFrom();
  }

  async snapshot(name: StatePartition): Promise<void> {
    const partition = await this.#open(name);
    if (partition?.ownedEpoch === undefined) return;
    // One under way may have been begun before what the caller wants to be in it.
    await partition.snapshot;
    await (partition.snapshot ?? this.#startSnapshot(partition));
  }

  async erase(name: StatePartition, keys: readonly string[]): Promise<void> {
    const partition = await this.#open(name);
    if (partition?.ownedEpoch === undefined) return;
    await this.#use(partition, ({ database }) => eraseKeys(database, keys));
    await this.snapshot(name);
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    for (const opening of this.#partitions.values()) {
      const partition = await opening.catch(() => undefined);
      if (!partition) continue;
      await partition.snapshot;
      const { database, files, ownedEpoch, isDamaged } = partition;
      const isOwner = ownedEpoch !== undefined && !isDamaged && database.epoch() === ownedEpoch;
      await database.close();
      if (isOwner) await files.markClosed(ownedEpoch);
    }
  }

  async #read<Result>(
    name: StatePartition,
    read: (database: LmdbPartition) => Result,
  ): Promise<Result | undefined> {
    const partition = await this.#open(name);
    return partition && this.#use(partition, ({ database }) => read(database));
  }

  /** Remembers damage, so that the next start goes back to the snapshot. */
  async #use<Result>(
    partition: OpenPartition,
    work: (partition: OpenPartition) => Result,
  ): Promise<Awaited<Result>> {
    try {
      return await work(partition);
    } catch (error) {
      if (isFreshetError(error, 'state_corrupt') && !this.#options.readOnly) {
        partition.isDamaged = true;
        await partition.files.markDamaged();
      }
      throw roomFailure(error);
    }
  }

  /** undefined when there is no such partition, or none yet that may be read. */
  async #open(name: StatePartition): Promise<OpenPartition | undefined> {
    this.#refuseClosed();
    const found = this.#partitions.get(name);
    if (found) return found;
    const files = this.#filesOf(name);
    if (files.isEmpty()) return undefined;
    const opening = this.#openTrusted(name, files);
    this.#partitions.set(name, opening);
    const partition = await opening.catch((error: unknown) => {
      this.#partitions.delete(name);
      throw roomFailure(error);
    });
    if (!partition) this.#partitions.delete(name);
    return partition;
  }

  async #openOrCreate(name: StatePartition): Promise<OpenPartition> {
    this.#refuseClosed();
    if (this.#options.readOnly) {
      throw new Error(`Expected state ${name} to be opened for writing here.`);
    }
    const files = this.#filesOf(name);
    if (!this.#partitions.has(name) && files.isEmpty()) {
      this.#partitions.set(name, this.#openTrusted(name, files));
    }
    const partition = await this.#open(name);
    if (!partition) throw new Error(`Expected state ${name} to be there after it was created.`);
    return partition;
  }

  async #openTrusted(name: StatePartition, files: StateFiles): Promise<OpenPartition | undefined> {
    const { readOnly, clock, snapshotEveryMs } = this.#options;
    if (!(await files.isTrusted())) {
      if (readOnly) return undefined;
      const wasThere = existsSync(files.dataFile);
      const from = await files.restore();
      if (from && wasThere)
        this.#options.logger?.warn('Unflushed or damaged state thrown away', { name, from });
    }
    const database = await this.#openDatabase(name, files);
    const takenAt = (await files.snapshotTakenAt()) ?? clock?.now() ?? 0;
    const snapshotDueAt = takenAt + snapshotEveryMs;
    return {
      name,
      files,
      database,
      snapshotDueAt,
      ownedEpoch: undefined,
      snapshot: undefined,
      isDamaged: false,
    };
  }

  async #openDatabase(name: StatePartition, files: StateFiles): Promise<LmdbPartition> {
    const { readOnly, changedKeysKept, seams } = this.#options;
    try {
      if (!hasLmdbHeader(files.dataFile)) throw new DamagedHeader();
      return new LmdbPartition({
        path: files.path,
        name,
        isReadOnly: readOnly,
        changedKeysKept,
        ignoresStoredPosition: seams.ignoreStoredPosition ?? false,
      });
    } catch (cause) {
      const isDamaged = isStructureDamaged(cause) || cause instanceof DamagedHeader;
      if (!isDamaged) throw diskFailure(cause, files.path);
      if (!readOnly) await files.markDamaged();
      const details = { partition: name, problem: cause.message };
      throw new FreshetError('state_corrupt', details, { cause });
    }
  }

  #snapshotIfDue(partition: OpenPartition): void {
    const now = this.#options.clock?.now();
    if (now === undefined || now < partition.snapshotDueAt || partition.snapshot) return;
    void this.#startSnapshot(partition);
  }

  #startSnapshot(partition: OpenPartition): Promise<void> {
    const { clock, snapshotEveryMs, logger } = this.#options;
    const takenAt = (clock?.now() ?? 0) as EpochMs;
    partition.snapshotDueAt = takenAt + snapshotEveryMs;
    const { name, files, database } = partition;
    // Read before the copy begins: the copy covers this much or more.
    const coveredOffset = database.position()?.coveredOffset ?? NO_OFFSET;
    partition.snapshot = files
      .takeSnapshot(
        (directory) => database.copyTo(directory),
        async () => ({
          takenAt,
          coveredOffset,
        }),
      )
      .then(() => this.#options.seams.snapshotTaken?.(name))
      .catch((error: unknown) => logger?.warn('Snapshot of the state failed', { name, error }))
      .finally(() => {
        partition.snapshot = undefined;
      });
    return partition.snapshot;
  }

  #filesOf(name: StatePartition): StateFiles {
    const { directory, partitions } = this.#options;
    const isAllowed = partitions?.includes(name) ?? PARTITION_NAME.test(name);
    if (!isAllowed) throw new RangeError(`Expected a state partition of this store, got ${name}.`);
    return new StateFiles(join(directory, name), this.#bootId);
  }

  #refuseClosed(): void {
    if (this.#closed) throw new FreshetError('state_closed');
  }
}
