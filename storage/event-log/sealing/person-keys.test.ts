import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EpochMs, Offset } from '../../../schemas/ids.ts';
import type { LogRecord } from '../event-log.ts';
import { createKeyFile, KEY_CRASH_POINTS } from './key-file.ts';
import { addressOfText, addressText } from './person-address.ts';
import { PersonKeys } from './person-keys.ts';
import { seededBytes } from './seeded-bytes.fixture.ts';

const SEED = 3;
let root: string;
let path: string;
let randomBytes: (count: number) => Buffer;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-keys-'));
  path = join(root, 'people.keys');
  randomBytes = seededBytes(SEED);
  createKeyFile(path, randomBytes);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const open = (): PersonKeys => PersonKeys.ofFile({ path, randomBytes });
const sealedFor = (keys: PersonKeys, subject: string, text: string): LogRecord => ({
  key: null,
  value: keys.seal({ key: Buffer.from(subject), value: Buffer.from(text) }),
  timestamp: 5 as EpochMs,
  offset: 9 as Offset,
});
const textOf = ({ key, value }: LogRecord): string | null =>
  value && `${Buffer.from(key ?? []).toString()} ${Buffer.from(value).toString()}`;

describe(`the keys of people, seed ${SEED}`, () => {
  it('seal what a person did so that it is not seen, and open it again, here and elsewhere', () => {
    const keys = open();
    const text = 'saw the third man, '.repeat(20);
    const record = sealedFor(keys, 'u:ada', text);
    const raw = Buffer.from(record.value!).toString('latin1');
    expect([raw.includes('ada'), raw.includes('third man')]).toEqual([false, false]);
    expect(textOf(keys.open(record))).toBe(`u:ada ${text}`);
    expect(textOf(open().open(record))).toBe(`u:ada ${text}`);
  });

  it('seal the same twice to different bytes', () => {
    const keys = open();
    const [one, other] = [1, 2].map(() => sealedFor(keys, 'u:ada', 'the same').value);
    expect(one).not.toEqual(other);
  });

  it('leave alone what nobody sealed, even if it begins the same', () => {
    const keys = open();
    for (const bytes of [[], [1], [0, 1, 2], [1, ...Array(40).fill(7)]]) {
      const record = {
        key: null,
        value: Uint8Array.from(bytes as number[]),
        timestamp: 5 as EpochMs,
        offset: 9 as Offset,
      };
      expect(keys.open(record)).toBe(record);
    }
  });

  it('of a person whose key is destroyed open nothing any more, of all others everything', () => {
    const keys = open();
    const records = ['u:ada', 'u:bob', 's:ada'].map((subject) => sealedFor(keys, subject, 'x'));
    const other = open();
    const address = keys.addressOf('u:ada');
    keys.destroy(address);
    other.forget(address);
    for (const left of [keys, other, open()]) {
      expect(records.map((record) => textOf(left.open(record)))).toEqual([
        null,
        'u:bob x',
        's:ada x',
      ]);
      expect(left.open(records[0]!)).toMatchObject({ isErased: true, offset: 9, timestamp: 5 });
    }
  });

  it('give who comes back another key; a retired one opens, but seals nothing more', () => {
    const keys = open();
    const before = sealedFor(keys, 'u:ada', 'before');
    const address = keys.addressOf('u:ada');
    keys.retire(address);
    const after = sealedFor(keys, 'u:ada', 'after');
    expect(textOf(keys.open(before))).toBe('u:ada before');
    keys.destroy(address);
    expect([before, after].map((record) => textOf(keys.open(record)))).toEqual([
      null,
      'u:ada after',
    ]);
    expect(open().addressOf('u:ada')).toEqual(keys.addressOf('u:ada'));
    expect(addressOfText(addressText(address))).toEqual(address);
  });

  it('leave no byte of a destroyed seed in the file', () => {
    const rootSeed = readFileSync(path).subarray(64 + 12, 64 + 28);
    open().destroy(open().addressOf('u:ada'));
    expect(readFileSync(path).includes(rootSeed)).toBe(false);
  });

  for (const point of KEY_CRASH_POINTS) {
    it(`killed at ${point} are whole, and what was to be destroyed can be destroyed again`, () => {
      const keys = PersonKeys.ofFile({
        path,
        randomBytes,
        crashPoint: (name) => {
          if (name === point) throw new Error(name);
        },
      });
      const records = ['u:ada', 'u:bob'].map((subject) => sealedFor(keys, subject, 'x'));
      const address = keys.addressOf('u:ada');
      expect(() => keys.destroy(address)).toThrow(point);
      const isGone = point === 'keys.erased';
      const next = open();
      expect(records.map((record) => textOf(next.open(record)))).toEqual([
        isGone ? null : 'u:ada x',
        'u:bob x',
      ]);
      next.destroy(address);
      expect(records.map((record) => textOf(open().open(record)))).toEqual([null, 'u:bob x']);
    });
  }

  it('ignore a slot that was only half appended, and write over it', () => {
    appendFileSync(path, Buffer.alloc(17, 1));
    const keys = open();
    const record = sealedFor(keys, 'u:bob', 'x');
    keys.destroy(keys.addressOf('u:ada'));
    expect(textOf(open().open(record))).toBe('u:bob x');
  });

  it('are refused by name where a part of them is missing or spoilt', () => {
    const whole = readFileSync(path);
    for (const at of [0, 20, 80]) {
      const spoilt = Buffer.from(whole);
      spoilt[at]! ^= 1;
      writeFileSync(path, spoilt);
      expect(open).toThrow(/Expected the keys of people in .*people\.keys/);
    }
  });
});
