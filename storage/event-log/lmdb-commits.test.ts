/** How the embedded log commits: who shares a commit, and the room that is kept ahead in its file. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { epochMs, type PartitionIndex, partitionIndex } from '../../schemas/ids.ts';
import { CONTRACT_TOPICS } from './contract-topics.fixture.ts';
import { readAll } from './event-log.contract.ts';
import { openLmdbEventLog } from './lmdb-event-log.ts';

const TOPIC = 'contract-delete';
const P0 = partitionIndex(0);
const MEGABYTE = 1_048_576;
const clock = { sleep: (duration: number) => sleepFor(duration) };
const directories: string[] = [];

afterAll(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

const openLog = async (committed: (topic: string) => void = () => {}) => {
  const directory = await mkdtemp(join(tmpdir(), 'freshet-commits-'));
  directories.push(directory);
  const open = () =>
    openLmdbEventLog({
      directory,
      topics: CONTRACT_TOPICS,
      clock,
      random: () => 0.5,
      seams: { committed },
    });
  const fileBytes = async (): Promise<number> =>
    (await stat(join(directory, TOPIC, 'data.mdb'))).size;
  return { log: await open(), open, fileBytes };
};

const recordOf = (byte: number, length: number) => ({
  key: null,
  value: new Uint8Array(length).fill(byte),
  timestamp: epochMs(1),
});

describe('commits of the embedded log', () => {
  it('who appends again when a commit has answered shares the next one with all who waited', async () => {
    let commits = 0;
    const { log } = await openLog(() => {
      commits += 1;
    });
    const appendAgain = async (partition: PartitionIndex, times: number): Promise<void> => {
      for (let time = 0; time < times; time += 1) {
        await log.append(TOPIC, partition, [recordOf(time, 100)]);
      }
    };
    const first = appendAgain(P0, 20);
    // The first is under way when the second comes: from then on they would take turns.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    await Promise.all([first, appendAgain(partitionIndex(1), 20)]);
    expect(commits).toBeLessThanOrEqual(22);
    await log.close();
  });
});

describe('the room ahead in the file of a log', () => {
  it('a small log is left alone', async () => {
    const { log, fileBytes } = await openLog();
    for (let at = 0; at < 40; at += 1) await log.append(TOPIC, P0, [recordOf(at, 1_000)]);
    await log.close();
    expect(await fileBytes()).toBeLessThan(MEGABYTE / 2);
  });

  it('[L2] zeros are kept ahead of a larger one, and what it holds is the same, also when it is opened again', async () => {
    const { log, open, fileBytes } = await openLog();
    const count = 60;
    for (let at = 0; at < count; at += 1) await log.append(TOPIC, P0, [recordOf(at, 50_000)]);
    await log.close();
    // Some 3 MB of records, and up to another 2 MB ahead of them.
    expect(await fileBytes()).toBeGreaterThan(count * 50_000 + MEGABYTE / 2);
    const again = await open();
    for (let at = count; at < 2 * count; at += 1) {
      await again.append(TOPIC, P0, [recordOf(at, 50_000)]);
    }
    const records = await readAll(again, TOPIC, P0);
    expect(records.map(({ value }) => [value!.length, value![0], value!.at(-1)])).toEqual(
      Array.from({ length: 2 * count }, (_, at) => [50_000, at, at]),
    );
    await again.close();
    expect(await fileBytes()).toBeLessThan(2 * count * 50_000 + 6 * MEGABYTE);
  });
});
