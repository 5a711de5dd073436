import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EpochMs, LogId, Offset, StatePartition } from '../../schemas/ids.ts';
import { type EmbeddedStateStore, openLmdbStateStore } from './lmdb-state-store.ts';

const SEED = 5;
/** Far more than are written again together. */
const PEOPLE = 6_000;
const NAME = 'interactions.0' as StatePartition;
const LOG_ID = 'log' as LogId;
const keyOf = (person: number): string => `subject:u:zebra-${person}-of-yerevan`;

let directory: string;
let store: EmbeddedStateStore;
let epoch: number;
let covered: number;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'freshet-erasure-'));
  store = await openLmdbStateStore({
    directory,
    clock: { now: () => 0 as EpochMs },
  });
  epoch = (await store.claim(NAME)).epoch;
  covered = -1;
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

const apply = async (changes: readonly { key: string; value: Uint8Array | undefined }[]) => {
  const done = await store.apply(NAME, {
    epoch,
    expectedOffset: covered as Offset,
    coveredOffset: (covered + 1) as Offset,
    recordHash: 1,
    logId: LOG_ID,
    changes,
  });
  expect(done.outcome).toBe('applied');
  covered += 1;
};

/** Whether a file of the partition, its snapshot included, holds the key's bytes. */
const isOnDisk = (key: string): boolean =>
  ['data.mdb', 'snapshot/data.mdb'].some((file) =>
    readFileSync(join(directory, NAME, file)).includes(Buffer.from(key)),
  );

describe(`erasing removed keys, seed ${SEED}`, () => {
  it('leaves no byte of them in the file or in a snapshot, and everything else as it was', async () => {
    let state = SEED;
    const below = (limit: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % limit;
    };
    const kept = new Map<string, Uint8Array>();
    const write = async (): Promise<void> => {
      const changes = Array.from({ length: 150 }, () => {
        const value = new Uint8Array(20 + below(600)).fill(below(250));
        return { key: keyOf(below(PEOPLE)), value };
      });
      for (const { key, value } of changes) kept.set(key, value);
      await apply(changes);
    };
    for (let round = 0; round < 60; round++) await write();
    for (let round = 0; round < 6; round++) {
      const keys = [keyOf(below(PEOPLE)), keyOf(below(PEOPLE))];
      for (const key of keys) kept.delete(key);
      await apply(keys.map((key) => ({ key, value: undefined })));
      await store.erase(NAME, keys);
      expect(keys.map(isOnDisk)).toEqual([false, false]);
      const found = await store.scan(NAME, { prefix: 'subject:', limit: 10_000 });
      expect(
        new Map(found.map(({ key, value }) => [key, Buffer.from(value).toString('hex')])),
      ).toEqual(
        new Map(
          [...kept.keys()].sort().map((key) => [key, Buffer.from(kept.get(key)!).toString('hex')]),
        ),
      );
      await write();
      for (const key of keys) if (!kept.has(key)) expect(isOnDisk(key)).toBe(false);
    }
  });

  it('makes whoever follows look at everything once', async () => {
    await apply([{ key: keyOf(1), value: new Uint8Array(3) }]);
    await apply([{ key: keyOf(1), value: undefined }]);
    expect(await store.changesSince(NAME, 0 as Offset)).toMatchObject({ complete: true });
    await store.erase(NAME, [keyOf(1)]);
    expect(await store.changesSince(NAME, 0 as Offset)).toMatchObject({ complete: false });
    expect(await store.changesSince(NAME, 1 as Offset)).toMatchObject({ complete: true, keys: [] });
  });
});
