/**
 * Hashes of text: MurmurHash3_x86_128 (Austin Appleby, public domain) over the text's UTF-16LE
 * bytes, which need not be made first, since a string gives its 16-bit units one by one. Each shorter
 * hash is the beginning of it. For telling ids apart, not against an enemy: nothing secret may rest
 * on it. State and log hold these hashes, so they are the same for ever.
 *
 * `crc32c`, for noticing damage, is in `checksum.ts`.
 */
const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/** Sixteen bytes. */
const BLOCK_UNITS = 8;

/** Four words of 32 bits, signed. */
export type Hash128 = Int32Array;

export interface Hash64 {
  /** 32 bits, unsigned. */
  readonly high: number;
  readonly low: number;
}

export const newHash128 = (): Hash128 => new Int32Array(4);

/** Writes the 128-bit hash of the text into `out`. */
export const hash128Into = (out: Hash128, text: string, seed = 0): void => {
  let h1 = seed | 0;
  let h2 = h1;
  let h3 = h1;
  let h4 = h1;
  const { length } = text;
  const blocksEnd = length - (length % BLOCK_UNITS);
  for (let at = 0; at < blocksEnd; at += BLOCK_UNITS) {
    h1 ^= mixFirst(text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16));
    h1 = (Math.imul((rotate(h1, 19) + h2) | 0, 5) + 0x561ccd1b) | 0;
    h2 ^= mixSecond(text.charCodeAt(at + 2) | (text.charCodeAt(at + 3) << 16));
    h2 = (Math.imul((rotate(h2, 17) + h3) | 0, 5) + 0x0bcaa747) | 0;
    h3 ^= mixThird(text.charCodeAt(at + 4) | (text.charCodeAt(at + 5) << 16));
    h3 = (Math.imul((rotate(h3, 15) + h4) | 0, 5) + 0x96cd1c35) | 0;
    h4 ^= mixFourth(text.charCodeAt(at + 6) | (text.charCodeAt(at + 7) << 16));
    h4 = (Math.imul((rotate(h4, 13) + h1) | 0, 5) + 0x32ac3b17) | 0;
  }
  const rest = length - blocksEnd;
  if (rest > 0) h1 ^= mixFirst(wordAt(text, blocksEnd));
  if (rest > 2) h2 ^= mixSecond(wordAt(text, blocksEnd + 2));
  if (rest > 4) h3 ^= mixThird(wordAt(text, blocksEnd + 4));
  if (rest > 6) h4 ^= mixFourth(wordAt(text, blocksEnd + 6));
  const byteCount = length * 2;
  h1 ^= byteCount;
  h2 ^= byteCount;
  h3 ^= byteCount;
  h4 ^= byteCount;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = finish(h2 + h1);
  h3 = finish(h3 + h1);
  h4 = finish(h4 + h1);
  h1 = finish(h1);
  h1 = (h1 + h2 + h3 + h4) | 0;
  out[0] = h1;
  out[1] = h2 + h1;
  out[2] = h3 + h1;
  out[3] = h4 + h1;
};

const scratch = newHash128();

/** 32 bits, unsigned. */
export const hash32 = (text: string, seed = 0): number => {
  hash128Into(scratch, text, seed);
  return scratch[0]! >>> 0;
};

export const hash64 = (text: string, seed = 0): Hash64 => {
  hash128Into(scratch, text, seed);
  return { high: scratch[1]! >>> 0, low: scratch[0]! >>> 0 };
};

/** 16 hexadecimal digits. */
export const hash64Hex = (text: string, seed = 0): string => {
  hash128Into(scratch, text, seed);
  return hexOfHash64(scratch[0]!, scratch[1]!);
};

/** The low 32 bits of an item's hash, unsigned: what an evicted seen item is remembered by. */
export const itemHashLow = (item: string): number => hash32(item);

/** An item's 64-bit hash: what a neighbour list names items by. */
export const itemHashHex = (item: string): string => hash64Hex(item);

export const hexOfHash64 = (low: number, high: number): string => hexOfWord(high) + hexOfWord(low);

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

const hexOfWord = (word: number): string =>
  HEX_OF_BYTE[word >>> 24]! +
  HEX_OF_BYTE[(word >>> 16) & 255]! +
  HEX_OF_BYTE[(word >>> 8) & 255]! +
  HEX_OF_BYTE[word & 255]!;

/** Two units from a place on, the second 0 past the end. */
const wordAt = (text: string, at: number): number =>
  text.charCodeAt(at) | (at + 1 < text.length ? text.charCodeAt(at + 1) << 16 : 0);

const mixFirst = (word: number): number => Math.imul(rotate(Math.imul(word, C1), 15), C2);
const mixSecond = (word: number): number => Math.imul(rotate(Math.imul(word, C2), 16), C3);
const mixThird = (word: number): number => Math.imul(rotate(Math.imul(word, C3), 17), C4);
const mixFourth = (word: number): number => Math.imul(rotate(Math.imul(word, C4), 18), C1);

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

const finish = (word: number): number => {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
};
