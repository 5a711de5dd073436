/**
 * The tree of keys as records of a compacted topic, for a log that several processes share:
 *
 *   tree:<id>                 → version u8, salt 32 bytes      which tree it is: the oldest such record counts
 *   <id>/<depth>/<prefix>     → seed 16 bytes (little endian)  a seed that is kept; a tombstone gives it up
 *   <id>/retired/<address>    → when, as a number in text      nothing more is sealed under this key
 *   moment                    → when                           written so that brokers close a file
 *
 * Many processes may find the topic empty at once and plant a tree each. All of them go by the one that
 * lies first, and offsets never change, so they agree; whoever planted in vain takes its tree out again.
 *
 * To destroy a key, the seeds beside its path and the tombstone of the seed above them are appended as one
 * batch: whole or not at all. What was given up stays in the brokers' files until they are compacted.
 */
import { hash } from 'node:crypto';
import { FreshetError } from '../../../schemas/errors.ts';
import type { EpochMs, Offset, PartitionIndex } from '../../../schemas/ids.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import type { AppendRecord, EventLog, LogRecord } from '../event-log.ts';
import { partitionSlices } from '../partition-slices.ts';
import type { RandomBytes } from './key-file.ts';
import { type Puncture, SEED_WORDS, type TreeNode, type TreePlace } from './key-tree.ts';
import { addressOfText, addressText } from './person-address.ts';

export const KEY_TOPIC = TOPICS.peopleKeys.name;
export const KEY_PARTITION = 0 as PartitionIndex;

const VERSION = 1;
const SALT_BYTES = 32;
const SEED_BYTES = SEED_WORDS * 4;
const ID_BYTES = 8;
const TREE = /^tree:([0-9a-f]{16})$/;
const NODE = /^([0-9a-f]{16})\/(\d{1,2})\/([0-9a-f]{16})$/;
const RETIRED = /^([0-9a-f]{16})\/retired\/([0-9a-f]{16})$/;
const MOMENT = 'moment';

/** What a record of the topic says. */
export type KeyRecord =
  | { readonly kind: 'tree'; readonly treeId: string; readonly salt: string }
  | { readonly kind: 'kept'; readonly treeId: string; readonly node: TreeNode }
  | { readonly kind: 'given-up'; readonly treeId: string; readonly place: TreePlace }
  | { readonly kind: 'retired'; readonly treeId: string; readonly address: string }
  | { readonly kind: 'nothing' };

/** Everything that the topic says of the tree that counts. */
export interface KeptKeys {
  readonly treeId: string;
  /** In hexadecimal. */
  readonly salt: string;
  readonly nodes: readonly TreeNode[];
  /** Addresses under which nothing more is sealed, although their keys are still there. */
  readonly retired: readonly string[];
}

export const keyRecordOf = ({ key, value }: Pick<LogRecord, 'key' | 'value'>): KeyRecord => {
  const name = key === null ? '' : Buffer.from(key).toString('latin1');
  const tree = TREE.exec(name);
  if (tree !== null && value !== null) {
    if (value[0] !== VERSION) {
      throw lost(`a tree of version ${value[0] ?? 'none'}, known is ${VERSION}`);
    }
    const salt = Buffer.from(value.subarray(1)).toString('hex');
    return { kind: 'tree', treeId: tree[1]!, salt };
  }
  const node = NODE.exec(name);
  if (node !== null) {
    const [, treeId = '', depth = '', prefix = ''] = node;
    const place = { depth: Number(depth), prefix: addressOfText(prefix) };
    return value === null
      ? { kind: 'given-up', treeId, place }
      : { kind: 'kept', treeId, node: { ...place, seed: seedIn(value) } };
  }
  const retired = RETIRED.exec(name);
  return retired !== null && value !== null
    ? { kind: 'retired', treeId: retired[1]!, address: retired[2]! }
    : { kind: 'nothing' };
};

/** undefined where nobody has planted a tree yet; `next` is where to read on. */
export const readKeys = async (
  log: Pick<EventLog, 'read' | 'watermarks'>,
): Promise<{ readonly keys: KeptKeys | undefined; readonly next: Offset }> => {
  let tree: { readonly treeId: string; readonly salt: string } | undefined;
  const nodes = new Map<string, TreeNode & { readonly treeId: string }>();
  const retired = new Map<string, string>();
  let next = 0 as Offset;
  for await (const slice of partitionSlices(log, KEY_TOPIC, KEY_PARTITION)) {
    for (const record of slice) {
      const said = keyRecordOf(record);
      const name = nameOf(record);
      if (said.kind === 'tree') tree ??= said;
      else if (said.kind === 'kept') nodes.set(name, { ...said.node, treeId: said.treeId });
      else if (said.kind === 'retired') retired.set(name, said.address);
      else if (record.value === null) {
        nodes.delete(name);
        retired.delete(name);
      }
      next = (record.offset + 1) as Offset;
    }
  }
  if (tree === undefined) return { keys: undefined, next };
  const { treeId, salt } = tree;
  return {
    next,
    keys: {
      treeId,
      salt,
      nodes: [...nodes.values()].filter((node) => node.treeId === treeId),
      retired: [...retired].flatMap(([name, address]) => (name.startsWith(treeId) ? address : [])),
    },
  };
};

/** A tree with a key for everybody; `takeOut` is what removes it again. */
export const newTree = (
  randomBytes: RandomBytes,
  at: EpochMs,
): {
  readonly treeId: string;
  readonly plant: readonly AppendRecord[];
  readonly takeOut: readonly AppendRecord[];
} => {
  const treeId = randomBytes(ID_BYTES).toString('hex');
  const salt = Buffer.concat([Buffer.of(VERSION), randomBytes(SALT_BYTES)]);
  const root = nodeName(treeId, { depth: 0, prefix: { high: 0, low: 0 } });
  return {
    treeId,
    plant: [recordOf(`tree:${treeId}`, salt, at), recordOf(root, randomBytes(SEED_BYTES), at)],
    takeOut: [recordOf(`tree:${treeId}`, null, at), recordOf(root, null, at)],
  };
};

/** Keys that lay in a file, for a topic that has none: the same records whenever they are asked for. */
export const recordsOfKeys = (
  { salt, nodes }: Pick<KeptKeys, 'salt' | 'nodes'>,
  at: EpochMs,
): readonly AppendRecord[] => {
  const treeId = hash('sha256', salt).slice(0, 2 * ID_BYTES);
  const value = Buffer.concat([Buffer.of(VERSION), Buffer.from(salt, 'hex')]);
  return [
    recordOf(`tree:${treeId}`, value, at),
    ...nodes.map((node) => recordOf(nodeName(treeId, node), bytesOf(node.seed), at)),
  ];
};

/** One batch that destroys the key of an address. */
export const punctureRecords = (
  treeId: string,
  { removed, kept }: Puncture,
  { address, at }: { readonly address: string; readonly at: EpochMs },
): readonly AppendRecord[] => [
  ...kept.map((node) => recordOf(nodeName(treeId, node), bytesOf(node.seed), at)),
  recordOf(nodeName(treeId, removed), null, at),
  recordOf(`${treeId}/retired/${address}`, null, at),
];

/** Takes back seeds that were kept although what is above them had been given up before. */
export const withdrawnRecords = (
  treeId: string,
  places: readonly TreePlace[],
  at: EpochMs,
): readonly AppendRecord[] => places.map((place) => recordOf(nodeName(treeId, place), null, at));

export const retiredRecord = (treeId: string, address: string, at: EpochMs): AppendRecord =>
  recordOf(`${treeId}/retired/${address}`, Buffer.from(`${at}`), at);

export const momentRecord = (at: EpochMs): AppendRecord =>
  recordOf(MOMENT, Buffer.from(`${at}`), at);

/** Where records lie that say what was replaced or removed since: who reads them can still do harm. */
export const staleOffsets = async (
  log: Pick<EventLog, 'read' | 'watermarks'>,
): Promise<readonly Offset[]> => {
  const kept = new Map<string, Offset[]>();
  const stale: Offset[] = [];
  for await (const slice of partitionSlices(log, KEY_TOPIC, KEY_PARTITION)) {
    for (const record of slice) {
      const name = nameOf(record);
      if (record.value === null) {
        stale.push(...(kept.get(name) ?? []));
        kept.delete(name);
      } else if (NODE.test(name)) {
        kept.set(name, [...(kept.get(name) ?? []), record.offset]);
      }
    }
  }
  return stale;
};

export const lost = (problem: string, cause?: unknown): FreshetError =>
  new FreshetError('keys_lost', { topic: KEY_TOPIC, problem }, { cause });

const nameOf = ({ key }: Pick<LogRecord, 'key'>): string =>
  key === null ? '' : Buffer.from(key).toString('latin1');

const nodeName = (treeId: string, { depth, prefix }: TreePlace): string =>
  `${treeId}/${depth}/${addressText(prefix)}`;

const recordOf = (name: string, value: Uint8Array | null, at: EpochMs): AppendRecord => ({
  key: Buffer.from(name),
  value,
  timestamp: at,
});

const bytesOf = (seed: Int32Array): Buffer => {
  const bytes = Buffer.alloc(SEED_BYTES);
  for (const [index, word] of seed.entries()) bytes.writeInt32LE(word, index * 4);
  return bytes;
};

const seedIn = (value: Uint8Array): Int32Array => {
  if (value.length !== SEED_BYTES) throw lost(`a seed of ${value.length} bytes`);
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  return Int32Array.from({ length: SEED_WORDS }, (_, word) => bytes.readInt32LE(word * 4));
};
