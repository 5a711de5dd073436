/**
 * The distributed StateStore, on Redis or a Redis Cluster; core commands only. `redis-layout.ts` says
 * how a partition is laid out, `redis-scripts.ts` what runs as a whole.
 *
 * An apply is one script on the keys of one partition. Redis answers before anything is flushed, so a
 * server that is killed may come back without its last second, or empty: values and position go back
 * together, the next apply is refused with the older position, and the owner reads the log again from
 * there. Epochs may go back with them; an older owner that happens to hold the same number again is
 * still stopped by the offset, and what fits the offset is what its successor would have written.
 */
import { randomUUID } from 'node:crypto';
import { FreshetError } from '../../schemas/errors.ts';
import {
  type LogId,
  NO_OFFSET,
  type Offset,
  offset,
  type StatePartition,
} from '../../schemas/ids.ts';
import { STATE_FORMAT } from '../../schemas/state/state-format.ts';
import {
  RedisLink,
  type RedisReply,
  type RedisScript,
  type RedisServers,
  type RedisTiming,
} from '../redis/redis-link.ts';
import { stateFailure } from './redis-failure.ts';
import {
  Buckets,
  bucketOf,
  checkNamespace,
  encodeChanges,
  keysPattern,
  type PartitionKeys,
  partitionKeys,
  type StatePlace,
  unframe,
} from './redis-layout.ts';
import {
  ALREADY_APPLIED,
  APPLIED,
  APPLY,
  CHANGES_SINCE,
  CLAIM,
  CLEAR,
  GET_MANY,
  POSITION_FIELDS,
  SCAN,
} from './redis-scripts.ts';
import { checkApply, DEFAULT_STATE_STORE_LIMITS, type StateStoreSeams } from './state-changes.ts';
import type {
  ApplyRequest,
  ApplyResult,
  ChangesSince,
  ScanOptions,
  StatePosition,
  StateStore,
  StateStoreLimits,
} from './state-store.ts';

export interface RedisStateStoreOptions {
  readonly servers: RedisServers;
  /** Keeps two sites on the same servers apart. */
  readonly namespace: string;
  /** State of another format is as if it were not there. */
  readonly stateFormat?: number;
  readonly timing?: RedisTiming;
  readonly limits?: StateStoreLimits;
  /** How many changed keys a partition remembers for `changesSince`. */
  readonly changedKeysKept?: number;
  readonly seams?: Pick<StateStoreSeams, 'ignoreStoredPosition'>;
}

export const DEFAULT_REDIS_STATE_STORE_OPTIONS = {
  stateFormat: STATE_FORMAT,
  limits: DEFAULT_STATE_STORE_LIMITS,
  changedKeysKept: 100_000,
  seams: {} as StateStoreSeams,
} as const;

/** Rejects when the server is not reached in time, or may throw state away by itself. */
export const openRedisStateStore = async (options: RedisStateStoreOptions): Promise<StateStore> => {
  checkNamespace(options.namespace);
  const link = await RedisLink.open(options.servers, options.timing).catch((cause: unknown) => {
    throw stateFailure(cause, options.namespace);
  });
  const store = new RedisStateStore(link, options);
  try {
    await store.mustKeepWhatItHolds();
    return store;
  } catch (cause) {
    await store.close();
    throw cause;
  }
};

class RedisStateStore implements StateStore {
  readonly limits: StateStoreLimits;
  readonly #link: RedisLink;
  readonly #place: StatePlace;
  readonly #changedKeysKept: number;
  readonly #guard: string;
  readonly #keys = new Map<StatePartition, PartitionKeys>();
  readonly #self = randomUUID();
  #claims = 0;
  #isClosed = false;

  constructor(link: RedisLink, given: RedisStateStoreOptions) {
    const resolved = { ...DEFAULT_REDIS_STATE_STORE_OPTIONS, ...given };
    const { limits, changedKeysKept, seams } = resolved;
    this.#link = link;
    this.#place = resolved;
    this.limits = limits;
    this.#changedKeysKept = changedKeysKept;
    this.#guard = seams.ignoreStoredPosition ? 'unguarded' : 'guarded';
  }

  /** Evicting keys would take values away and leave the position. */
  async mustKeepWhatItHolds(): Promise<void> {
    const answers = await this.#ask(this.#place.namespace, () =>
      this.#link.callEach('INFO', 'memory'),
    );
    for (const answer of answers) {
      const policy = /maxmemory_policy:(\S+)/.exec(textOf(answer))?.[1];
      if (policy?.startsWith('allkeys')) {
        const problem = `Expected Redis to keep what it holds (maxmemory-policy noeviction), got ${policy}.`;
        throw new FreshetError('bad_settings', { problem });
      }
    }
  }

  async claim(partition: StatePartition): Promise<StatePosition> {
    this.#claims += 1;
    const { meta } = this.#keysOf(partition);
    const claim = [this.#self, this.#claims];
    const found = await this.#run(partition, CLAIM, [meta], claim);
    return positionOf(found);
  }

  async position(partition: StatePartition): Promise<StatePosition | undefined> {
    const { meta } = this.#keysOf(partition);
    const found = await this.#call(partition, 'HMGET', meta, ...POSITION_FIELDS);
    return found[0] === null ? undefined : positionOf(found);
  }

  async getMany(
    partition: StatePartition,
    keys: readonly string[],
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const { buckets } = this.#keysOf(partition);
    const wanted = new Buckets<readonly [place: number, key: Buffer]>();
    for (const [place, text] of keys.entries()) {
      const key = Buffer.from(text);
      wanted.of(bucketOf(key)).push([place, key]);
    }
    const asked = wanted.filled();
    const found = await this.#readBuckets(
      partition,
      asked.map(([bucket, things]) => ({
        name: buckets[bucket]!,
        keys: things.map(([, key]) => key),
      })),
    );
    const values: (Uint8Array | undefined)[] = new Array(keys.length).fill(undefined);
    let at = 0;
    for (const [, things] of asked) {
      for (const [place] of things) {
        const framed = found[at++] as Buffer | null | undefined;
        if (framed) values[place] = this.#unframe(partition, framed, keys[place]!);
      }
    }
    return values;
  }

  async scan(
    partition: StatePartition,
    { prefix, after, limit }: ScanOptions,
  ): Promise<readonly { readonly key: string; readonly value: Uint8Array }[]> {
    const { index, buckets } = this.#keysOf(partition);
    const bounds = [lowerBound(prefix, after), upperBound(prefix), limit];
    const found = await this.#run(partition, SCAN, [index, ...buckets], bounds);
    const page: { readonly key: string; readonly value: Uint8Array }[] = [];
    for (let at = 0; at < found.length; at += 2) {
      const key = textOf(found[at]!);
      const framed = found[at + 1] as Buffer | null | undefined;
      if (!framed) throw this.#corrupt(partition, `no value at ${key}`);
      page.push({ key, value: this.#unframe(partition, framed, key) });
    }
    return page;
  }

  async apply(partition: StatePartition, request: ApplyRequest): Promise<ApplyResult> {
    this.#refuseClosed();
    checkApply(request, this.limits);
    const { meta, index, changes, buckets } = this.#keysOf(partition);
    const encoded = encodeChanges(request.changes);
    const { epoch, expectedOffset, coveredOffset, logId, recordHash } = request;
    const touched = encoded.buckets.map((bucket) => buckets[bucket]!);
    const answer = await this.#run(
      partition,
      APPLY,
      [meta, index, changes, ...touched],
      [
        epoch,
        expectedOffset,
        coveredOffset,
        logId,
        recordHash,
        this.#changedKeysKept,
        encoded.keys.length,
        changeEntry(request, encoded.keys),
        this.#guard,
        ...encoded.sets,
        ...encoded.deletes,
      ],
    );
    const [outcome, ...stored] = answer;
    if (outcome === APPLIED) return { outcome: 'applied' };
    if (outcome === ALREADY_APPLIED) return { outcome: 'already-applied' };
    return { outcome: 'mismatch', stored: positionOf(stored) };
  }

  async changesSince(partition: StatePartition, since: Offset): Promise<ChangesSince> {
    const { meta, changes } = this.#keysOf(partition);
    const answer = await this.#run(partition, CHANGES_SINCE, [meta, changes], [since]);
    const [reaches, floor, covered, ...entries] = answer;
    const coveredOffset = offsetOf(covered);
    if (reaches === 0) return { complete: false, reachesBackTo: offsetOf(floor), coveredOffset };
    const keys = new Set<string>();
    for (const entry of entries) for (const key of keysOfEntry(textOf(entry))) keys.add(key);
    return { complete: true, keys: [...keys], coveredOffset };
  }

  async clear(partition: StatePartition): Promise<void> {
    const { meta, index, changes, buckets } = this.#keysOf(partition);
    for (;;) {
      const [epoch] = await this.#call(partition, 'HMGET', meta, 'epoch');
      if (!epoch) return;
      const done = await this.#ask(partition, () =>
        this.#link.run(CLEAR, [meta, index, changes, ...buckets], [epoch as Buffer]),
      );
      // Otherwise somebody claimed it in between.
      if (done === 1) return;
    }
  }

  /** What Redis says the keys take, from samples of their values. */
  async sizeBytes(): Promise<number> {
    const names = await this.#allKeys();
    const sizes = await Promise.all(
      names.map((name) =>
        this.#ask(this.#place.namespace, () => this.#link.call('MEMORY', 'USAGE', name)),
      ),
    );
    return sizes.reduce<number>((sum, size) => sum + Number(size ?? 0), 0);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#link.close();
  }

  /** One bucket is asked by a command, several by a script: whole either way (S7). */
  async #readBuckets(
    partition: StatePartition,
    asked: readonly { readonly name: string; readonly keys: readonly Buffer[] }[],
  ): Promise<readonly RedisReply[]> {
    const [first, second] = asked;
    if (first === undefined) {
      this.#refuseClosed();
      return [];
    }
    if (second === undefined) return this.#call(partition, 'HMGET', first.name, ...first.keys);
    const names = asked.map(({ name }) => name);
    const args = asked.flatMap(({ keys }) => [keys.length, ...keys]);
    return this.#run(partition, GET_MANY, names, args);
  }

  async #allKeys(): Promise<readonly string[]> {
    const names = new Set<string>();
    const pages = await this.#ask(this.#place.namespace, () =>
      this.#link.scanEach(keysPattern(this.#place.namespace)),
    );
    for (const name of pages) names.add(textOf(name));
    return [...names];
  }

  async #call(
    partition: StatePartition,
    command: string,
    ...args: readonly (string | Buffer)[]
  ): Promise<readonly RedisReply[]> {
    return listOf(await this.#ask(partition, () => this.#link.call(command, ...args)));
  }

  async #run(
    partition: StatePartition,
    script: RedisScript,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<readonly RedisReply[]> {
    return listOf(await this.#ask(partition, () => this.#link.run(script, keys, args)));
  }

  async #ask<Answer>(what: string, ask: () => Promise<Answer>): Promise<Answer> {
    this.#refuseClosed();
    try {
      return await ask();
    } catch (cause) {
      this.#refuseClosed();
      throw stateFailure(cause, what);
    }
  }

  #keysOf(partition: StatePartition): PartitionKeys {
    let keys = this.#keys.get(partition);
    if (keys === undefined) {
      keys = partitionKeys(this.#place, partition);
      this.#keys.set(partition, keys);
    }
    return keys;
  }

  #unframe(partition: StatePartition, framed: Buffer, key: string): Buffer {
    const value = unframe(framed);
    if (value === undefined) throw this.#corrupt(partition, `a wrong checksum at ${key}`);
    return value;
  }

  #corrupt(partition: StatePartition, problem: string): FreshetError {
    return new FreshetError('state_corrupt', { partition, problem });
  }

  #refuseClosed(): void {
    if (this.#isClosed) throw new FreshetError('state_closed');
  }
}

const textOf = (reply: RedisReply): string => (reply as Buffer).toString('utf8');

const listOf = (reply: RedisReply): readonly RedisReply[] => reply as readonly RedisReply[];

const offsetOf = (reply: RedisReply | undefined): Offset =>
  reply ? offset(Number(textOf(reply))) : NO_OFFSET;

/** From the fields that POSITION_FIELDS names. */
const positionOf = ([epoch, covered, log, hash]: readonly RedisReply[]): StatePosition => ({
  epoch: Number(textOf(epoch!)),
  coveredOffset: offsetOf(covered),
  logId: log && textOf(log) !== '' ? (textOf(log) as LogId) : null,
  recordHash: hash ? Number(textOf(hash)) : 0,
});

const changeEntry = (
  { expectedOffset, coveredOffset }: ApplyRequest,
  keys: readonly string[],
): string => `${expectedOffset} ${coveredOffset} ${keys.length} ${JSON.stringify(keys)}`;

const keysOfEntry = (entry: string): readonly string[] =>
  JSON.parse(entry.slice(entry.indexOf('['))) as readonly string[];

const lowerBound = (prefix: string, after: string | undefined): Buffer | string => {
  if (after !== undefined && Buffer.compare(Buffer.from(after), Buffer.from(prefix)) >= 0) {
    return `(${after}`;
  }
  return prefix === '' ? '-' : `[${prefix}`;
};

/** No byte of UTF-8 is 255. */
const upperBound = (prefix: string): Buffer | string =>
  prefix === '' ? '+' : Buffer.concat([Buffer.from(`[${prefix}`), Buffer.of(0xff)]);
