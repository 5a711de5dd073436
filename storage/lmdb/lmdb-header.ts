/**
 * Whether a file begins as LMDB's data files do. lmdb-js crashes the process on one that does not, so it
 * is looked at first. An absent or empty file is a new one.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

const FLAGS_AT = 18;
const META_PAGE = 0x08;
const MAGIC_AT = 24;
const MAGIC = 0xbeefc0de;
const VERSION_AT = 28;
const VERSION = 2;
const PAGE_SIZE_AT = 48;
const HEADER_BYTES = 52;

export const hasLmdbHeader = (path: string): boolean => {
  if (!existsSync(path)) return true;
  const file = openSync(path, 'r');
  try {
    if (fstatSync(file).size === 0) return true;
    const pageBytes = pageBytesAt(file, 0);
    return pageBytes !== undefined && pageBytesAt(file, pageBytes) === pageBytes;
  } finally {
    closeSync(file);
  }
};

/** The page size that the header at this place names; undefined if it is none. */
const pageBytesAt = (file: number, position: number): number | undefined => {
  const header = Buffer.alloc(HEADER_BYTES);
  if (readSync(file, header, 0, HEADER_BYTES, position) !== HEADER_BYTES) return undefined;
  const isMeta =
    header.readUInt16LE(FLAGS_AT) === META_PAGE &&
    header.readUInt32LE(MAGIC_AT) === MAGIC &&
    (header.readUInt32LE(VERSION_AT) & 0xffff) === VERSION;
  const pageBytes = header.readUInt32LE(PAGE_SIZE_AT);
  return isMeta && pageBytes >= 256 ? pageBytes : undefined;
};
