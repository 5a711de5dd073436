/**
 * The StateStore in memory: the model that the other adapters are compared with, and the state of the
 * deterministic simulation. What survives a crash lives in a MemoryStateDisk.
 *
 * Every completion is handed to `schedule`; an apply takes place as a whole when its completion runs.
 * Applies are flushed only by `flush` and `close`: a power cut takes each partition back to its last
 * flush, position included.
 */
import { FreshetError } from '../../schemas/errors.ts';
import { NO_OFFSET, type Offset, offset, type StatePartition } from '../../schemas/ids.ts';
import { compareKeys } from './key-order.ts';
import {
  checkApply,
  DEFAULT_STATE_STORE_LIMITS,
  FIRST_POSITION,
  positionAfter,
  publicPosition,
  refusalOf,
  type StateStoreSeams,
  type StoredPosition,
} from './state-changes.ts';
import type {
  ApplyRequest,
  ApplyResult,
  ChangesSince,
  ScanOptions,
  StatePosition,
  StateStore,
  StateStoreLimits,
} from './state-store.ts';

/** Runs `complete` once, now or later; `what` says what is completed, for traces. */
export type Schedule = (complete: () => void, what: string) => void;

export interface MemoryStateStoreOptions {
  /** What an earlier store left behind; a new, empty one when left out. */
  readonly disk?: MemoryStateDisk;
  readonly schedule?: Schedule;
  readonly limits?: StateStoreLimits;
  /** How many changed keys a partition remembers for `changesSince`. */
  readonly changedKeysKept?: number;
  readonly seams?: StateStoreSeams;
}

export const DEFAULT_MEMORY_STATE_STORE_OPTIONS = {
  schedule: (complete: () => void) => queueMicrotask(complete),
  limits: DEFAULT_STATE_STORE_LIMITS,
  changedKeysKept: 100_000,
  seams: {} as StateStoreSeams,
} as const satisfies MemoryStateStoreOptions;

interface ChangeEntry {
  readonly from: Offset;
  readonly to: Offset;
  readonly keys: readonly string[];
}

interface MemoryPartition {
  readonly position: StoredPosition;
  readonly values: ReadonlyMap<string, Uint8Array>;
  readonly changes: readonly ChangeEntry[];
  /** Changes at or below this offset are no longer named. */
  readonly reachesBackTo: Offset;
}

/** What survives a crash; `flushed` is what survives a power cut. */
export class MemoryStateDisk {
  readonly current = new Map<StatePartition, MemoryPartition>();
  readonly flushed = new Map<StatePartition, MemoryPartition>();
}

type ResolvedOptions = MemoryStateStoreOptions & typeof DEFAULT_MEMORY_STATE_STORE_OPTIONS;

export const openMemoryStateStore = (options: MemoryStateStoreOptions = {}): MemoryStateStore =>
  new MemoryStateStore(options);

export class MemoryStateStore implements StateStore {
  readonly limits: StateStoreLimits;
  readonly #options: ResolvedOptions;
  readonly disk: MemoryStateDisk;
  #state: 'open' | 'closed' | 'crashed' = 'open';

  constructor(options: MemoryStateStoreOptions = {}) {
    this.#options = { ...DEFAULT_MEMORY_STATE_STORE_OPTIONS, ...options } as ResolvedOptions;
    this.limits = this.#options.limits;
    this.disk = options.disk ?? new MemoryStateDisk();
  }

  /** The process dies: what was asked for never completes; unflushed applies survive or are lost. */
  crash({ keepUnflushed }: { keepUnflushed: boolean }): MemoryStateDisk {
    this.#state = 'crashed';
    if (keepUnflushed) return this.disk;
    this.disk.current.clear();
    for (const [partition, state] of this.disk.flushed) this.disk.current.set(partition, state);
    return this.disk;
  }

  /** Makes all applies so far survive a power cut. */
  flush(): void {
    for (const [partition, state] of this.disk.current) this.disk.flushed.set(partition, state);
  }

  claim(partition: StatePartition): Promise<StatePosition> {
    return this.#complete(`claim ${partition}`, () => {
      const found = this.disk.current.get(partition) ?? EMPTY;
      const position = { ...found.position, epoch: found.position.epoch + 1 };
      this.disk.current.set(partition, { ...found, position });
      return publicPosition(position);
    });
  }

  position(partition: StatePartition): Promise<StatePosition | undefined> {
    return this.#complete(`position ${partition}`, () => {
      const found = this.disk.current.get(partition);
      return found && publicPosition(found.position);
    });
  }

  getMany(
    partition: StatePartition,
    keys: readonly string[],
  ): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#complete(`getMany ${partition}`, () => {
      const values = this.disk.current.get(partition)?.values;
      return keys.map((key) => copyOf(values?.get(key)));
    });
  }

  scan(
    partition: StatePartition,
    { prefix, after, limit }: ScanOptions,
  ): Promise<readonly { readonly key: string; readonly value: Uint8Array }[]> {
    return this.#complete(`scan ${partition}`, () => {
      const values = this.disk.current.get(partition)?.values ?? new Map<string, Uint8Array>();
      return [...values]
        .filter(([key]) => key.startsWith(prefix))
        .filter(([key]) => after === undefined || compareKeys(key, after) > 0)
        .sort(([left], [right]) => compareKeys(left, right))
        .slice(0, limit)
        .map(([key, value]) => ({ key, value: Uint8Array.from(value) }));
    });
  }

  async apply(partition: StatePartition, request: ApplyRequest): Promise<ApplyResult> {
    checkApply(request, this.limits);
    const changes = request.changes.map(({ key, value }) => ({ key, value: copyOf(value) }));
    return this.#complete(`apply ${partition}`, () =>
      this.#applyNow(partition, { ...request, changes }),
    );
  }

  changesSince(partition: StatePartition, since: Offset): Promise<ChangesSince> {
    return this.#complete(`changesSince ${partition}`, () => {
      const { position, changes, reachesBackTo } = this.disk.current.get(partition) ?? EMPTY;
      const { coveredOffset } = position;
      if (since < reachesBackTo || since > coveredOffset) {
        return { complete: false, reachesBackTo, coveredOffset };
      }
      const keys = new Set<string>();
      for (const entry of changes) {
        if (isChangeAfter(entry, since)) for (const key of entry.keys) keys.add(key);
      }
      return { complete: true, keys: [...keys], coveredOffset };
    });
  }

  clear(partition: StatePartition): Promise<void> {
    return this.#complete(`clear ${partition}`, () => {
      const found = this.disk.current.get(partition);
      if (!found) return;
      const { epoch, coveredOffset } = found.position;
      const reachesBackTo = offset(Math.max(coveredOffset, found.reachesBackTo));
      const position = { ...FIRST_POSITION, epoch: epoch + 1 };
      this.disk.current.set(partition, { ...EMPTY, position, reachesBackTo });
    });
  }

  sizeBytes(): Promise<number> {
    return this.#complete('size', () => {
      let bytes = 0;
      for (const { values } of this.disk.current.values()) {
        for (const [key, value] of values) bytes += Buffer.byteLength(key) + value.length;
      }
      return bytes;
    });
  }

  async close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.flush();
    this.#state = 'closed';
  }

  #applyNow(partition: StatePartition, request: ApplyRequest): ApplyResult {
    const found = this.disk.current.get(partition) ?? EMPTY;
    const refusal = this.#options.seams.ignoreStoredPosition
      ? undefined
      : refusalOf(found.position, request);
    if (refusal) return refusal;
    const values = new Map(found.values);
    for (const { key, value } of request.changes) {
      if (value === undefined) values.delete(key);
      else values.set(key, value);
    }
    const entry = {
      from: request.expectedOffset,
      to: request.coveredOffset,
      keys: [...new Set(request.changes.map(({ key }) => key))],
    };
    this.disk.current.set(partition, {
      position: positionAfter(found.position, request),
      values,
      ...this.#bounded([...found.changes, entry], found.reachesBackTo),
    });
    return { outcome: 'applied' };
  }

  /** Forgets the oldest changes beyond the cap. */
  #bounded(
    changes: readonly ChangeEntry[],
    reachesBackTo: Offset,
  ): Pick<MemoryPartition, 'changes' | 'reachesBackTo'> {
    let kept = changes.reduce((sum, entry) => sum + entry.keys.length, 0);
    let first = 0;
    let floor = reachesBackTo;
    while (kept > this.#options.changedKeysKept && first < changes.length) {
      const dropped = changes[first]!;
      kept -= dropped.keys.length;
      floor = offset(Math.max(floor, dropped.to));
      first += 1;
    }
    return { changes: changes.slice(first), reachesBackTo: floor };
  }

  #complete<Result>(what: string, finish: () => Result): Promise<Result> {
    if (this.#state === 'crashed') return new Promise(() => undefined);
    if (this.#state === 'closed') return Promise.reject(new FreshetError('state_closed'));
    return new Promise((resolve, reject) => {
      this.#options.schedule(() => {
        if (this.#state === 'crashed') return;
        try {
          resolve(finish());
        } catch (error) {
          reject(error);
        }
      }, what);
    });
  }
}

const EMPTY: MemoryPartition = {
  position: FIRST_POSITION,
  values: new Map(),
  changes: [],
  reachesBackTo: NO_OFFSET,
};

/** An apply that did not move the offset is named to readers who are at that offset, too. */
const isChangeAfter = ({ from, to }: ChangeEntry, since: Offset): boolean =>
  to > since || (from === to && to === since);

const copyOf = (value: Uint8Array | undefined): Uint8Array | undefined =>
  value && Uint8Array.from(value);
