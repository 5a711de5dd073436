/**
 * Hashes of text: MurmurHash3 (x86, 128 bits; Austin Appleby, public domain) over the UTF-16 code
 * units of a string, two to a word, so that no bytes have to be made first. For telling ids apart,
 * not against an enemy: nothing secret may rest on it.
 */
const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/** Four words of 32 bits, signed. */
export type Hash128 = Int32Array;

export const newHash128 = (): Hash128 => new Int32Array(4);

/** Writes the 128-bit hash of the text into `out`. */
export const hash128Into = (out: Hash128, text: string, seed = 0): void => {
  let h1 = seed;
  let h2 = seed;
  let h3 = seed;
  let h4 = seed;
  const { length } = text;
  let k1 = 0;
  let k2 = 0;
  let k3 = 0;
  let k4 = 0;
  for (let at = 0; at < length; at += 8) {
    if (at + 8 <= length) {
      k1 = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
      k2 = text.charCodeAt(at + 2) | (text.charCodeAt(at + 3) << 16);
      k3 = text.charCodeAt(at + 4) | (text.charCodeAt(at + 5) << 16);
      k4 = text.charCodeAt(at + 6) | (text.charCodeAt(at + 7) << 16);
    } else {
      k1 = unitAt(text, at) | (unitAt(text, at + 1) << 16);
      k2 = unitAt(text, at + 2) | (unitAt(text, at + 3) << 16);
      k3 = unitAt(text, at + 4) | (unitAt(text, at + 5) << 16);
      k4 = unitAt(text, at + 6);
    }
    h1 ^= Math.imul(rotate(Math.imul(k1, C1), 15), C2);
    h1 = (Math.imul((rotate(h1, 19) + h2) | 0, 5) + 0x561ccd1b) | 0;
    h2 ^= Math.imul(rotate(Math.imul(k2, C2), 16), C3);
    h2 = (Math.imul((rotate(h2, 17) + h3) | 0, 5) + 0x0bcaa747) | 0;
    h3 ^= Math.imul(rotate(Math.imul(k3, C3), 17), C4);
    h3 = (Math.imul((rotate(h3, 15) + h4) | 0, 5) + 0x96cd1c35) | 0;
    h4 ^= Math.imul(rotate(Math.imul(k4, C4), 18), C1);
    h4 = (Math.imul((rotate(h4, 13) + h1) | 0, 5) + 0x32ac3b17) | 0;
  }
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  h1 = finish(h1);
  h2 = finish(h2);
  h3 = finish(h3);
  h4 = finish(h4);
  h1 = (h1 + h2 + h3 + h4) | 0;
  out[0] = h1;
  out[1] = (h2 + h1) | 0;
  out[2] = (h3 + h1) | 0;
  out[3] = (h4 + h1) | 0;
};

const scratch = newHash128();

/** 32 bits, unsigned. */
export const hash32 = (text: string, seed = 0): number => {
  hash128Into(scratch, text, seed);
  return scratch[0]! >>> 0;
};

/** The low 32 bits of an item's hash, unsigned: what an evicted seen item is remembered by. */
export const itemHashLow = (item: string): number => hash32(item);

/** An item's 64-bit hash as 16 hexadecimal digits: what a neighbour list names items by. */
export const itemHashHex = (item: string): string => {
  hash128Into(scratch, item);
  return hexOfHash64(scratch[0]!, scratch[1]!);
};

export const hexOfHash64 = (low: number, high: number): string =>
  (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0');

/** The UTF-16 unit at a place, 0 past the end. */
const unitAt = (text: string, at: number): number => (at < text.length ? text.charCodeAt(at) : 0);

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

const finish = (word: number): number => {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
};
