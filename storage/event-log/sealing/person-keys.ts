/**
 * The keys of people and sessions as one thread uses them: records are sealed under the key of whom they
 * are about, and opened again as long as that key is not destroyed. Where the tree of keys is kept, in a
 * file or in a topic of the log, is its owner's to know.
 *
 * A person's address is a hash, keyed with the tree's salt, of who it is and of how often they were
 * forgotten before: who comes back after being forgotten is a new person with a key of their own. From
 * `retire` on nothing more is sealed under a key; what was sealed stays readable until it is destroyed.
 *
 * Memory: 5 MB of keys that were used lately, and 65,536 addresses of some 60 bytes.
 */
import { hash } from 'node:crypto';
import { hash32 } from '../../../schemas/hash.ts';
import type { LogRecord } from '../event-log.ts';
import { CHACHA_KEY_WORDS } from './chacha20.ts';
import { type KeyCrashPoint, type RandomBytes, readKeyFile, writePuncture } from './key-file.ts';
import type { KeyTree, PersonAddress, Puncture } from './key-tree.ts';
import { addressText } from './person-address.ts';
import { addressOfRecord, openRecord, sealRecord } from './sealed-record.ts';

export interface PersonKeysOptions {
  /** In hexadecimal. */
  readonly salt: string;
  /** Whoever changes it beside these keys tells them by `treeChanged`. */
  readonly tree: KeyTree;
  readonly randomBytes: RandomBytes;
  /** Returns once nobody can make what was removed from what is stored; absent where that is another's. */
  readonly store?: (puncture: Puncture) => void;
}

export interface KeyFileOptions {
  readonly path: string;
  readonly randomBytes: RandomBytes;
  readonly crashPoint?: (name: KeyCrashPoint) => void;
}

/** Powers of two. */
const CACHED_KEYS = 131_072;
const CACHED_ADDRESSES = 65_536;
const NONCE_COUNTER = 2;

export class PersonKeys {
  readonly #options: PersonKeysOptions;
  readonly #tree: KeyTree;
  readonly #salt: string;
  readonly #retired = new Set<string>();
  /** Direct-mapped by subject: its present address. Compared whole, since ids may be chosen to collide. */
  readonly #subjects = new Array<string | undefined>(CACHED_ADDRESSES).fill(undefined);
  readonly #addresses = new Array<PersonAddress | undefined>(CACHED_ADDRESSES).fill(undefined);
  /** Direct-mapped by address: its words, and whether the place is filled. */
  readonly #cachedHigh = new Int32Array(CACHED_KEYS);
  readonly #cachedLow = new Int32Array(CACHED_KEYS);
  readonly #isCached = new Uint8Array(CACHED_KEYS);
  readonly #cachedKeys = new Int32Array(CACHED_KEYS * CHACHA_KEY_WORDS);
  readonly #key = new Int32Array(CHACHA_KEY_WORDS);
  /** Of this object alone: eight bytes by chance and a counter, so that none is used twice. */
  readonly #nonce = new Int32Array(3);

  static ofFile({ path, randomBytes, crashPoint = () => undefined }: KeyFileOptions): PersonKeys {
    const store = (puncture: Puncture): void => writePuncture(path, puncture, crashPoint);
    return new PersonKeys({ ...readKeyFile(path), randomBytes, store });
  }

  constructor(options: PersonKeysOptions) {
    this.#options = options;
    this.#salt = options.salt;
    this.#tree = options.tree;
    this.#drawNonce();
  }

  /** A record's value sealed for its subject, and nothing left to see of the key. */
  seal<Sealed extends { readonly key: Uint8Array; readonly value: Uint8Array }>(
    record: Sealed,
  ): Buffer {
    const subject = Buffer.from(record.key.buffer, record.key.byteOffset, record.key.length);
    return this.sealFor(this.addressOf(subject.toString()), record);
  }

  sealFor(
    address: PersonAddress,
    record: { readonly key: Uint8Array; readonly value: Uint8Array },
  ): Buffer {
    if (!this.#findKey(address)) throw new RangeError('Expected a key, got one destroyed.');
    this.#nonce[NONCE_COUNTER] = this.#nonce[NONCE_COUNTER]! + 1;
    if (this.#nonce[NONCE_COUNTER] === 0) this.#drawNonce();
    return sealRecord(record, { address, key: this.#key, nonce: this.#nonce });
  }

  /** The record as it was before it was sealed; of a person forgotten, neither key nor value. */
  open(record: LogRecord): LogRecord {
    const { value, timestamp, offset } = record;
    const address = addressOfRecord(record);
    if (address === undefined || value === null) return record;
    if (!this.#findKey(address)) {
      return { key: null, value: null, timestamp, offset, isErased: true };
    }
    const opened = openRecord(value, this.#key);
    return opened === undefined
      ? record
      : { key: opened.key, value: opened.value, timestamp, offset, isErased: false };
  }

  /** Under which the subject's records are sealed now. */
  addressOf(subject: string): PersonAddress {
    const place = hash32(subject) & (CACHED_ADDRESSES - 1);
    if (this.#subjects[place] === subject) return this.#addresses[place]!;
    const address = this.#presentAddress(subject);
    this.#subjects[place] = subject;
    this.#addresses[place] = address;
    return address;
  }

  isDestroyed(address: PersonAddress): boolean {
    return !this.#findKey(address);
  }

  /** Seals nothing more under the key of this address. */
  retire(address: PersonAddress): void {
    this.#retired.add(addressText(address));
    this.#subjects.fill(undefined);
  }

  /** Returns once nobody can make the key again from what the disk holds. Only the owner may. */
  destroy(address: PersonAddress): void {
    const puncture = this.#tree.punctureAt(address);
    if (puncture === undefined) return;
    this.#options.store?.(puncture);
    this.#tree.apply(puncture);
    this.treeChanged();
  }

  /** What the owner destroyed on the disk is gone here, too. */
  forget(address: PersonAddress): void {
    const puncture = this.#tree.punctureAt(address);
    if (puncture === undefined) return;
    this.#tree.apply(puncture);
    this.treeChanged();
  }

  /** Nothing is left here of what was made from the tree before. */
  treeChanged(): void {
    this.#isCached.fill(0);
    this.#cachedKeys.fill(0);
    this.#key.fill(0);
    this.#subjects.fill(undefined);
  }

  #presentAddress(subject: string): PersonAddress {
    for (let times = 0; ; times++) {
      const digest = hash('sha256', `${this.#salt} ${times} ${subject}`, 'buffer');
      const address = { high: digest.readInt32LE(0), low: digest.readInt32LE(4) };
      if (!this.#isRetired(address) && this.#findKey(address)) return address;
    }
  }

  #isRetired(address: PersonAddress): boolean {
    return this.#retired.size > 0 && this.#retired.has(addressText(address));
  }

  /** Puts the key of the address into #key; false where it was destroyed. */
  #findKey(address: PersonAddress): boolean {
    const { high, low } = address;
    const place = low & (CACHED_KEYS - 1);
    const from = place * CHACHA_KEY_WORDS;
    const key = this.#key;
    const keys = this.#cachedKeys;
    if (
      this.#isCached[place] === 1 &&
      this.#cachedLow[place] === low &&
      this.#cachedHigh[place] === high
    ) {
      for (let word = 0; word < CHACHA_KEY_WORDS; word++) key[word] = keys[from + word]!;
      return true;
    }
    if (!this.#tree.keyInto(key, address)) return false;
    for (let word = 0; word < CHACHA_KEY_WORDS; word++) keys[from + word] = key[word]!;
    this.#cachedHigh[place] = high;
    this.#cachedLow[place] = low;
    this.#isCached[place] = 1;
    return true;
  }

  #drawNonce(): void {
    const bytes = this.#options.randomBytes(8);
    this.#nonce[0] = bytes.readInt32LE(0);
    this.#nonce[1] = bytes.readInt32LE(4);
    this.#nonce[NONCE_COUNTER] = 0;
  }
}
