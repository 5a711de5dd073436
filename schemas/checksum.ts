/**
 * CRC32C (Castagnoli), the checksum that every stored value carries: LMDB and directories have none
 * of their own. Eight bytes a step by eight tables ("slicing by 8", Kounavis and Berry 2005). It
 * finds a flipped bit, a torn page and a value in the wrong place; it is no defence against an enemy.
 * `node:zlib`'s crc32 is another polynomial and not interchangeable.
 */
const POLYNOMIAL = 0x82f63b78; // 0x1edc6f41 with its bits reversed

const TABLES = buildTables();
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as unknown as readonly [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

/**
 * The checksum of `bytes` from `start` to `end`, as an unsigned 32-bit number. `seed` is the checksum
 * of what came before, so that the parts of a value can be summed one after another.
 */
export const crc32c = (bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): number => {
  let crc = ~seed;
  let at = start;
  for (const wordsEnd = end - 7; at < wordsEnd; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      T7[crc & 0xff]! ^
      T6[(crc >>> 8) & 0xff]! ^
      T5[(crc >>> 16) & 0xff]! ^
      T4[crc >>> 24]! ^
      T3[bytes[at + 4]!]! ^
      T2[bytes[at + 5]!]! ^
      T1[bytes[at + 6]!]! ^
      T0[bytes[at + 7]!]!;
  }
  for (; at < end; at += 1) crc = T0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
};

function buildTables(): readonly Int32Array[] {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256));
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[0]![byte] = crc;
  }
  for (let table = 1; table < 8; table += 1) {
    for (let byte = 0; byte < 256; byte += 1) {
      const before = tables[table - 1]![byte]!;
      tables[table]![byte] = (before >>> 8) ^ tables[0]![before & 0xff]!;
    }
  }
  return tables;
}
