/**
 * One state partition of the embedded store: an LMDB environment with the values, the index of
 * changes and the position, which change in one transaction of the owner's thread. Commits are not
 * flushed; `state-files.ts` says what follows from that.
 *
 *   values:   key (UTF-8)      → crc32c u32 | value
 *   changes:  apply number     → crc32c u32 | JSON [from, to, keys]
 *   meta:     'position'       → crc32c u32 | JSON
 */
import {
  type Database,
  type DatabaseOptions,
  open,
  type RootDatabase,
  type RootDatabaseOptions,
} from 'lmdb';
import { crc32c } from '../../schemas/checksum.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { NO_OFFSET, type Offset, offset, type StatePartition } from '../../schemas/ids.ts';
import { diskFailure, isStructureDamaged } from '../lmdb/disk-failure.ts';
import { compareKeys } from './key-order.ts';
import { FIRST_POSITION, positionAfter, refusalOf, type StoredPosition } from './state-changes.ts';
import type { ApplyRequest, ApplyResult, ChangesSince, ScanOptions } from './state-store.ts';

const CHECKSUM_BYTES = 4;
const SMALLEST_KEY = '\0';
/** As much as a page of its own holds behind its head. */
const FILLER = Buffer.alloc(4_080);
/** As many keys as a page above pages leads to, or more: some megabytes. */
const NEAR = 1_500;
/** 2 MB: some milliseconds of the thread that writes. */
const FILLERS_PER_COMMIT = 512;

/** What is stored under 'position'. */
interface PartitionMeta {
  readonly position: StoredPosition;
  /** Number of the next apply. */
  readonly applies: number;
  /** Number of the oldest apply in the index of changes. */
  readonly firstKept: number;
  readonly changedKeys: number;
  readonly reachesBackTo: Offset;
}

const EMPTY_META: PartitionMeta = {
  position: FIRST_POSITION,
  applies: 0,
  firstKept: 0,
  changedKeys: 0,
  reachesBackTo: NO_OFFSET,
};

type ChangeEntry = readonly [from: Offset, to: Offset, keys: readonly string[]];

export interface LmdbPartitionOptions {
  readonly path: string;
  readonly name: StatePartition;
  readonly isReadOnly: boolean;
  readonly changedKeysKept: number;
  readonly ignoresStoredPosition: boolean;
}

export class LmdbPartition {
  readonly #options: LmdbPartitionOptions;
  readonly #root: RootDatabase<Buffer, string>;
  readonly #values: Database<Buffer, string>;
  readonly #changes: Database<Buffer, number>;
  readonly #meta: Database<Buffer, string>;
  #failure: FreshetError | undefined;

  constructor(options: LmdbPartitionOptions) {
    this.#options = options;
    this.#root = openEnvironment(options.path);
    const open = () => ({
      values: this.#root.openDB<Buffer, string>('values', VALUES_OPTIONS),
      changes: this.#root.openDB<Buffer, number>('changes', { encoding: 'binary' }),
      meta: this.#root.openDB<Buffer, string>('meta', { encoding: 'binary' }),
    });
    const { values, changes, meta } = this.#root.transactionSync(open);
    this.#values = values;
    this.#changes = changes;
    this.#meta = meta;
  }

  /** Raises the epoch, to at least `epochMin`. */
  claim(epochMin: number): StoredPosition {
    return this.#transaction(() => {
      const meta = this.#readMeta() ?? EMPTY_META;
      const position = { ...meta.position, epoch: Math.max(meta.position.epoch + 1, epochMin) };
      this.#writeMeta({ ...meta, position });
      return position;
    });
  }

  epoch(): number | undefined {
    return this.#failure ? undefined : this.position()?.epoch;
  }

  position(): StoredPosition | undefined {
    return this.#inSnapshot(() => this.#readMeta()?.position);
  }

  getMany(keys: readonly string[]): readonly (Uint8Array | undefined)[] {
    return this.#inSnapshot(() =>
      keys.map((key) => {
        const framed = this.#values.get(key);
        return framed && this.#unframe(framed, key);
      }),
    );
  }

  scan({ prefix, after, limit }: ScanOptions): readonly { key: string; value: Uint8Array }[] {
    return this.#inSnapshot(() => {
      const isPastPrefix = after !== undefined && compareKeys(after, prefix) >= 0;
      const start = isPastPrefix ? after : prefix || SMALLEST_KEY;
      const found: { key: string; value: Uint8Array }[] = [];
      const range = this.#values.getRange(
        start === '' ? {} : { start, exclusiveStart: isPastPrefix },
      );
      for (const { key, value } of range) {
        if (found.length >= limit || !key.startsWith(prefix)) break;
        found.push({ key, value: this.#unframe(value, key) });
      }
      return found;
    });
  }

  apply(request: ApplyRequest): ApplyResult {
    const framed = request.changes
      .map(({ key, value }) => ({ key, value: value && frame(value) }))
      // Neighbours share pages: in order, each page is found and copied once.
      .sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0));
    return this.#transaction(() => {
      const meta = this.#readMeta() ?? EMPTY_META;
      const refusal = this.#options.ignoresStoredPosition
        ? undefined
        : refusalOf(meta.position, request);
      if (refusal) return refusal;
      for (const { key, value } of framed) {
        if (value === undefined) this.#values.removeSync(key);
        else this.#values.putSync(key, value);
      }
      this.#writeMeta(this.#recordChanges(meta, request));
      return { outcome: 'applied' };
    });
  }

  changesSince(since: Offset): ChangesSince {
    return this.#inSnapshot(() => {
      const { position, applies, firstKept, reachesBackTo } = this.#readMeta() ?? EMPTY_META;
      const { coveredOffset } = position;
      if (since < reachesBackTo || since > coveredOffset) {
        return { complete: false, reachesBackTo, coveredOffset };
      }
      const keys = new Set<string>();
      for (let number = applies - 1; number >= firstKept; number -= 1) {
        const [from, to, changed] = this.#readChanges(number);
        // An apply that did not move the offset is named to readers who are at that offset, too.
        if (to < since || (to === since && from !== to)) break;
        for (const key of changed) keys.add(key);
      }
      return { complete: true, keys: [...keys], coveredOffset };
    });
  }

  /** Returns the epoch under which the partition was cleared. */
  clear(): number {
    return this.#transaction(() => {
      const meta = this.#readMeta();
      if (!meta) return FIRST_POSITION.epoch;
      const { epoch, coveredOffset } = meta.position;
      this.#values.clearSync();
      this.#changes.clearSync();
      this.#writeMeta({
        ...EMPTY_META,
        position: { ...FIRST_POSITION, epoch: epoch + 1 },
        reachesBackTo: offset(Math.max(coveredOffset, meta.reachesBackTo)),
      });
      return epoch + 1;
    });
  }

  /** Lets the index of changes go: whoever follows has to look at everything once. */
  forgetChanges(): void {
    this.#transaction(() => {
      const meta = this.#readMeta();
      if (!meta) return;
      this.#changes.clearSync();
      const reachesBackTo = meta.position.coveredOffset;
      this.#writeMeta({ ...meta, firstKept: meta.applies, changedKeys: 0, reachesBackTo });
    });
  }

  /** Writes all keys near this one again, on pages of their own; they may be removed for a moment. */
  rewriteAround(key: string, { isMoved }: { readonly isMoved: boolean }): void {
    this.#transaction(() => {
      const before = [
        ...this.#values.getRange({ start: key, end: SMALLEST_KEY, limit: NEAR, reverse: true }),
      ];
      const after = [...this.#values.getRange({ start: key, limit: NEAR })];
      // As copies: what is read lies on pages that the transaction changes.
      const near = [...before, ...after].map(
        ({ key: name, value }) => [name, Buffer.from(value)] as const,
      );
      if (isMoved) for (const [name] of near) this.#values.removeSync(name);
      for (const [name, value] of near) this.#values.putSync(name, value);
    });
  }

  /** Fills pages with nothing until the file has to grow: then none that is free holds anything. */
  async overwriteFreePages(): Promise<void> {
    const fillers = this.#root.openDB<Buffer, number>('fillers', { encoding: 'binary' });
    const before = lastPageOf(this.#root);
    for (let filled = 0; lastPageOf(this.#root) === before; filled += FILLERS_PER_COMMIT) {
      this.#transaction(() => {
        for (let at = 0; at < FILLERS_PER_COMMIT; at += 1) fillers.putSync(filled + at, FILLER);
      });
      await new Promise(setImmediate);
    }
    this.#transaction(() => fillers.clearSync());
  }

  /** Copies the state as it now is, compacted, to `<directory>/data.mdb`, on other threads. */
  copyTo(directory: string): Promise<void> {
    return this.#root.backup(directory, true);
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  /** Adds the changed keys to the index and forgets the oldest applies beyond the cap. */
  #recordChanges(meta: PartitionMeta, request: ApplyRequest): PartitionMeta {
    const keys = [...new Set(request.changes.map(({ key }) => key))];
    const entry: ChangeEntry = [request.expectedOffset, request.coveredOffset, keys];
    this.#changes.putSync(meta.applies, frame(Buffer.from(JSON.stringify(entry))));
    let { firstKept, reachesBackTo } = meta;
    let changedKeys = meta.changedKeys + keys.length;
    const applies = meta.applies + 1;
    while (changedKeys > this.#options.changedKeysKept && firstKept < applies) {
      const [, to, dropped] = this.#readChanges(firstKept);
      this.#changes.removeSync(firstKept);
      changedKeys -= dropped.length;
      reachesBackTo = offset(Math.max(reachesBackTo, to));
      firstKept += 1;
    }
    const position = positionAfter(meta.position, request);
    return { position, applies, firstKept, changedKeys, reachesBackTo };
  }

  #readMeta(): PartitionMeta | undefined {
    const framed = this.#meta.get('position');
    if (!framed) return undefined;
    return JSON.parse(this.#unframe(framed, 'position').toString()) as PartitionMeta;
  }

  #writeMeta(meta: PartitionMeta): void {
    this.#meta.putSync('position', frame(Buffer.from(JSON.stringify(meta))));
  }

  #readChanges(number: number): ChangeEntry {
    const framed = this.#changes.get(number);
    if (!framed) throw this.#corrupt(`no entry ${number} in the index of changes`);
    return JSON.parse(this.#unframe(framed, `changes ${number}`).toString()) as ChangeEntry;
  }

  #unframe(framed: Buffer, what: string): Buffer {
    const fits =
      framed.length >= CHECKSUM_BYTES && framed.readUInt32LE(0) === crc32c(framed, CHECKSUM_BYTES);
    if (!fits) throw this.#corrupt(`a wrong checksum at ${what}`);
    return framed.subarray(CHECKSUM_BYTES);
  }

  #corrupt(problem: string): FreshetError {
    return new FreshetError('state_corrupt', { partition: this.#options.name, problem });
  }

  #transaction<Result>(write: () => Result): Result {
    if (this.#options.isReadOnly) {
      throw new Error(`Expected state ${this.#options.name} to be opened for writing here.`);
    }
    if (this.#failure) throw this.#failure;
    try {
      return this.#root.transactionSync(write);
    } catch (cause) {
      const failure = this.#failureOf(cause);
      if (failure.code === 'storage_failed') this.#failure = failure;
      throw failure;
    }
  }

  /** Runs with a view of the newest apply, and lets go of it: a held one keeps old pages alive. */
  #inSnapshot<Result>(read: () => Result): Result {
    this.#root.resetReadTxn();
    try {
      return read();
    } catch (cause) {
      throw this.#failureOf(cause);
    } finally {
      this.#root.resetReadTxn();
    }
  }

  #failureOf(cause: unknown): FreshetError {
    return isStructureDamaged(cause)
      ? this.#corrupt(cause.message)
      : diskFailure(cause, this.#options.path);
  }
}

const lastPageOf = (root: RootDatabase<Buffer, string>): number =>
  (root.getStats() as { readonly lastPageNumber: number }).lastPageNumber;

const frame = (value: Uint8Array): Buffer => {
  const framed = Buffer.allocUnsafe(CHECKSUM_BYTES + value.length);
  framed.set(value, CHECKSUM_BYTES);
  framed.writeUInt32LE(crc32c(framed, CHECKSUM_BYTES), 0);
  return framed;
};

/** Keys as plain UTF-8, so that LMDB's order is the byte order (S4). */
const utf8Keys = {
  writeKey: (key: string, target: Buffer, start: number): number =>
    start + target.write(key, start),
  readKey: (target: Buffer, start: number, end: number): string =>
    target.toString('utf8', start, end),
};

/** lmdb's types know `keyEncoder` for root databases only; it works for each. */
const VALUES_OPTIONS: DatabaseOptions & { keyEncoder: typeof utf8Keys } = {
  encoding: 'binary',
  keyEncoder: utf8Keys,
};

const openEnvironment = (path: string): RootDatabase<Buffer, string> => {
  const options: RootDatabaseOptions = {
    noSubdir: false,
    maxDbs: 4,
    maxReaders: 512,
    encoding: 'binary',
    noSync: true,
  };
  return open<Buffer, string>(path, options);
};
