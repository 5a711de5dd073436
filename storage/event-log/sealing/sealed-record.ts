/**
 * A record sealed under a person's key: who it is about and what it says are unreadable without, and
 * its key in the log is gone; a stream cipher makes it no longer than its head.
 *
 *   format u8 (1) | address high i32, low i32 | nonce 12 || mark u32 | key length u16 | key | value
 *
 * What stands behind the bars is enciphered with ChaCha20 (little endian throughout). The format's byte
 * tells a sealed value from an Avro record, which begins with a zero; the mark, a value that only
 * begins the same, and one of another tree of keys. Whether bytes are as they were written is the
 * log's to notice (a CRC of each frame): a seal hides, it does not vouch.
 */
import type { AppendRecord } from '../event-log.ts';
import { chachaBlock } from './chacha20.ts';
import type { PersonAddress } from './key-tree.ts';

export interface OpenedRecord {
  readonly key: Buffer;
  readonly value: Buffer;
}

const FORMAT = 1;
const ADDRESS_AT = 1;
const NONCE_AT = 9;
const NONCE_WORDS = 3;
const BODY_AT = 21;
const BODY_HEAD_BYTES = 6;
const MARK = 0x4c414553;
/** What sealing adds to a record. */
export const SEAL_BYTES = BODY_AT + BODY_HEAD_BYTES;

const input = new Int32Array(1 + NONCE_WORDS);
const stream = new Int32Array(16);
const streamBytes = new Uint8Array(stream.buffer);

export const sealRecord = (
  record: { readonly key: Uint8Array; readonly value: Uint8Array },
  seal: { readonly address: PersonAddress; readonly key: Int32Array; readonly nonce: Int32Array },
): Buffer => {
  const { key, value } = record;
  const sealed = Buffer.allocUnsafe(SEAL_BYTES + key.length + value.length);
  sealed[0] = FORMAT;
  sealed.writeInt32LE(seal.address.high, ADDRESS_AT);
  sealed.writeInt32LE(seal.address.low, ADDRESS_AT + 4);
  for (let word = 0; word < NONCE_WORDS; word++) {
    sealed.writeInt32LE(seal.nonce[word]!, NONCE_AT + 4 * word);
  }
  sealed.writeUInt32LE(MARK, BODY_AT);
  sealed.writeUInt16LE(key.length, BODY_AT + 4);
  sealed.set(key, SEAL_BYTES);
  sealed.set(value, SEAL_BYTES + key.length);
  encipher(sealed, seal.key, seal.nonce);
  return sealed;
};

/** The address of a value that may be sealed; undefined where it cannot be. */
export const addressIn = (value: Buffer): PersonAddress | undefined =>
  value.length < SEAL_BYTES || value[0] !== FORMAT
    ? undefined
    : { high: value.readInt32LE(ADDRESS_AT), low: value.readInt32LE(ADDRESS_AT + 4) };

/** Of a record that only a person's key opens; undefined for any other. */
export const addressOfRecord = ({
  key,
  value,
}: Pick<AppendRecord, 'key' | 'value'>): PersonAddress | undefined =>
  key === null && value !== null
    ? addressIn(Buffer.from(value.buffer, value.byteOffset, value.length))
    : undefined;

const nonce = new Int32Array(NONCE_WORDS);

/** undefined where the key does not fit, or where nothing was sealed. */
export const openRecord = (value: Uint8Array, key: Int32Array): OpenedRecord | undefined => {
  const opened = Buffer.from(value);
  for (let word = 0; word < NONCE_WORDS; word++)
    nonce[word] = opened.readInt32LE(NONCE_AT + 4 * word);
  encipher(opened, key, nonce);
  const valueAt = SEAL_BYTES + opened.readUInt16LE(BODY_AT + 4);
  if (opened.readUInt32LE(BODY_AT) !== MARK || valueAt > opened.length) return undefined;
  return { key: opened.subarray(SEAL_BYTES, valueAt), value: opened.subarray(valueAt) };
};

/** Of the body, in place; doing it twice undoes it. */
const encipher = (bytes: Buffer, key: Int32Array, nonceWords: Int32Array): void => {
  for (let word = 0; word < NONCE_WORDS; word++) input[word + 1] = nonceWords[word]!;
  for (let at = BODY_AT, block = 0; at < bytes.length; at += streamBytes.length, block++) {
    input[0] = block;
    chachaBlock(stream, { key, input });
    const length = Math.min(streamBytes.length, bytes.length - at);
    for (let index = 0; index < length; index++) bytes[at + index]! ^= streamBytes[index]!;
  }
};
