/** What the embedded log survives: kills, power cuts, a full disk, a second writer, flipped bits. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { epochMs, offset, partitionIndex } from '../../schemas/ids.ts';
import { LogPowerCut } from '../../test/faults/power-cut.ts';
import { integerBelow, seededRandom } from '../../test/faults/seeded-random.ts';
import { commitFailure } from '../lmdb/disk-failure.ts';
import { mountSmallDisk } from '../lmdb/small-disk.fixture.ts';
import { CONTRACT_TOPICS } from './contract-topics.fixture.ts';
import { readAll } from './event-log.contract.ts';
import type { EventLog } from './event-log.ts';
import { openLmdbEventLog } from './lmdb-event-log.ts';
import type { LmdbEventLogSeams } from './lmdb-topic.ts';

const TOPIC = 'contract-delete';
const PARTITIONS = [0, 1, 2].map(partitionIndex);
const [P0] = PARTITIONS as [(typeof PARTITIONS)[number]];
const SEED = 20_260_704;

const random = seededRandom(SEED);
const clock = { sleep: (duration: number) => sleepFor(duration) };

const open = (directory: string, seams: LmdbEventLogSeams = {}): Promise<EventLog> =>
  openLmdbEventLog({ directory, topics: CONTRACT_TOPICS, clock, random, seams });

const batchOf = (name: string, count: number, bytes = 60) =>
  Array.from({ length: count }, (_, at) => ({
    key: null,
    value: new TextEncoder().encode(`${name}/${at}`.padEnd(bytes, '.')),
    timestamp: epochMs(1),
  }));

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'freshet-log-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Batch {
  readonly partition: number;
  readonly first: number;
  readonly last: number;
  readonly name: string;
}

/** The names of acknowledged batches that are not there whole, and of batches that are there in part. */
const damageOf = async (log: EventLog, acknowledged: readonly Batch[]): Promise<string[]> => {
  const damaged: string[] = [];
  for (const partition of PARTITIONS) {
    const records = await readAll(log, TOPIC, partition);
    const names = records.map(({ value }) => new TextDecoder().decode(value!).replace(/\.*$/, ''));
    records.forEach(({ offset: at }, index) => {
      if (at !== index) damaged.push(`a gap before ${at}`);
    });
    for (const { partition: of, first, last, name } of acknowledged) {
      if (of !== partition) continue;
      for (let at = first; at <= last; at += 1) {
        if (names[at] !== `${name}/${at - first}`) damaged.push(name);
      }
    }
    damaged.push(...partialBatches(names));
  }
  return damaged;
};

/** A batch's records say how many they are: the count is a function of its number. */
const partialBatches = (names: readonly string[]): string[] => {
  const found = new Map<string, number>();
  for (const name of names) {
    const batch = name.slice(0, name.lastIndexOf('/'));
    found.set(batch, (found.get(batch) ?? 0) + 1);
  }
  return [...found]
    .filter(([batch, count]) => count !== sizeOfBatch(Number(batch.split('.').at(-1))))
    .map(([batch]) => `${batch} in part`);
};

const sizeOfBatch = (number: number): number => 1 + (number % 5);

describe('LmdbEventLog and kills', () => {
  it(`[L5] three processes killed while they append lose nothing acknowledged, seed ${SEED}`, async () => {
    const acknowledged: Batch[] = [];
    for (let round = 0; round < 3; round += 1) {
      acknowledged.push(...(await appendUntilKilled(directory, round)));
      const log = await open(directory);
      expect(await damageOf(log, acknowledged)).toEqual([]);
      await log.close();
    }
    expect(acknowledged.length).toBeGreaterThan(50);
  });
});

const appendUntilKilled = async (directory: string, round: number): Promise<Batch[]> => {
  const script = join(import.meta.dirname, 'log-writer.fixture.ts');
  const child = spawn(process.execPath, [script, directory, `run${round}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const killAfter = 1 + integerBelow(random, 300);
  const acknowledged: Batch[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [partition, first, last, name] = line.split(' ');
    acknowledged.push({
      partition: Number(partition),
      first: Number(first),
      last: Number(last),
      name: name!,
    });
    if (acknowledged.length === killAfter) child.kill('SIGKILL');
  }
  return acknowledged;
};

/** Appends from several callers while the power is cut many times; says what each cut damaged. */
const damageOfPowerCuts = async (seams: LmdbEventLogSeams): Promise<string[]> => {
  const images = join(directory, 'images');
  const source = join(directory, 'log');
  let cut: LogPowerCut | undefined;
  const log = await open(source, { ...seams, committed: (topic) => cut?.committed(topic) });
  cut = new LogPowerCut(source);
  const acknowledged: Batch[] = [];
  let isDone = false;
  const writers = [0, 1, 2, 3].map(async (writer) => {
    for (let number = 0; !isDone; number += 1) {
      const partition = PARTITIONS[writer % 3]!;
      const name = `w${writer}.${number}`;
      const batch = batchOf(name, sizeOfBatch(number), 60 + ((number * 211) % 3_000));
      const { firstOffset, lastOffset } = await log.append(TOPIC, partition, batch);
      acknowledged.push({ partition, first: firstOffset, last: lastOffset, name });
    }
  });
  const damaged: string[] = [];
  for (let image = 0; image < 12; image += 1) {
    for (let turns = integerBelow(random, 40); turns >= 0; turns -= 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const target = join(images, `${image}`);
    const acknowledgedThen = [...acknowledged];
    cut.cutTo(target, random);
    const after = await open(target);
    damaged.push(...(await damageOf(after, acknowledgedThen)));
    await after.close();
  }
  isDone = true;
  await Promise.all(writers);
  await log.close();
  return damaged;
};

describe('LmdbEventLog and power cuts', () => {
  it(`[L5] what was acknowledged is there after a power cut at any moment, seed ${SEED}`, async () => {
    expect(await damageOfPowerCuts({})).toEqual([]);
  });

  it('[tooth] without the wait for the flush a power cut loses what was acknowledged', async () => {
    expect(await damageOfPowerCuts({ acknowledgeBeforeFlush: true })).not.toEqual([]);
  });
});

describe('LmdbEventLog and failing disks', () => {
  it('a second writer is noticed by the commit that it spoils, which writes nothing', async () => {
    const first = await open(directory);
    const second = await open(directory);
    await first.append(TOPIC, P0, batchOf('a', 1));
    const failed = { code: 'storage_failed' };
    await expect(second.append(TOPIC, P0, batchOf('b', 1))).rejects.toMatchObject(failed);
    await expect(second.append(TOPIC, P0, batchOf('c', 1))).rejects.toMatchObject(failed);
    await first.append(TOPIC, P0, batchOf('d', 1));
    expect(await readAll(second, TOPIC, P0)).toHaveLength(2);
    await second.close();
    await first.close();
  });

  it('tells a full disk from a failed one, whatever lmdb wraps around it', async () => {
    const failure = (code: number) => Object.assign(new Error('from the disk'), { code });
    const wrapped = (code: number) =>
      Object.assign(new Error('Commit failed'), { commitError: Promise.reject(failure(code)) });
    expect(await commitFailure(wrapped(28), directory)).toMatchObject({ code: 'disk_full' });
    expect(await commitFailure(wrapped(-30_792), directory)).toMatchObject({ code: 'disk_full' });
    expect(await commitFailure(wrapped(5), directory)).toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('from the disk'),
    });
    expect(await commitFailure(failure(5), directory)).toMatchObject({ code: 'storage_failed' });
  });

  it('on a full disk appends are refused whole, reads go on, and appends work again once there is room', async ({
    skip,
  }) => {
    const disk = mountSmallDisk();
    if (!disk) return skip('no file system could be mounted here');
    const { path, unmount } = disk;
    try {
      const ballast = join(path, 'ballast');
      writeFileSync(ballast, Buffer.alloc(2_000_000));
      const log = await open(join(path, 'log'));
      let kept = 0;
      const fill = async () => {
        for (;;) {
          await log.append(TOPIC, P0, batchOf(`fill.${kept}`, 10, 20_000));
          kept += 10;
        }
      };
      await expect(fill()).rejects.toMatchObject({ code: 'disk_full' });
      expect(kept).toBeGreaterThan(0);
      expect(await readAll(log, TOPIC, P0)).toHaveLength(kept);
      await expect(fill()).rejects.toMatchObject({ code: 'disk_full' });
      rmSync(ballast);
      const { firstOffset } = await log.append(TOPIC, P0, batchOf('room', 3));
      expect(firstOffset).toBe(kept);
      await log.close();
      const again = await open(join(path, 'log'));
      expect(await readAll(again, TOPIC, P0)).toHaveLength(kept + 3);
      await again.close();
    } finally {
      unmount();
    }
  });

  it('a flipped bit is found and named, and what stands before and after it can be read', async () => {
    const log = await open(directory);
    await log.append(TOPIC, P0, batchOf('flipped', 50));
    await log.close();
    flipBitOf(join(directory, TOPIC, 'data.mdb'), 'flipped/20');
    const again = await open(directory);
    const before = await again.read(TOPIC, P0, offset(0), { recordsMax: 99, bytesMax: 1e6 });
    expect(before).toHaveLength(20);
    const from20 = again.read(TOPIC, P0, offset(20), { recordsMax: 99, bytesMax: 1e6 });
    await expect(from20).rejects.toMatchObject({
      code: 'record_corrupt',
      details: { topic: TOPIC, partition: 0, offset: 20 },
    });
    expect(await readAll(again, TOPIC, P0, offset(21))).toHaveLength(29);
    await again.close();
  });
});

/** Flips one bit in every copy of the text that the file holds. */
const flipBitOf = (file: string, text: string): void => {
  const bytes = readFileSync(file);
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) {
    bytes[at + text.length] = bytes[at + text.length]! ^ 4;
  }
  writeFileSync(file, bytes);
};
