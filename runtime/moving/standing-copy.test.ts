/** A partition copied while its owner applies is what it was at one of its positions. */
import { expect, it } from 'vitest';
import type { LogId, Offset, StatePartition } from '../../schemas/ids.ts';
import { openMemoryStateStore } from '../../storage/state-store/memory-state-store.ts';
import type { StateChange, StateStore } from '../../storage/state-store/state-store.ts';
import { integerBelow, seededRandom } from '../../test/faults/seeded-random.ts';
import { copyAsOfOnePosition, type StandingStore } from './standing-copy.ts';

const PARTITION = 'interactions.0' as StatePartition;
const KEYS = 2_400;
const LOG = 'log' as LogId;
const SEEDS = 12;

const textOf = (value: Uint8Array | undefined): string | undefined =>
  value && Buffer.from(value).toString();

/** Applies a few changes, and keeps what the partition was at each position. */
const ownerOf = async (store: StateStore, random: () => number) => {
  const { epoch } = await store.claim(PARTITION);
  const values = new Map<string, string>();
  const history = new Map<number, ReadonlyMap<string, string>>();
  let covered = -1;
  const apply = async (changeCount: number): Promise<void> => {
    const changes: StateChange[] = [];
    for (let count = 0; count < changeCount; count += 1) {
      const key = `key-${integerBelow(random, KEYS)}`;
      const isGone = integerBelow(random, 4) === 0;
      const text = `${covered + 1}.${count}`;
      changes.push({ key, value: isGone ? undefined : Buffer.from(text) });
      if (isGone) values.delete(key);
      else values.set(key, text);
    }
    const coveredOffset = (covered + 1) as Offset;
    const request = { epoch, expectedOffset: covered as Offset, coveredOffset, logId: LOG };
    await store.apply(PARTITION, { ...request, recordHash: 0, changes });
    covered += 1;
    history.set(covered, new Map(values));
  };
  return { apply, history };
};

it(`whenever applies come in between, seeds 1 to ${SEEDS}`, async () => {
  let interrupted = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const random = seededRandom(seed);
    const store = openMemoryStateStore();
    const { apply, history } = await ownerOf(store, random);
    for (let count = 0; count < 12; count += 1) await apply(400);
    const between = async (): Promise<void> => {
      if (integerBelow(random, 3) > 0) return;
      interrupted += 1;
      await apply(1 + integerBelow(random, 60));
    };
    const moving: StandingStore = {
      position: async (partition) => {
        await between();
        return store.position(partition);
      },
      scan: async (partition, options) => {
        await between();
        return store.scan(partition, options);
      },
      changesSince: async (partition, offset) => {
        await between();
        return store.changesSince(partition, offset);
      },
      getMany: async (partition, keys) => {
        await between();
        return store.getMany(partition, keys);
      },
    };
    const copy = new Map<string, string>();
    const position = await copyAsOfOnePosition(moving, PARTITION, async (entries) => {
      for (const { key, value } of entries) {
        const text = textOf(value);
        if (text === undefined) copy.delete(key);
        else copy.set(key, text);
      }
    });
    expect([...copy].sort(), `seed ${seed}`).toEqual(
      [...history.get(position!.coveredOffset)!].sort(),
    );
  }
  expect(interrupted).toBeGreaterThan(SEEDS);
});

it('says so where the partition is thrown away meanwhile', async () => {
  const store = openMemoryStateStore();
  const { apply } = await ownerOf(store, seededRandom(1));
  await apply(300);
  const copying = copyAsOfOnePosition(store, PARTITION, async () => store.clear(PARTITION));
  await expect(copying).rejects.toThrow(/changes faster/);
});

it('has nothing to copy where nobody applied anything', async () => {
  const store = openMemoryStateStore();
  await store.claim(PARTITION);
  expect(await copyAsOfOnePosition(store, PARTITION, async () => {})).toBeUndefined();
});
