/**
 * The embedded StateStore: one LMDB environment a state partition under
 * `<directory>/<state partition>/`, opened when first asked for. Each is written by the one thread that
 * owns it, in synchronous transactions; other threads read it, each call in one read transaction, so
 * that they see every apply whole and never hold up the writer (S7).
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FreshetError } from '../../schemas/errors.ts';
import { NO_OFFSET, type Offset, type StatePartition } from '../../schemas/ids.ts';
import { LmdbPartition } from './lmdb-partition.ts';
import type { StateStoreSeams } from './memory-state-store.ts';
import { checkApply, DEFAULT_STATE_STORE_LIMITS, publicPosition } from './state-changes.ts';
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
  readonly limits?: StateStoreLimits;
  /** How many changed keys a partition remembers for `changesSince`. */
  readonly changedKeysKept?: number;
  readonly seams?: StateStoreSeams;
}

export const DEFAULT_LMDB_STATE_STORE_OPTIONS = {
  readOnly: false,
  limits: DEFAULT_STATE_STORE_LIMITS,
  changedKeysKept: 100_000,
  seams: {} as StateStoreSeams,
} as const satisfies Partial<LmdbStateStoreOptions>;

type ResolvedOptions = LmdbStateStoreOptions & typeof DEFAULT_LMDB_STATE_STORE_OPTIONS;

export const openLmdbStateStore = async (options: LmdbStateStoreOptions): Promise<StateStore> => {
  await mkdir(options.directory, { recursive: true });
  return new LmdbStateStore({ ...DEFAULT_LMDB_STATE_STORE_OPTIONS, ...options } as ResolvedOptions);
};

const PARTITION_NAME = /^[a-z][a-z0-9-]*\.\d+$/;

class LmdbStateStore implements StateStore {
  readonly limits: StateStoreLimits;
  readonly #options: ResolvedOptions;
  readonly #partitions = new Map<StatePartition, LmdbPartition>();
  #closed: Promise<void> | undefined;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.limits = options.limits;
  }

  async claim(partition: StatePartition): Promise<StatePosition> {
    return publicPosition(this.#openOrCreate(partition).claim());
  }

  async position(partition: StatePartition): Promise<StatePosition | undefined> {
    const position = this.#openExisting(partition)?.position();
    return position && publicPosition(position);
  }

  async getMany(
    partition: StatePartition,
    keys: readonly string[],
  ): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#openExisting(partition)?.getMany(keys) ?? keys.map(() => undefined);
  }

  async scan(
    partition: StatePartition,
    options: ScanOptions,
  ): Promise<readonly { readonly key: string; readonly value: Uint8Array }[]> {
    return this.#openExisting(partition)?.scan(options) ?? [];
  }

  async apply(partition: StatePartition, request: ApplyRequest): Promise<ApplyResult> {
    this.#refuseClosed();
    checkApply(request, this.limits);
    return this.#openOrCreate(partition).apply(request);
  }

  async changesSince(partition: StatePartition, offset: Offset): Promise<ChangesSince> {
    const found = this.#openExisting(partition);
    if (found) return found.changesSince(offset);
    return offset > NO_OFFSET
      ? { complete: false, reachesBackTo: NO_OFFSET, coveredOffset: NO_OFFSET }
      : { complete: true, keys: [], coveredOffset: NO_OFFSET };
  }

  async clear(partition: StatePartition): Promise<void> {
    this.#openExisting(partition)?.clear();
  }

  async sizeBytes(): Promise<number> {
    this.#refuseClosed();
    return 0;
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    for (const partition of this.#partitions.values()) await partition.close();
  }

  #openExisting(partition: StatePartition): LmdbPartition | undefined {
    this.#refuseClosed();
    const found = this.#partitions.get(partition);
    if (found) return found;
    const path = this.#pathOf(partition);
    return existsSync(join(path, 'data.mdb')) ? this.#open(partition, path) : undefined;
  }

  #openOrCreate(partition: StatePartition): LmdbPartition {
    this.#refuseClosed();
    return this.#partitions.get(partition) ?? this.#open(partition, this.#pathOf(partition));
  }

  #open(name: StatePartition, path: string): LmdbPartition {
    const { readOnly, changedKeysKept, seams } = this.#options;
    const partition = new LmdbPartition({
      path,
      name,
      isReadOnly: readOnly,
      changedKeysKept,
      ignoresStoredPosition: seams.ignoreStoredPosition ?? false,
    });
    this.#partitions.set(name, partition);
    return partition;
  }

  #pathOf(partition: StatePartition): string {
    const { directory, partitions } = this.#options;
    const isAllowed = partitions?.includes(partition) ?? PARTITION_NAME.test(partition);
    if (!isAllowed)
      throw new RangeError(`Expected a state partition of this store, got ${partition}.`);
    return join(directory, partition);
  }

  #refuseClosed(): void {
    if (this.#closed) throw new FreshetError('state_closed');
  }
}
