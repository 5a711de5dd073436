/** What the embedded state survives: kills, power cuts, a full disk, flipped bits, second owners. */
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type EpochMs,
  epochMs,
  NO_OFFSET,
  partitionIndex,
  statePartition,
} from '../../schemas/ids.ts';
import { cutStatePower } from '../../test/faults/power-cut.ts';
import { integerBelow, seededRandom } from '../../test/faults/seeded-random.ts';
import { mountSmallDisk } from '../lmdb/small-disk.fixture.ts';
import { type LmdbStateStoreOptions, openLmdbStateStore } from './lmdb-state-store.ts';
import { applyRequest } from './state-store.contract.ts';
import type { StateStore } from './state-store.ts';

const P0 = statePartition('contract', partitionIndex(0));
const SEED = 815;
const random = seededRandom(SEED);

let directory: string;
let now: EpochMs;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'freshet-state-'));
  now = epochMs(1_000);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (path: string, options: Partial<LmdbStateStoreOptions> = {}): Promise<StateStore> =>
  openLmdbStateStore({ directory: path, clock: { now: () => now }, bootId: 'boot 1', ...options });

/** Values that say which apply wrote them: an apply is whole when all of them agree with the position. */
const KEYS = Array.from({ length: 30 }, (_, at) => `key-${at}`);
const setAllTo = (number: number) =>
  Object.fromEntries(KEYS.map((key) => [key, `${number}`.padEnd(20 + ((number * 97) % 700), '.')]));

const applyNumber = (store: StateStore, epoch: number, number: number) =>
  store.apply(P0, applyRequest({ epoch, from: number - 1, to: number, set: setAllTo(number) }));

/** The number of the apply that the state is at; fails unless values and position agree. */
const applyFound = async (store: StateStore): Promise<number> => {
  const position = await store.position(P0);
  const values = await store.getMany(P0, KEYS);
  const numbers = new Set(values.map((value) => (value ? Number.parseInt(textOf(value), 10) : -1)));
  expect([...numbers]).toEqual([position?.coveredOffset ?? NO_OFFSET]);
  return position?.coveredOffset ?? NO_OFFSET;
};

const textOf = (value: Uint8Array): string => new TextDecoder().decode(value);

/** Opens a store whose next snapshot can be waited for. */
const openWithSnapshots = async (path: string) => {
  let taken = () => {};
  const store = await open(path, { seams: { snapshotTaken: () => taken() } });
  const snapshotDuring = async (work: () => Promise<unknown>) => {
    const isTaken = new Promise<void>((resolve) => {
      taken = resolve;
    });
    now = epochMs(now + 300_000);
    await work();
    await isTaken;
  };
  return { store, snapshotDuring };
};

/** Takes every last block. */
const fillUp = (path: string): void => {
  try {
    for (;;) appendFileSync(path, Buffer.alloc(4_096));
  } catch {
    // Full, which is what was wanted.
  }
};

describe('LmdbStateStore and kills', () => {
  it(`[S2] three owners killed while they apply leave whole applies, none lost, seed ${SEED}`, async () => {
    for (let round = 0; round < 3; round += 1) {
      const acknowledged = await applyUntilKilled();
      const store = await openLmdbStateStore({ directory });
      expect(await applyFound(store)).toBeGreaterThanOrEqual(acknowledged);
      await store.close();
    }
  });
});

/** The last apply that was acknowledged before the owner was killed. */
const applyUntilKilled = async (): Promise<number> => {
  const script = join(import.meta.dirname, 'state-owner.fixture.ts');
  const child = spawn(process.execPath, [script, directory, P0], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const killAfter = 1 + integerBelow(random, 150);
  let last = NO_OFFSET as number;
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    lines += 1;
    if (lines === killAfter) child.kill('SIGKILL');
  }
  return last;
};

describe('LmdbStateStore and power cuts', () => {
  it('says from where it would read the log again, and takes a snapshot when asked', async () => {
    const source = join(directory, 'state');
    const store = await openLmdbStateStore({ directory: source, clock: { now: () => now } });
    expect(await store.recoverableFrom(P0)).toBe(0);
    const { epoch } = await store.claim(P0);
    await applyNumber(store, epoch, 0);
    await applyNumber(store, epoch, 1);
    expect(await store.recoverableFrom(P0)).toBe(0);
    await store.snapshot(P0);
    await applyNumber(store, epoch, 2);
    expect(await store.recoverableFrom(P0)).toBe(2);
    const target = join(directory, 'cut');
    cutStatePower(source, target, random);
    const after = await open(target, { bootId: 'another boot' });
    expect((await applyFound(after)) + 1).toBe(await store.recoverableFrom(P0));
    await after.close();
    await store.close();
  });

  it(`[S2] comes back whole and at an earlier position, seed ${SEED}`, async () => {
    const source = join(directory, 'state');
    const { store, snapshotDuring } = await openWithSnapshots(source);
    const { epoch } = await store.claim(P0);
    await applyNumber(store, epoch, 0);
    await snapshotDuring(() => applyNumber(store, epoch, 1));
    for (let number = 2; number < 20; number += 1) {
      await applyNumber(store, epoch, number);
      const target = join(directory, `cut-${number}`);
      cutStatePower(source, target, random);
      const after = await open(target, { bootId: 'boot 2' });
      expect(await applyFound(after)).toBe(1);
      expect((await after.claim(P0)).epoch).toBeGreaterThan(epoch);
      await after.close();
    }
    await store.close();
  });

  it('starts from nothing when there was no snapshot yet', async () => {
    const source = join(directory, 'state');
    const store = await open(source);
    const { epoch } = await store.claim(P0);
    await applyNumber(store, epoch, 0);
    const target = join(directory, 'cut');
    cutStatePower(source, target, random);
    const after = await open(target, { bootId: 'boot 2' });
    expect(await after.position(P0)).toBeUndefined();
    expect(await after.claim(P0)).toMatchObject({ epoch: epoch + 1, coveredOffset: NO_OFFSET });
    await after.close();
    await store.close();
  });

  it('believes state that was closed, under any boot', async () => {
    const source = join(directory, 'state');
    const store = await open(source);
    const { epoch } = await store.claim(P0);
    for (let number = 0; number < 5; number += 1) await applyNumber(store, epoch, number);
    await store.close();
    const target = join(directory, 'cut');
    cutStatePower(source, target, random);
    const after = await open(target, { bootId: 'boot 2' });
    expect(await applyFound(after)).toBe(4);
    await after.close();
  });

  it('[tooth] believing unflushed state after a power cut is not safe', async () => {
    const source = join(directory, 'state');
    const store = await open(source);
    const { epoch } = await store.claim(P0);
    let damaged = 0;
    for (let number = 0; number < 8; number += 1) {
      await applyNumber(store, epoch, number);
      const target = join(directory, `cut-${number}`);
      cutStatePower(source, target, random);
      // The same boot: the store believes what it finds. In a process of its own: LMDB may crash on it.
      const script = join(import.meta.dirname, 'state-reader.fixture.ts');
      const args = [script, target, P0, 'before the power cut'];
      try {
        const found = execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
        if (Number(found.toString()) !== number) damaged += 1;
      } catch {
        damaged += 1;
      }
      if (damaged > 0) break;
    }
    expect(damaged).toBeGreaterThan(0);
    await store.close();
  });

  it('a snapshot with a flipped bit is set aside, and the log is read from the start', async () => {
    const source = join(directory, 'state');
    const { store, snapshotDuring } = await openWithSnapshots(source);
    const { epoch } = await store.claim(P0);
    await snapshotDuring(() => applyNumber(store, epoch, 0));
    const target = join(directory, 'cut');
    cutStatePower(source, target, random);
    flipBit(join(target, P0, 'snapshot', 'data.mdb'), 9_000);
    const after = await open(target, { bootId: 'boot 2' });
    expect(await after.position(P0)).toBeUndefined();
    await after.close();
    await store.close();
  });

  it('takes the former snapshot when the power fails between the two renames', async () => {
    const source = join(directory, 'state');
    const { store, snapshotDuring } = await openWithSnapshots(source);
    const { epoch } = await store.claim(P0);
    await snapshotDuring(() => applyNumber(store, epoch, 0));
    await applyNumber(store, epoch, 1);
    const target = join(directory, 'cut');
    cutStatePower(source, target, random);
    const snapshot = join(target, P0, 'snapshot');
    cpSync(snapshot, `${snapshot}.former`, { recursive: true });
    rmSync(snapshot, { recursive: true });
    const after = await open(target, { bootId: 'boot 2' });
    expect(await applyFound(after)).toBe(0);
    await after.close();
    await store.close();
  });

  it('a reader sees nothing of state that its owner has not vouched for', async () => {
    const source = join(directory, 'state');
    const { store, snapshotDuring } = await openWithSnapshots(source);
    const { epoch } = await store.claim(P0);
    await snapshotDuring(() => applyNumber(store, epoch, 0));
    await applyNumber(store, epoch, 1);
    const target = join(directory, 'cut');
    cutStatePower(source, target, random);
    const reader = await open(target, { bootId: 'boot 2', readOnly: true });
    expect(await reader.position(P0)).toBeUndefined();
    expect(await reader.getMany(P0, ['key-1'])).toEqual([undefined]);
    const owner = await open(target, { bootId: 'boot 2' });
    await owner.claim(P0);
    expect(await applyFound(reader)).toBe(0);
    for (const each of [reader, owner, store]) await each.close();
  });
});

describe('LmdbStateStore and damage', () => {
  it('a flipped bit is found and named; the next start sets the state aside for the snapshot', async () => {
    const { store, snapshotDuring } = await openWithSnapshots(directory);
    const { epoch } = await store.claim(P0);
    await snapshotDuring(() => applyNumber(store, epoch, 0));
    await store.apply(
      P0,
      applyRequest({ epoch, from: 0, to: 1, set: { flipped: 'find me here' } }),
    );
    await store.close();
    const dataFile = join(directory, P0, 'data.mdb');
    const bytes = readFileSync(dataFile);
    for (let at = bytes.indexOf('find me'); at !== -1; at = bytes.indexOf('find me', at + 1)) {
      bytes[at] = bytes[at]! ^ 1;
    }
    writeFileSync(dataFile, bytes);

    const damaged = await open(directory);
    const reading = damaged.getMany(P0, ['key-0', 'flipped']);
    await expect(reading).rejects.toMatchObject({
      code: 'state_corrupt',
      details: { partition: P0, problem: expect.stringContaining('flipped') },
    });
    await damaged.close();
    const restored = await open(directory);
    expect(await applyFound(restored)).toBe(0);
    await restored.close();
  });

  it('a file that is no longer LMDB’s is named, and replaced at the next start', async () => {
    const { store, snapshotDuring } = await openWithSnapshots(directory);
    const { epoch } = await store.claim(P0);
    await snapshotDuring(() => applyNumber(store, epoch, 0));
    await store.close();
    writeFileSync(join(directory, P0, 'data.mdb'), Buffer.alloc(50_000, 7));
    const damaged = await open(directory);
    await expect(damaged.position(P0)).rejects.toMatchObject({ code: 'state_corrupt' });
    await damaged.close();
    const restored = await open(directory);
    expect(await applyFound(restored)).toBe(0);
    await restored.close();
  });

  it('[tooth] without compare-and-set an older owner overwrites the newer one', async () => {
    for (const isOff of [false, true]) {
      const path = join(directory, `${isOff}`);
      const zombie = await open(path, { seams: { ignoreStoredPosition: isOff } });
      const owner = await open(path);
      const { epoch: old } = await zombie.claim(P0);
      const { epoch } = await owner.claim(P0);
      await owner.apply(P0, applyRequest({ epoch, to: 5, set: { a: 'owner' } }));
      await zombie.apply(P0, applyRequest({ epoch: old, to: 2, set: { a: 'zombie' } }));
      const [value] = await owner.getMany(P0, ['a']);
      expect(textOf(value!)).toBe(isOff ? 'zombie' : 'owner');
      await zombie.close();
      await owner.close();
    }
  });

  it('on a full disk applies are refused whole, reads go on, and applies work again once there is room', async ({
    skip,
  }) => {
    const disk = mountSmallDisk();
    if (!disk) return skip('no file system could be mounted here');
    const { path, unmount } = disk;
    try {
      const ballast = join(path, 'ballast');
      writeFileSync(ballast, Buffer.alloc(2_000_000));
      const store = await open(join(path, 'state'));
      const { epoch } = await store.claim(P0);
      let next = 0;
      const fill = async () => {
        for (; ; next += 1) {
          const set = { [`filling-${next}`]: 'x'.repeat(100_000), last: `${next}` };
          await store.apply(P0, applyRequest({ epoch, from: next - 1, to: next, set }));
        }
      };
      await expect(fill()).rejects.toMatchObject({ code: 'disk_full' });
      await expect(fill()).rejects.toMatchObject({ code: 'disk_full' });
      expect(await store.position(P0)).toMatchObject({ coveredOffset: next - 1 });
      expect(
        (await store.getMany(P0, ['last', `filling-${next}`])).map(
          (found) => found && textOf(found),
        ),
      ).toEqual([`${next - 1}`, undefined]);
      // The files beside LMDB's own need room too: an owner that begins anew meets that first.
      fillUp(join(path, 'rest'));
      await expect(store.claim(P0)).rejects.toMatchObject({ code: 'disk_full' });
      rmSync(join(path, 'rest'));
      rmSync(ballast);
      const { epoch: later } = await store.claim(P0);
      const request = applyRequest({
        epoch: later,
        from: next - 1,
        to: next,
        set: { last: 'room' },
      });
      expect(await store.apply(P0, request)).toEqual({ outcome: 'applied' });
      await store.close();
    } finally {
      unmount();
    }
  });
});

describe('LmdbStateStore and snapshots', () => {
  it('gives a snapshot up that finds no room, says so, and goes on', async ({ skip }) => {
    const disk = mountSmallDisk();
    if (!disk) return skip('no file system could be mounted here');
    const warnings: string[] = [];
    try {
      const logger = {
        info: () => undefined,
        warn: (message: string) => void warnings.push(message),
      };
      const store = await open(join(disk.path, 'state'), { logger });
      const { epoch } = await store.claim(P0);
      for (let number = 0; number < 24; number += 1) {
        const set = { [`filling-${number}`]: 'x'.repeat(100_000) };
        await store.apply(P0, applyRequest({ epoch, from: number - 1, to: number, set }));
      }
      now = epochMs(now + 300_000);
      await store.apply(P0, applyRequest({ epoch, from: 23, to: 24, set: { a: '1' } }));
      await store.close();
      expect(warnings).toEqual(['Snapshot of the state failed']);
      const again = await open(join(disk.path, 'state'));
      expect(await again.position(P0)).toMatchObject({ coveredOffset: 24 });
      await again.close();
    } finally {
      disk.unmount();
    }
    return undefined;
  });
});

const flipBit = (file: string, at: number): void => {
  const bytes = readFileSync(file);
  bytes[at] = bytes[at]! ^ 1;
  writeFileSync(file, bytes);
};
