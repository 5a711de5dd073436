/**
 * How a state partition lies in Redis. All of its keys carry the hash tag `{namespace:format:partition}`,
 * so that they share a slot and one script may change them together, on a cluster too:
 *
 *   {n:f:p}:meta       hash         epoch, owner, position, and what `changesSince` reaches back to
 *   {n:f:p}:keys       sorted set   every key with score 0: equal scores are ordered by bytes
 *   {n:f:p}:changes    list         one entry an apply: from, to, count, the changed keys
 *   {n:f:p}:values:0…  16 hashes    key → crc32c u32 | value
 *
 * The format is that of the state as a whole: a program of another one finds none of its own, and makes
 * it from the log while the former program goes on beside it. Marks of `events-in` are not made from the
 * log, they say what was done: programs of every format go by the same ones.
 *
 * Values lie in hashes and not under Redis keys of their own, which would each repeat the tag and cost
 * about 90 bytes more; in sixteen and not in one, because a slot moves to another server key by key,
 * each in one piece of at most 512 MB that holds up everybody while it is moved. Few keys also mean that
 * an apply during such a move soon finds all that it needs on one side.
 */
import { crc32c } from '../../schemas/checksum.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { StatePartition } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { StateChange } from './state-store.ts';

export const BUCKETS = 16;

export interface PartitionKeys {
  readonly meta: string;
  readonly index: string;
  readonly changes: string;
  readonly buckets: readonly string[];
}

const NAMESPACE = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const PARTITION_NAME = /^[a-z][a-z0-9-]*\.\d+$/;

export const checkNamespace = (namespace: string): void => {
  if (NAMESPACE.test(namespace)) return;
  const problem = `Expected a namespace of small letters, digits, "-" and "_", got ${namespace}.`;
  throw new FreshetError('bad_settings', { problem });
};

const MARKS = `${TOPICS.eventsIn.name}.`;
const FORMAT_OF_MARKS = 1;

export interface StatePlace {
  readonly namespace: string;
  readonly stateFormat: number;
}

export const partitionKeys = (
  { namespace, stateFormat }: StatePlace,
  partition: StatePartition,
): PartitionKeys => {
  if (!PARTITION_NAME.test(partition)) {
    throw new RangeError(`Expected the name of a state partition, got ${partition}.`);
  }
  const format = partition.startsWith(MARKS) ? FORMAT_OF_MARKS : stateFormat;
  const tag = `{${namespace}:${format}:${partition}}`;
  return {
    meta: `${tag}:meta`,
    index: `${tag}:keys`,
    changes: `${tag}:changes`,
    buckets: Array.from({ length: BUCKETS }, (_, bucket) => `${tag}:values:${bucket}`),
  };
};

/** Of all keys of a namespace, whatever their format, as SCAN takes it. */
export const keysPattern = (namespace: string): string => `{${namespace}:*}:*`;

const HASHED_BYTES = 24;
const HASH_FACTOR = 109;
const HASH_MODULUS = 65_521;

/** The scan's script computes the same: of the last bytes, since the first are the same for many. */
export const bucketOf = (key: Uint8Array): number => {
  let hash = 0;
  for (let at = Math.max(0, key.length - HASHED_BYTES); at < key.length; at += 1) {
    hash = (hash * HASH_FACTOR + key[at]!) % HASH_MODULUS;
  }
  return hash % BUCKETS;
};

export const BUCKET_OF_LUA = `
local function bucketOf(key)
  local hash = 0
  local bytes = { string.byte(key, -${HASHED_BYTES}, -1) }
  for at = 1, #bytes do
    hash = (hash * ${HASH_FACTOR} + bytes[at]) % ${HASH_MODULUS}
  end
  return hash % ${BUCKETS}
end
`;

/** Things by bucket; the buckets that hold none are left out. */
export class Buckets<Thing> {
  readonly #things: (Thing[] | undefined)[] = new Array(BUCKETS);

  of(bucket: number): Thing[] {
    let things = this.#things[bucket];
    if (things === undefined) {
      things = [];
      this.#things[bucket] = things;
    }
    return things;
  }

  filled(): readonly (readonly [bucket: number, things: readonly Thing[]])[] {
    return this.#things.flatMap((things, bucket) => (things ? [[bucket, things] as const] : []));
  }
}

const CHECKSUM_BYTES = 4;

/** The last change of each key, in buckets, with values framed in a copy of their own. */
export interface EncodedChanges {
  readonly keys: readonly string[];
  readonly buckets: readonly number[];
  /** For each of the buckets: how many, then keys and values by turns. */
  readonly sets: readonly (string | Buffer)[];
  /** For each of the buckets: how many, then keys. */
  readonly deletes: readonly (string | Buffer)[];
}

export const encodeChanges = (changes: readonly StateChange[]): EncodedChanges => {
  const last = new Map<string, Uint8Array | undefined>();
  let bytes = 0;
  for (const { key, value } of changes) {
    last.set(key, value);
    bytes += CHECKSUM_BYTES + (value?.length ?? 0);
  }
  const room = new FrameRoom(bytes);
  const byBucket = new Buckets<readonly [key: Buffer, value: Buffer | undefined]>();
  for (const [text, value] of last) {
    const key = Buffer.from(text);
    byBucket.of(bucketOf(key)).push([key, value && room.frame(value)]);
  }
  const filled = byBucket.filled();
  const sets: (string | Buffer)[] = [];
  const deletes: (string | Buffer)[] = [];
  for (const [, things] of filled) {
    const kept = things.flatMap(([key, value]) => (value ? [key, value] : []));
    const gone = things.flatMap(([key, value]) => (value ? [] : [key]));
    sets.push(`${kept.length / 2}`, ...kept);
    deletes.push(`${gone.length}`, ...gone);
  }
  return { keys: [...last.keys()], buckets: filled.map(([bucket]) => bucket), sets, deletes };
};

/** One piece of memory for the values of an apply: five hundred small ones cost as many allocations. */
class FrameRoom {
  readonly #room: Buffer;
  #used = 0;

  constructor(bytes: number) {
    this.#room = Buffer.allocUnsafe(bytes);
  }

  frame(value: Uint8Array): Buffer {
    const start = this.#used;
    this.#used += CHECKSUM_BYTES + value.length;
    const framed = this.#room.subarray(start, this.#used);
    framed.set(value, CHECKSUM_BYTES);
    framed.writeUInt32LE(crc32c(framed, CHECKSUM_BYTES), 0);
    return framed;
  }
}

/** undefined where the checksum does not fit. */
export const unframe = (framed: Buffer): Buffer | undefined => {
  const fits =
    framed.length >= CHECKSUM_BYTES && framed.readUInt32LE(0) === crc32c(framed, CHECKSUM_BYTES);
  return fits ? framed.subarray(CHECKSUM_BYTES) : undefined;
};
