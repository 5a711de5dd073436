/**
 * The tree of keys in one small file: a header with the salt of addresses, then slots of 32 bytes, one
 * for each seed that is kept.
 *
 *   FRESHETK | version u32 | 4 zeros | salt 32 | crc32c u32 | 12 zeros
 *   depth u8 | in use u8 | 2 zeros | high i32 | low i32 | seed 16 | crc32c u32      (little endian)
 *
 * A key is destroyed in two steps, each flushed: the seeds beside its path are appended, then the slot
 * of the seed above them is overwritten with zeros where it stands. Killed in between, both are there and
 * the key still is: whoever wanted it destroyed comes again. What lies behind the last whole slot was
 * being appended and counts for nothing.
 *
 * Overwriting in place is what the file system makes of it: one that copies on write, a disk's own spare
 * blocks and every copy of the file (a backup, above all) may still hold what stood there.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32c } from '../../../schemas/checksum.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { KeyTree, type Puncture, SEED_WORDS, type TreeNode } from './key-tree.ts';

export interface StoredKeys {
  /** In hexadecimal. */
  readonly salt: string;
  readonly nodes: readonly TreeNode[];
  readonly tree: KeyTree;
}

export type RandomBytes = (count: number) => Buffer;

export type KeyCrashPoint = (typeof KEY_CRASH_POINTS)[number];
export const KEY_CRASH_POINTS = [
  'keys.before-append',
  'keys.between-append-and-erase',
  'keys.erased',
] as const;

const MAGIC = 'FRESHETK';
const VERSION = 1;
const HEADER_BYTES = 64;
const SALT_AT = 16;
const SALT_BYTES = 32;
const HEADER_CRC_AT = 48;
const SLOT_BYTES = 32;
const SEED_AT = 12;
const SLOT_CRC_AT = 28;

/** A file with a key for everybody; there must be none yet. */
export const createKeyFile = (path: string, randomBytes: RandomBytes): void => {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 0, 'latin1');
  header.writeUInt32LE(VERSION, MAGIC.length);
  randomBytes(SALT_BYTES).copy(header, SALT_AT);
  header.writeUInt32LE(crc32c(header, 0, HEADER_CRC_AT), HEADER_CRC_AT);
  const seed = wordsIn(randomBytes(SEED_WORDS * 4), 0);
  const root = slotOf({ depth: 0, prefix: { high: 0, low: 0 }, seed });
  writeFlushed(`${path}.new`, 'wx', { bytes: Buffer.concat([header, root]), at: 0 });
  renameSync(`${path}.new`, path);
  const directory = openSync(dirname(path), 'r');
  fsyncSync(directory);
  closeSync(directory);
};

export const readKeyFile = (path: string): StoredKeys => {
  const bytes = readFileSync(path);
  const damaged = (got: string, cause?: unknown): FreshetError =>
    new FreshetError('bad_file', { expected: 'the keys of people', path, got }, { cause });
  const isHeaderWhole =
    bytes.length >= HEADER_BYTES &&
    bytes.toString('latin1', 0, MAGIC.length) === MAGIC &&
    bytes.readUInt32LE(HEADER_CRC_AT) === crc32c(bytes, 0, HEADER_CRC_AT);
  if (!isHeaderWhole) throw damaged('a header that is none');
  const version = bytes.readUInt32LE(MAGIC.length);
  if (version > VERSION) throw damaged(`version ${version}, known up to ${VERSION}`);
  const salt = bytes.toString('hex', SALT_AT, SALT_AT + SALT_BYTES);
  const nodes = slotsIn(bytes).flatMap(nodeIn);
  try {
    return { salt, nodes, tree: new KeyTree(nodes) };
  } catch (cause) {
    if (cause instanceof RangeError) throw damaged('a part of them', cause);
    throw cause;
  }
};

/** Returns once what was removed cannot be read from the file again. */
export const writePuncture = (
  path: string,
  { removed, kept }: Puncture,
  crashPoint: (name: KeyCrashPoint) => void,
): void => {
  const slots = slotsIn(readFileSync(path));
  const wanted = slotOf(removed);
  const slot = slots.findIndex((bytes) => bytes.equals(wanted));
  if (slot < 0) throw new RangeError('Expected a seed of this file, got another.');
  crashPoint('keys.before-append');
  writeFlushed(path, 'r+', { bytes: Buffer.concat(kept.map(slotOf)), at: placeOf(slots.length) });
  crashPoint('keys.between-append-and-erase');
  writeFlushed(path, 'r+', { bytes: Buffer.alloc(SLOT_BYTES), at: placeOf(slot) });
  crashPoint('keys.erased');
};

/** The whole ones. */
const slotsIn = (file: Buffer): readonly Buffer[] => {
  const count = Math.floor((file.length - HEADER_BYTES) / SLOT_BYTES);
  return Array.from({ length: count }, (_, slot) =>
    file.subarray(placeOf(slot), placeOf(slot + 1)),
  );
};

const placeOf = (slot: number): number => HEADER_BYTES + slot * SLOT_BYTES;

const slotOf = ({ depth, prefix, seed }: TreeNode): Buffer => {
  const slot = Buffer.alloc(SLOT_BYTES);
  slot[0] = depth;
  slot[1] = 1;
  slot.writeInt32LE(prefix.high, 4);
  slot.writeInt32LE(prefix.low, 8);
  for (let word = 0; word < SEED_WORDS; word++) slot.writeInt32LE(seed[word]!, SEED_AT + word * 4);
  slot.writeUInt32LE(crc32c(slot, 0, SLOT_CRC_AT), SLOT_CRC_AT);
  return slot;
};

/** None in a slot that was given up or never finished: what is missing then shows in the tree. */
const nodeIn = (slot: Buffer): readonly TreeNode[] => {
  const isWhole = slot[1] === 1 && slot.readUInt32LE(SLOT_CRC_AT) === crc32c(slot, 0, SLOT_CRC_AT);
  if (!isWhole) return [];
  const prefix = { high: slot.readInt32LE(4), low: slot.readInt32LE(8) };
  return [{ depth: slot[0]!, prefix, seed: wordsIn(slot, SEED_AT) }];
};

const wordsIn = (bytes: Buffer, from: number): Int32Array =>
  Int32Array.from({ length: SEED_WORDS }, (_, word) => bytes.readInt32LE(from + word * 4));

const writeFlushed = (
  path: string,
  mode: string,
  { bytes, at }: { readonly bytes: Buffer; readonly at: number },
): void => {
  const file = openSync(path, mode, 0o600);
  try {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(file, bytes, done, bytes.length - done, at + done);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
};
